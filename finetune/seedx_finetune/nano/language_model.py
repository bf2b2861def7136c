"""The small language model: its tokenizer, its start, and pre-training on the picture book in text.

The text lessons are the later tasks with a layout in the place of the image, so that the model knows the language,
the location tokens and how instructions change a page before it sees its first image feature.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Literal

import numpy as np
import sentencepiece
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_finetune.nano import dialogues
from seedx_finetune.nano.dialogues import Segment, renamed
from seedx_finetune.nano.initialization import smooth_rows
from seedx_finetune.nano.sequences import IGNORE, collate, encode
from seedx_finetune.nano.trainer import TrainConfig
from seedx_finetune.world import sample_arranged_scene, sample_edit, sample_scene
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, NUM_LOC_BINS, added_tokens, clean_text, image_token, loc_token

Lesson = Literal["edit", "drawing", "conversation"]

_SIZE: dict[Lesson, float] = {"edit": 1.0, "drawing": 1.5, "conversation": 0.6}
"""Rows of a batch of these lessons as a multiple of the batch size: shorter lessons, more rows."""


MADE_UP_FRACTION = 0.4
"""Fraction of plans and edits in which colors and kinds have made-up names."""


def _no_images(_indices: list[int]) -> Tensor:
    raise ValueError("a lesson in words holds no pictures")


def _lesson(kind: Lesson, turns: int, rng: np.random.Generator) -> list[Segment]:
    if kind == "edit":
        return dialogues.edit_lesson(sample_edit(rng))
    if kind == "drawing":
        return dialogues.drawing_lesson(sample_arranged_scene(rng), rng)
    return dialogues.conversation_lesson(sample_scene(rng), rng, turns=turns)


def train_tokenizer(directory: Path, *, vocab_size: int, seed: int, num_texts: int = 3000) -> Tokenizer:
    """Train a sentencepiece BPE model with byte fallback on lessons and writes it in the released layout."""
    rng = np.random.default_rng(seed)
    texts = []
    for i in range(num_texts):
        for segment in _lesson(("edit", "drawing", "conversation", "conversation")[i % 4], 5, rng):
            texts.append(clean_text(segment.text).replace("\n", " ").strip())
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="bpe",
        vocab_size=vocab_size,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        user_defined_symbols=["[INST]", "[/INST]"],
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        required_chars="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"()-",
    )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tokenizer.model").write_bytes(model.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    added = {name: pieces.get_piece_size() + i for i, name in enumerate(added_tokens())}
    (directory / "added_tokens.json").write_text(json.dumps(added, indent=0))
    core = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (directory / "special_tokens_map.json").write_text(json.dumps(core))
    (directory / "tokenizer_config.json").write_text(
        json.dumps(core | {"tokenizer_class": "LlamaTokenizer", "legacy": True, "clean_up_tokenization_spaces": False})
    )
    return Tokenizer.from_pretrained(directory)


def new_language_model(
    tokenizer: Tokenizer, *, hidden_size: int, layers: int, heads: int, mlp: int
) -> LlamaForCausalLM:
    """Return a Llama with fresh weights whose location and image tokens start on smooth curves.

    Neighbouring bins start with similar rows, in and out, so what is learned of one place holds for the places beside
    it; image token k starts at its place in the 16 x 4 raster of regressed features.
    """
    llm = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            intermediate_size=mlp,
            rms_norm_eps=1e-5,
            max_position_embeddings=2048,
            tie_word_embeddings=False,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
            attn_implementation="sdpa",  # type: ignore[call-arg]  # a base-class argument that the stubs miss
        )
    )
    locations = [tokenizer.token_to_id(loc_token(i)) for i in range(NUM_LOC_BINS)]
    images = [tokenizer.token_to_id(image_token(i)) for i in range(NUM_IMAGE_TOKENS)]
    place = torch.arange(NUM_IMAGE_TOKENS)
    with torch.no_grad():
        for weight in (llm.model.embed_tokens.weight, llm.lm_head.weight):
            weight[locations] += smooth_rows(torch.arange(NUM_LOC_BINS) / NUM_LOC_BINS, hidden_size)
            weight[images] += smooth_rows(place // 4 / 16, hidden_size) + smooth_rows(place % 4 / 4, hidden_size)
    return llm


def loss(llm: LlamaForCausalLM, tokenizer: Tokenizer, config: TrainConfig, step: int) -> dict[str, Tensor]:
    """Return the next-token loss on the answers of this update's text lessons.

    What is asked is not learned: the model would learn which colors go with which kinds, and miss the pairs that
    are held out.
    """
    rng = np.random.default_rng((config.seed, step))
    kind = tuple(_SIZE)[int(rng.choice(3, p=[0.35, 0.25, 0.4]))]
    turns = int(rng.integers(3, 8))
    rows = round(config.batch_size * _SIZE[kind])
    lessons = [_lesson(kind, turns, rng) for _ in range(rows)]
    if kind != "conversation":  # there the order of a description follows from the kinds
        lessons = [renamed(x, rng) if rng.random() < MADE_UP_FRACTION else x for x in lessons]
    batch = collate([encode(x, tokenizer) for x in lessons], _no_images, tokenizer.pad_id)
    answers = batch.labels[:, 1:] != IGNORE
    with torch.autocast("cpu", torch.bfloat16):
        hidden = llm.model(input_ids=batch.input_ids, use_cache=False).last_hidden_state[:, :-1]
        logits = llm.lm_head(hidden[answers]).float()
    return {"loss": torch.nn.functional.cross_entropy(logits, batch.labels[:, 1:][answers])}
