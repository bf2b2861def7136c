"""Training of the multimodal model: stage I pre-training, instruction tuning, and the edit specialist.

All three are one loss over different mixtures of dialogues. Each batch comes from one source, so its rows are about
equally long; sources are mixed by weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import LlamaForCausalLM

from seedx_finetune.nano import dialogues
from seedx_finetune.nano.corpus import Corpus
from seedx_finetune.nano.dialogues import Segment
from seedx_finetune.nano.matching import matching_lesson
from seedx_finetune.nano.sequences import Batch, Features, collate, encode
from seedx_finetune.nano.trainer import TrainConfig
from seedx_finetune.world import Scene, sample_arranged_scene, sample_edit, sample_scene
from seedx_sdk.model.lvlm import LVLM, LVLMOutput
from seedx_sdk.model.tokenizer import Tokenizer

Source = Literal["grounded_caption", "conversation", "questions", "finding", "matching", "drawing", "words", "edit"]
"""Questions are conversations of many turns: an image costs more tokens than a question on it."""

_SIZE: dict[Source, float] = {
    "grounded_caption": 1.0,
    "conversation": 1.0,
    "questions": 0.7,
    "finding": 1.2,
    "matching": 4.0,
    "drawing": 1.5,
    "words": 1.5,
    "edit": 0.8,
}
"""Rows of a batch of this source as a multiple of the batch size: shorter dialogues, more rows."""


ALIAS_FRACTION = 0.4
"""Fraction of the dialogues about images in which half of the colors and kinds have aliases. Edits then end where
their image begins."""


def with_lora(llm: LlamaForCausalLM, *, rank: int, full: bool) -> LlamaForCausalLM:
    """Wrap the language model with LoRA on all linear layers.

    Args:
        llm: Changed in place.
        rank: Of every adapter; alpha is twice the rank.
        full: Also train full copies of norms and embeddings, as the reference does (llm_seed_x_lora.yaml). Without,
            the adapter holds LoRA alone, so servers that load only LoRA can serve it.
    """
    saved = ["input_layernorm", "post_attention_layernorm", "norm", "embed_tokens", "lm_head"]
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "up_proj"],
        modules_to_save=saved if full else None,
    )
    return get_peft_model(llm, config)  # type: ignore[return-value]  # the wrapper stands in for what it wraps


def merge_lora(llm: LlamaForCausalLM) -> LlamaForCausalLM:
    """Return the language model that `with_lora` wrapped, its adapters added to its weights."""
    assert isinstance(llm, PeftModel)
    merged: LlamaForCausalLM = llm.merge_and_unload()
    return merged


def encoder_features(features: np.ndarray) -> Features:
    """Return the cached features (images, N, D) of the visual encoder as the features of images."""
    return lambda indices: torch.from_numpy(features[indices]).float()


def sample_batch(
    corpus: Corpus,
    features: Features,
    tokenizer: Tokenizer,
    mixture: Mapping[Source, float],
    config: TrainConfig,
    step: int,
) -> tuple[Source, Batch]:
    """Return the source and the batch of this update."""
    rng = np.random.default_rng((config.seed, step))
    sources, weights = tuple(mixture), np.array(tuple(mixture.values()))
    source = sources[int(rng.choice(len(sources), p=weights / weights.sum()))]
    rows = max(1, round(config.batch_size * _SIZE[source]))
    turns = int(rng.integers(6, 9) if source == "questions" else rng.integers(2, 5))
    examples = [encode(_dialogue(source, corpus, turns, rng), tokenizer) for _ in range(rows)]
    return source, collate(examples, features, tokenizer.pad_id)


def _dialogue(source: Source, corpus: Corpus, turns: int, rng: np.random.Generator) -> list[Segment]:
    if source == "edit":
        number = int(rng.integers(len(corpus.edits)))
        source_page, edit = corpus.pair(number)[0], corpus.edits[number]
        if rng.random() < ALIAS_FRACTION:
            return dialogues.with_aliases(dialogues.edit_plan(source_page, edit), rng)
        return dialogues.edit_request(source_page, edit)
    if source == "matching":
        lesson = matching_lesson(rng)
        return dialogues.with_aliases(lesson, rng) if rng.random() < 0.5 else lesson
    if source == "drawing":
        return dialogues.drawing_request(sample_arranged_scene(rng), rng)
    if source == "words":
        if rng.random() < 0.5:
            return dialogues.edit_lesson(sample_edit(rng))
        return dialogues.conversation_lesson(sample_scene(rng), rng, turns=turns)
    index, page = _page(corpus, rng, with_same_kind=source == "finding" and rng.random() < 0.6)
    if source == "grounded_caption":
        talk = dialogues.grounded_caption(index, page, rng)
    elif source == "finding":
        talk = dialogues.find_request(index, page, rng)
    elif rng.random() < 0.08:
        other, other_page = _page(corpus, rng)
        talk = dialogues.two_images((index, other), (page, other_page), rng)
    else:
        talk = dialogues.conversation(index, page, rng, turns=turns)
    reads = any(segment.reads for segment in talk)
    return dialogues.with_aliases(talk, rng) if reads and rng.random() < ALIAS_FRACTION else talk


def _page(corpus: Corpus, rng: np.random.Generator, *, with_same_kind: bool = False) -> tuple[int, Scene]:
    """Return a random image with something on it, or with two things of one kind: its index and scene."""
    while True:
        index = int(rng.integers(len(corpus.pages)))
        kinds = [thing.kind for thing in corpus.pages[index].things]
        if len(kinds) > len(set(kinds)) or (kinds and not with_same_kind):
            return index, corpus.pages[index]


def forward(model: LVLM, batch: Batch) -> LVLMOutput:
    """Return what the model makes of a batch, computed in bfloat16 where that is safe."""
    with torch.autocast("cpu", torch.bfloat16):
        out: LVLMOutput = model(
            batch.input_ids,
            batch.labels,
            image_embeds=batch.image_embeds,
            ids_cmp_mask=batch.ids_cmp_mask,
            ids_gen_mask=batch.ids_gen_mask,
            embeds_cmp_mask=batch.embeds_cmp_mask,
            embeds_gen_mask=batch.embeds_gen_mask,
            patch_positions=batch.patch_positions,
        )
    return out


def loss(model: LVLM, source: Source, batch: Batch) -> dict[str, Tensor]:
    """Return the total loss and its terms, named by the source."""
    out = forward(model, batch)
    terms = {"loss": out.total_loss, f"{source}_lm": out.lm_loss.detach()}
    if out.num_images:
        terms[f"{source}_rec"] = out.rec_loss.detach()
    return terms
