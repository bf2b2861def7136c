"""The de-tokenizer: its two stages (paper, 3.1 and appendix B), and its adaptation to a language model (SEED-Story).

Of the first two the paper gives the data, the updates, 32 GPUs, and the learning rate with its cosine; what it leaves
open is that of the only released training of a de-tokenizer, `adapt_storystream.sh` of SEED-Story, or our choice where
a comment says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from seedx_finetune.stages.adapt_detokenizer import AdaptDetokenizerConfig
from seedx_finetune.stages.detokenizer import DetokenizerConfig
from seedx_finetune.stages.detokenizer_parts import NewResampler
from seedx_finetune.training.config import OptimizerConfig, RunConfig, SourceConfig
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.engine import NANO

__all__ = [
    "adapt_detokenizer",
    "adapt_detokenizer_debug",
    "detokenizer_1",
    "detokenizer_1_debug",
    "detokenizer_2",
    "detokenizer_2_debug",
]

Trained = Literal["keys_values", "unet"]

BOOK = Path("runs/picture_book")
NANO_DETOKENIZER = NANO / "detokenizer_edit"
NANO_REQUEST: dict[str, Any] = {
    "min_side": 0,
    "read_share": 0.0,
    "instruct": True,
    "requests": [["Generate an image:", ""]],
}
"""Options of captions that ask as `SeedX.generate` does, to which nano answers with an image."""
DEBUG_RUN = RunConfig(
    device="cpu", batches_per_update=2, save_every=2, evaluate_every=2, evaluation_batches=1, log_every=1
)


def detokenizer_1(
    *,
    data: Path = Path("data"),
    start: Path = Path("models/stable-diffusion-xl-base-1.0"),
    checkpoint_dir: Path = Path("models/seed-x"),
    visual_tokens: int = 64,
    trained: Trained = "keys_values",
    resampler_depth: int = 4,
) -> RecipeConfig:
    """Stage 1 of the de-tokenizer: SDXL learns to draw from image features.

    Args:
        data: Directory of the four sets of images that the paper names, as caption tars, and of `held_out`.
        start: SDXL, a diffusers directory.
        checkpoint_dir: A checkpoint directory, for its visual encoder.
        visual_tokens: Features of an image: 64, or 16, 32 or 256 (ablation of 4.3).
        trained: Keys and values, or the whole U-Net (ablation of 4.3, where it draws details worse).
        resampler_depth: Layers of the resampler.
    """
    return RecipeConfig(
        name="detokenizer_1",
        stage=DetokenizerConfig(
            start=start,
            checkpoint_dir=checkpoint_dir,
            condition=False,
            trained=trained,
            new_resampler=NewResampler(depth=resampler_depth),
            visual_tokens=visual_tokens,
            batch_size=8,  # of a GPU; ours
            drop_features=0.1,  # ours: as often as in stage 2, so that guidance works after stage 1 too
            drop_condition=0,
            drop_both=0,
        ),
        sources=_images(data),
        held_out=(_captions("held_out", data / "held_out"),),
        optimizer=_optimizer(42_000),
        run=RunConfig(batches_per_update=32, workers=4),
    )


def detokenizer_1_debug(
    *,
    book: Path = BOOK,
    visual_tokens: int = 64,
    trained: Trained = "keys_values",
    resampler_depth: int = 2,
) -> RecipeConfig:
    """Stage 1 on nano's encoder and U-Net, a minute on a CPU.

    Args:
        book: Directory of the picture book; written if it is not there.
        visual_tokens: As for `detokenizer_1`.
        trained: As for `detokenizer_1`.
        resampler_depth: As for `detokenizer_1`.
    """
    return RecipeConfig(
        name="detokenizer_1_debug",
        book=book,
        stage=DetokenizerConfig(
            start=NANO_DETOKENIZER,
            checkpoint_dir=NANO,
            condition=False,
            trained=trained,
            new_resampler=NewResampler(depth=resampler_depth, dim=256, heads=4, num_queries=256),
            visual_tokens=visual_tokens,
            image_size=128,
            batch_size=4,
            drop_features=0.1,
            drop_condition=0,
            drop_both=0,
            sheet_steps=4,
            sheet_guidance=1.0,
        ),
        sources=(_captions("pages", book / "train/captions", min_side=0),),
        held_out=(_captions("held_out", book / "held_out/captions", min_side=0),),
        optimizer=_debug_optimizer(ema_decay=0.9),
        run=DEBUG_RUN,
    )


def detokenizer_2(
    *,
    data: Path = Path("data"),
    start: Path = Path("runs/detokenizer_1/model/detokenizer"),
    checkpoint_dir: Path = Path("models/seed-x"),
    visual_tokens: int = 64,
    trained: Trained = "unet",
) -> RecipeConfig:
    """Stage 2 of the de-tokenizer: it also draws from a condition image.

    Args:
        data: Directory of the sets of stage 1 and, in the format of edits, `magicbrush`, `edits` and `held_out_edits`.
        start: The result of stage 1.
        checkpoint_dir: A checkpoint directory, for its visual encoder.
        visual_tokens: As in stage 1.
        trained: The whole U-Net, or keys and values.
    """
    edits = (_edits("magicbrush", data / "magicbrush", weight=0.1), _edits("edits", data / "edits", weight=0.4))
    return RecipeConfig(
        name="detokenizer_2",
        stage=DetokenizerConfig(
            start=start,
            checkpoint_dir=checkpoint_dir,
            condition=True,
            trained=trained,
            visual_tokens=visual_tokens,
            batch_size=8,  # of a GPU; ours
            # each as often as in InstructPix2Pix (Brooks et al. 2023, 3.2.1), which the paper follows
            drop_features=0.05,
            drop_condition=0.05,
            drop_both=0.05,
        ),
        # half edits, half plain images: ours; MagicBrush has thousands of pairs and the other set millions
        sources=(*edits, *_images(data, share=0.5)),
        held_out=(_edits("held_out_edits", data / "held_out_edits"), _captions("held_out", data / "held_out")),
        optimizer=_optimizer(30_000),
        run=RunConfig(batches_per_update=32, workers=4),
    )


def detokenizer_2_debug(
    *,
    book: Path = BOOK,
    start: Path = NANO_DETOKENIZER,
    visual_tokens: int = 64,
    trained: Trained = "unet",
) -> RecipeConfig:
    """Stage 2 on nano's encoder and U-Net, a minute on a CPU.

    Args:
        book: Directory of the picture book; written if it is not there.
        start: A de-tokenizer, such as the result of `detokenizer_1_debug`.
        visual_tokens: As for `detokenizer_2`.
        trained: As for `detokenizer_2`.
    """
    return RecipeConfig(
        name="detokenizer_2_debug",
        book=book,
        stage=DetokenizerConfig(
            start=start,
            checkpoint_dir=NANO,
            condition=True,
            trained=trained,
            visual_tokens=visual_tokens,
            image_size=128,
            batch_size=4,
            drop_features=0.05,
            drop_condition=0.05,
            drop_both=0.05,
            sheet_steps=4,
            sheet_guidance=1.0,
        ),
        sources=(
            _edits("edits", book / "train/edits", min_side=0),
            _captions("pages", book / "train/captions", min_side=0),
        ),
        held_out=(_edits("held_out_edits", book / "held_out/edits", min_side=0),),
        optimizer=_debug_optimizer(ema_decay=0.9),
        run=DEBUG_RUN,
    )


def adapt_detokenizer(
    *,
    stories: Path = Path("data/stories"),
    start: Path = Path("runs/detokenizer_1/model/detokenizer"),
    checkpoint_dir: Path = Path("models/seed-x"),
    specialist: Path | None = None,
    trained: Trained = "keys_values",
) -> RecipeConfig:
    """Adapt a de-tokenizer to the features that a language model regresses for stories.

    The numbers are those of `adapt_storystream.sh` of SEED-Story; eight GPUs are our assumption.

    Args:
        stories: Directory of `train` and `held_out`, in the format of stories.
        start: A trained de-tokenizer.
        checkpoint_dir: A checkpoint directory, for the language model and its visual encoder.
        specialist: Adapter package of the specialist for stories; None takes the language model as it is.
        trained: Keys and values, or the whole U-Net.
    """
    return RecipeConfig(
        name="adapt_detokenizer",
        stage=AdaptDetokenizerConfig(
            start=start,
            checkpoint_dir=checkpoint_dir,
            specialist=specialist,
            condition=False,
            trained=trained,
            pack_length=5120,  # a batch of 4 stories of at most 1,280 tokens, each with one image to draw
        ),
        sources=(SourceConfig(name="stories", format="stories", path=stories / "train", weight=1),),
        held_out=(SourceConfig(name="held_out", format="stories", path=stories / "held_out", weight=1),),
        optimizer=_optimizer(1600, ema_decay=None),
        run=RunConfig(batches_per_update=8 * 4, workers=4),
    )


def adapt_detokenizer_debug(
    *, book: Path = BOOK, start: Path = NANO_DETOKENIZER, trained: Trained = "keys_values"
) -> RecipeConfig:
    """Adapt nano's de-tokenizer to what its language model regresses, a minute on a CPU.

    Args:
        book: Directory of the picture book; written if it is not there.
        start: A de-tokenizer.
        trained: As for `adapt_detokenizer`.
    """
    return RecipeConfig(
        name="adapt_detokenizer_debug",
        book=book,
        stage=AdaptDetokenizerConfig(
            start=start,
            checkpoint_dir=NANO,
            condition=True,
            trained=trained,
            image_size=128,
            pack_length=512,
            sheet_steps=4,
            sheet_guidance=1.0,
        ),
        sources=(
            SourceConfig(name="stories", format="stories", path=book / "train/stories", weight=1),
            _captions("pages", book / "train/captions", **NANO_REQUEST),
        ),
        held_out=(_captions("held_out", book / "held_out/captions", **NANO_REQUEST),),
        optimizer=_debug_optimizer(ema_decay=None),
        run=DEBUG_RUN,
    )


def _images(data: Path, share: float = 1.0) -> tuple[SourceConfig, ...]:
    """Return the plain images of the paper (appendix B), in equal parts, which are ours."""
    names = ("journeydb", "laion_aesthetics", "unsplash", "laion_coco")
    return tuple(_captions(name, data / name, weight=share / len(names)) for name in names)


def _captions(name: str, path: Path, *, weight: float = 1.0, **options: Any) -> SourceConfig:
    return SourceConfig(name=name, format="captions", path=path, weight=weight, options=options)


def _edits(name: str, path: Path, *, weight: float = 1.0, **options: Any) -> SourceConfig:
    return SourceConfig(name=name, format="edits", path=path, weight=weight, options=options)


def _optimizer(steps: int, ema_decay: float | None = 0.9999) -> OptimizerConfig:
    """Return what the stages share: the learning rate of the paper, and for the rest adapt_storystream.sh.

    The average is that of Latent Diffusion (Rombach et al. 2022), which SDXL descends from.
    """
    return OptimizerConfig(
        steps=steps,
        learning_rate=1e-4,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.03,
        schedule="cosine",
        warmup_steps=500,
        min_lr_ratio=0.01,
        ema_decay=ema_decay,
    )


def _debug_optimizer(ema_decay: float | None) -> OptimizerConfig:
    return _optimizer(4, ema_decay).model_copy(update={"warmup_steps": 1})
