"""The config.json of a checkpoint directory; reading it needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from seedx_sdk.errors import WeightsCorruptError, WeightsMissingError
from seedx_sdk.model.config import LVLMConfig, PartConfig, PromptStyle, Solver, VisualEncoderConfig

__all__ = ["DirectoryConfig", "FastSampling", "GenerationDefaults"]

FORMAT = 1
"""Version of this layout."""


@dataclass(kw_only=True, slots=True, frozen=True)
class FastSampling(PartConfig):
    """Fewer steps with a better solver, measured to generate images as good as the reference's sampling."""

    solver: Solver
    """The solver."""
    num_inference_steps: int
    """Denoising steps."""
    revision: str
    """`DirectoryConfig.revision` of the weights that passed `benchmarks/fast_mode.py`; others need their own run."""

    def __post_init__(self) -> None:
        """Check the solver and the steps."""
        if self.solver not in get_args(Solver) or self.num_inference_steps < 1:
            raise ValueError(
                f"fast sampling with {self.solver!r} in {self.num_inference_steps} steps is unknown; "
                f"use one of {sorted(get_args(Solver))} and at least one step"
            )


@dataclass(kw_only=True, slots=True, frozen=True)
class GenerationDefaults(PartConfig):
    """Defaults of a request's options."""

    num_inference_steps: int
    """Denoising steps."""
    guidance_scale: float
    """Weight of the image features against those of an empty image."""
    image_guidance_scale: float
    """Weight of the condition image of an edit."""
    max_new_tokens: int
    """Largest number of tokens of an answer, image tokens included."""
    temperature: float
    """Of the text (and layout) before an image that is generated from a prompt; everything else is greedy."""
    stop_repeats: bool = False
    """Whether text ends before it writes the same words a third time in a row; structured output is left alone."""
    edit_blending: bool = False
    """Whether an edit keeps the source image wherever the model's own plan of the edit changes nothing."""
    fast: FastSampling | None = None
    """The fast mode, if these weights have passed its gate."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build the config from what `to_dict` returned; raise as the base does."""
        fast = values.get("fast")
        nested = {"fast": FastSampling.from_dict(fast)} if isinstance(fast, dict) else {}
        return super(GenerationDefaults, cls).from_dict({**values, **nested})


@dataclass(kw_only=True, slots=True, frozen=True)
class DirectoryConfig(PartConfig):
    """The content of config.json."""

    name: str
    """The model's name, for people."""
    visual_encoder: VisualEncoderConfig
    """Sizes of the visual encoder."""
    lvlm: LVLMConfig
    """Sizes of what surrounds the language model."""
    read_grids: tuple[str, ...]
    """Any-resolution grids of input images."""
    image_size: int
    """Side in pixels of the images that the model generates best."""
    sizes: str
    """One sentence on which other sizes work."""
    in_domain_psnr: float | None
    """An input image whose reconstruction by the VAE has a lower PSNR (dB) is out-of-domain; None: no image is."""
    generation: GenerationDefaults
    """Defaults of a request."""
    files: dict[str, str]
    """sha256 of every file with weights, and of the tokenizer, by path inside the directory."""
    prompts: PromptStyle = "instruct"
    """The prompts that the language model was trained on."""
    vocabulary: dict[str, str] | None = None
    """Words, joined by blanks, that a model of a small language was trained to read for each task; its prompts are
    written in the plain lower case of that language. None: the model reads any text as it is."""
    merged: str | None = None
    """Name of the specialist that is merged into the language model; None: none."""
    format: int = FORMAT
    """Version of the layout."""

    def specialists(self, adapters: Collection[str]) -> tuple[str, ...]:
        """Return the names of all specialists of the model, given those of its adapters."""
        return tuple(sorted({*adapters, *([] if self.merged is None else [self.merged])}))

    def tasks(self, *, takes_condition_image: bool, specialists: Collection[str]) -> tuple[str, ...]:
        """Return the calls that the model answers.

        Args:
            takes_condition_image: Whether its de-tokenizer takes one.
            specialists: Names of its specialists.
        """
        changes = {"edit": self.prompts == "instruct" or "edit" in specialists, "try_on": "try_on" in specialists}
        return (
            *("describe", "detect", "generate", "chat", *["story"] * ("story" in specialists)),
            *(task for task, answers in changes.items() if answers and takes_condition_image),
        )

    @property
    def revision(self) -> str:
        """Twelve hexadecimal digits that identify the weights."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def fast(self) -> FastSampling | None:
        """The fast mode that was measured on these very weights; None if there is none."""
        fast = self.generation.fast
        return fast if fast is not None and fast.revision == self.revision else None

    @classmethod
    def read(cls, checkpoint_dir: Path) -> DirectoryConfig:
        """Read config.json.

        Raises:
            WeightsMissingError: If there is no such directory or file.
            WeightsCorruptError: If the file can't be understood.
        """
        path = checkpoint_dir / "config.json"
        if not path.is_file():
            raise WeightsMissingError(
                f"{checkpoint_dir} is no checkpoint directory (no config.json); give one that `seedx convert` or a "
                "training run wrote, or none for the model that ships with this package"
            )
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if values.get("format") != FORMAT:
                raise ValueError(f"its format is {values.get('format')!r} and this version reads {FORMAT}")
            return cls.from_dict(
                values
                | {
                    "visual_encoder": VisualEncoderConfig.from_dict(values["visual_encoder"]),
                    "lvlm": LVLMConfig.from_dict(values["lvlm"]),
                    "generation": GenerationDefaults.from_dict(values["generation"]),
                    "read_grids": tuple(values["read_grids"]),
                }
            )
        except (ValueError, KeyError, TypeError) as error:
            raise WeightsCorruptError(
                f"{path} can't be read: {error}; restore the directory from its source"
            ) from error
