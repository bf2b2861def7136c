"""The language model: pre-training, instruction tuning and the specialists (paper, 3.3 and appendices A and B).

The paper gives the data, the parts that are trained, and for pre-training the samples, the GPUs and the learning rate.
The rest is that of the fine-tuning that the reference released (`train_seed_x_sft.sh`, configs/data), in which a batch
is of one source; its weights of sources are turned into those of samples here: weight x batch size. Other numbers are
ours where a comment says so.

The data directories are as `seedx data check` takes them, one for each source, by the names below. Each recipe that
starts from the foundation model also reads `general`, caption tars as in pre-training that are trained on nowhere: the
run stops if their loss grows too far.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seedx_finetune.stages.initial import CheckpointInitial, LlamaInitial
from seedx_finetune.stages.lora import LoraSettings
from seedx_finetune.stages.multimodal import MultimodalConfig
from seedx_finetune.training.config import OptimizerConfig, RunConfig, SourceConfig
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.engine import NANO

__all__ = [
    "edit",
    "edit_debug",
    "instruct",
    "instruct_debug",
    "pretrain",
    "pretrain_debug",
    "slides",
    "slides_debug",
    "story",
    "story_debug",
    "try_on",
    "try_on_debug",
]

DATA, FOUNDATION, BOOK = Path("data"), Path("models/seed-x"), Path("runs/picture_book")

FINE_TUNING_ROW = 4096
"""Tokens of a row. With 8 rows an update has as many as the reference's: 8 GPUs, accumulation 2, batches of about 2,000
tokens."""
FINE_TUNING_RUN = RunConfig(batches_per_update=8)

DEBUG_ROW = 1024
DEBUG_RUN = RunConfig(
    device="cpu", batches_per_update=2, save_every=4, evaluate_every=4, evaluation_batches=1, log_every=1
)
DEBUG_OPTIMIZER = OptimizerConfig(steps=8, learning_rate=1e-3, warmup_steps=2)


def pretrain(
    *,
    data: Path = DATA,
    llm: Path = Path("models/Llama-2-13b-chat-hf"),
    tokenizer: Path = Path("models/cvlm_llama2_tokenizer_100img_and_224loc_addpatch"),
    visual_encoder: Path = Path("models/QwenViT/qwen_vit_G.pt"),
    num_tokens: int = 64,
    output_depth: int = 1,
    regress: bool = True,
) -> RecipeConfig:
    """Pre-training: a plain Llama learns to read and draw images.

    Args:
        data: Directory of `captions` (tars), `grounded_captions`, `interleaved`, `ocr`, `text` and `held_out` (tars).
        llm: Llama-2-13b-chat.
        tokenizer: The reference's tokenizer.
        visual_encoder: The visual encoder of Qwen-VL.
        num_tokens: Visual tokens and queries of an image: 16, 32 or 64, more with a vocabulary that has them (4.3).
        output_depth: Layers that regress features (4.3, where more than one were worse).
        regress: Whether features are regressed at all.
    """
    return RecipeConfig(
        name="pretrain",
        stage=_pretraining(
            LlamaInitial(
                llm=llm,
                tokenizer=tokenizer,
                visual_encoder=visual_encoder,
                num_tokens=num_tokens,
                output_depth=output_depth,
            ),
            regress=regress,
        ),
        # appendix A names the kinds of data, not their shares: these are ours
        sources=_pretraining_sources(data),
        held_out=(_source(data, "captions", "held_out"),),
        # appendix B: 158 million samples, 48 GPUs, 1e-4 with cosine decay. A row holds 46 documents of an image and a
        # caption, so 48 rows and 72,000 updates read as many samples.
        optimizer=OptimizerConfig(steps=72_000),
        run=RunConfig(batches_per_update=48),
    )


def pretrain_debug(
    *, book: Path = BOOK, num_tokens: int = 64, output_depth: int = 1, regress: bool = True
) -> RecipeConfig:
    """Pre-training with nano's language model and encoder and new resamplers, a minute on a CPU.

    Args:
        book: Directory of the picture book; written if it is not there.
        num_tokens: As for `pretrain`.
        output_depth: As for `pretrain`.
        regress: As for `pretrain`.
    """
    initial = LlamaInitial(
        llm=NANO / "llm",
        tokenizer=NANO / "llm",
        visual_encoder=NANO / "visual_encoder",
        detokenizer=NANO / "detokenizer_edit",
        num_tokens=num_tokens,
        output_depth=output_depth,
        heads=4,
    )
    sources = _pretraining_sources(book / "train", without=("ocr",), min_side=0)
    return _debug(
        book,
        "pretrain",
        _pretraining(initial, regress=regress, pack_length=DEBUG_ROW),
        sources,
        _source(book / "held_out", "captions", min_side=0),
    )


def instruct(*, data: Path = DATA, checkpoint_dir: Path = FOUNDATION) -> RecipeConfig:
    """SEED-X-I: conversations about images, and drawing on request.

    Args:
        data: Directory of `conversations` (LLaVA's form; also questions on text-rich images, grounded and referencing
            ones), `captions` (tars) and `held_out` (LLaVA's form).
        checkpoint_dir: The foundation model.
    """
    sources = (
        _source(data, "llava", "conversations", weight=0.6 * 2),
        _source(data, "captions", weight=0.2 * 8, instruct=True, read_share=0.0, grids=["1x1"]),
    )
    return _fine_tuning("instruct", data, checkpoint_dir, sources, _source(data, "llava", "held_out"), steps=20_000)


def instruct_debug(*, book: Path = BOOK, checkpoint_dir: Path = NANO) -> RecipeConfig:
    """SEED-X-I's tuning on nano, a minute on a CPU.

    Args:
        book: Directory of the picture book; written if it is not there.
        checkpoint_dir: Nano, or a model of its sizes.
    """
    train = book / "train"
    sources = (
        _source(train, "llava", weight=0.6 * 2),
        _source(train, "captions", weight=0.2 * 8, instruct=True, read_share=0.0, grids=["1x1"], min_side=0),
    )
    return _debug(
        book, "instruct", _specialist(checkpoint_dir, DEBUG_ROW), sources, _source(book / "held_out", "llava")
    )


def edit(*, data: Path = DATA, checkpoint_dir: Path = FOUNDATION) -> RecipeConfig:
    """SEED-X-Edit: images edited by an instruction.

    Args:
        data: Directory of `edits` (SEED-Data-Edit), `magicbrush` and `held_out_edits`.
        checkpoint_dir: The foundation model.
    """
    sources = (
        _source(data, "edits", weight=0.4 * 6),
        _source(data, "edits", "magicbrush", weight=0.2 * 6),
    )
    return _fine_tuning("edit", data, checkpoint_dir, sources, _source(data, "edits", "held_out_edits"), steps=20_000)


def edit_debug(*, book: Path = BOOK, checkpoint_dir: Path = NANO) -> RecipeConfig:
    """SEED-X-Edit's tuning on nano, a minute on a CPU; arguments as for `instruct_debug`."""
    return _debug_specialist("edit", checkpoint_dir, book, "edits", min_side=0)


def slides(*, data: Path = DATA, checkpoint_dir: Path = FOUNDATION) -> RecipeConfig:
    """SEED-X-PPT: the layout of a slide, and its pictures.

    Args:
        data: Directory of `slides` and `held_out_slides`, both with .pptx files.
        checkpoint_dir: The foundation model.
    """
    held_out = _source(data, "slides", "held_out_slides")
    # the paper's data is not public, nor how much of it there is; the updates are ours
    return _fine_tuning("slides", data, checkpoint_dir, (_source(data, "slides"),), held_out, steps=10_000)


def slides_debug(*, book: Path = BOOK, checkpoint_dir: Path = NANO) -> RecipeConfig:
    """SEED-X-PPT's tuning on nano, a minute on a CPU; arguments as for `instruct_debug`."""
    return _debug_specialist("slides", checkpoint_dir, book, "slides")


def story(*, data: Path = DATA, checkpoint_dir: Path = FOUNDATION) -> RecipeConfig:
    """SEED-X-Story: the next page of a story, its text and its image.

    Args:
        data: Directory of `vist` (the paper's), `storystream` (SEED-Story's) and `held_out_stories`.
        checkpoint_dir: The foundation model.
    """
    sources = (_source(data, "stories", "vist"), _source(data, "stories", "storystream"))
    recipe = _fine_tuning(
        "story",
        data,
        checkpoint_dir,
        sources,
        _source(data, "stories", "held_out_stories"),
        steps=6000,
        warmup_steps=100,
    )
    # sft_storystream.sh of SEED-Story has these updates, and batches of 30 stories on each of 8 GPUs: about 130,000
    # tokens, which are 16 rows
    stage = _specialist(checkpoint_dir, 8192)
    return recipe.model_copy(update={"stage": stage, "run": RunConfig(batches_per_update=16)})


def story_debug(*, book: Path = BOOK, checkpoint_dir: Path = NANO) -> RecipeConfig:
    """SEED-X-Story's tuning on nano, a minute on a CPU; arguments as for `instruct_debug`."""
    return _debug_specialist("story", checkpoint_dir, book, "stories", min_side=0)


def try_on(*, data: Path = DATA, checkpoint_dir: Path = FOUNDATION) -> RecipeConfig:
    """SEED-X-Try-on: a figure in another garment.

    Args:
        data: Directory of `viton_hd`, in its own layout.
        checkpoint_dir: The foundation model.
    """
    held_out = _source(data, "try_on", "viton_hd", split="test")
    # VITON-HD has 11,647 pairs to train on; 4,000 updates of about 90 samples read each 30 times, which is ours
    return _fine_tuning("try_on", data, checkpoint_dir, (_source(data, "try_on", "viton_hd"),), held_out, steps=4000)


def try_on_debug(*, book: Path = BOOK, checkpoint_dir: Path = NANO) -> RecipeConfig:
    """SEED-X-Try-on's tuning on nano, a minute on a CPU; arguments as for `instruct_debug`."""
    return _debug_specialist("try_on", checkpoint_dir, book, "try_on")


def _pretraining(initial: LlamaInitial, *, regress: bool, pack_length: int = 8192) -> MultimodalConfig:
    """Return the stage of pre-training: what llm_seed_x_lora.yaml and agent_seed_x_i.yaml train, merged at the end."""
    return MultimodalConfig(
        initial=initial,
        lora=LoraSettings(),
        parts=("embeddings", "norms", "resamplers", "patch_positions"),
        result="merged",
        pack_length=pack_length,
        regression_weight=6.0 if regress else 0.0,
    )


def _pretraining_sources(root: Path, *, without: tuple[str, ...] = (), **filters: Any) -> tuple[SourceConfig, ...]:
    sources = (
        _source(root, "captions", weight=0.5, **filters),
        _source(root, "grounded_captions", weight=0.15, **filters),
        _source(root, "interleaved", weight=0.15),
        _source(root, "ocr", weight=0.1),
        _source(root, "text", weight=0.1),
    )
    return tuple(source for source in sources if source.name not in without)


def _specialist(checkpoint_dir: Path, pack_length: int) -> MultimodalConfig:
    """Return a stage that gives an adapter: what appendix B names is trained, and nothing that vLLM refuses."""
    return MultimodalConfig(
        initial=CheckpointInitial(directory=checkpoint_dir),
        lora=LoraSettings(),
        parts=("resamplers", "patch_positions"),
        result="adapter",
        pack_length=pack_length,
    )


def _fine_tuning(
    name: str,
    data: Path,
    checkpoint_dir: Path,
    sources: tuple[SourceConfig, ...],
    held_out: SourceConfig,
    *,
    steps: int,
    warmup_steps: int = 500,
) -> RecipeConfig:
    return RecipeConfig(
        name=name,
        stage=_specialist(checkpoint_dir, FINE_TUNING_ROW),
        sources=sources,
        held_out=(held_out,),
        general=(_source(data, "captions", "general"),),
        optimizer=OptimizerConfig(steps=steps, warmup_steps=warmup_steps),
        run=FINE_TUNING_RUN,
    )


def _debug_specialist(name: str, checkpoint_dir: Path, book: Path, format_name: str, **options: Any) -> RecipeConfig:
    train, held_out = (_source(book / split, format_name, **options) for split in ("train", "held_out"))
    return _debug(book, name, _specialist(checkpoint_dir, DEBUG_ROW), (train,), held_out)


def _debug(
    book: Path, name: str, stage: MultimodalConfig, sources: tuple[SourceConfig, ...], held_out: SourceConfig
) -> RecipeConfig:
    return RecipeConfig(
        name=f"{name}_debug",
        book=book,
        stage=stage,
        sources=sources,
        held_out=(held_out,),
        general=(_source(book / "held_out", "captions", min_side=0),) if stage.result == "adapter" else (),
        optimizer=DEBUG_OPTIMIZER,
        run=DEBUG_RUN,
    )


def _source(
    root: Path, format_name: str, name: str | None = None, *, weight: float = 1.0, **options: Any
) -> SourceConfig:
    """Return a source in the directory of its name, which is the format's unless it is given."""
    name = name or format_name
    return SourceConfig(name=name, format=format_name, path=root / name, weight=weight, options=options)
