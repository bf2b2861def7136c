"""What a caller may use, and how much a call asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from seedx_sdk.types import ModelInfo, Task

__all__ = ["PREVIEW_STEPS", "TEXT_WORK", "UNLIMITED", "Limits", "Work", "step_work"]

TEXT_WORK = 10.0
"""Work of reading a request and writing its text, in denoising steps: an estimate, about what it takes on seed-x-nano.
At the released sizes on one H200, ten steps in CUDA graphs take 0.4 s, and 100 tokens on vLLM 2.4 s for one caller and
0.06 s for each of 64; benchmarks/gpu.py measures both."""
PREVIEW_STEPS = 2.0
"""Denoising steps that a preview counts as; on an H200 at 1024x1024 it takes 86 ms, and a step 41 ms."""
_MAX_STEPS, _MAX_SIDE, _MAX_IMAGES = 1000, 1 << 16, 64
"""Options are counted before they are validated; what is out of range counts as the nearest of these, and is rejected
later. Without a bound, a number of 400 digits would be too large for a float."""
Count = Annotated[int, Field(ge=1)]


class Limits(BaseModel):
    """What one caller may use; None is no limit.

    Steps are denoising steps at the model's own size: four times the pixels count four times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: Count | None = None
    """A request that draws several images counts as several."""
    images_per_minute: Count | None = None
    steps_per_minute: Count | None = None
    images_per_day: Count | None = None
    """Images in the last 24 hours, as far as the server was running."""
    steps_per_day: Count | None = None
    """Steps in the last 24 hours, as far as the server was running."""
    replies_in_flight: Count | None = None
    """Further ones wait; each image of a request is a reply."""
    steps_in_flight: Count | None = None
    """Steps of the replies in flight together; a single one may have more."""
    weight: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    """Work that is done for this caller, relative to the others, while they wait."""

    def over(self, defaults: Limits) -> Limits:
        """Return these limits, and the defaults where nothing is set."""
        own = {name: getattr(self, name) for name in Limits.model_fields if name in self.model_fields_set}
        return defaults.model_copy(update=own)


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Work:
    """What a request or a call asks for, or has done."""

    requests: float = 0.0
    images: float = 0.0
    steps: float = 0.0
    """Denoising steps of all images together, at the model's own size; a preview counts as PREVIEW_STEPS."""

    @classmethod
    def drawing(cls, images: int, steps: float) -> Work:
        """Return the work of drawing images, each of which counts as a request."""
        return cls(images, images, steps)

    @classmethod
    def estimate(cls, task: Task, options: Mapping[str, Any], info: ModelInfo) -> Work:
        """Return what a call will draw, from its options as they came.

        A chat is not known to draw anything before it does.
        """
        return cls._of(0 if task == "chat" else _max_images(task, options), options, info)

    @classmethod
    def most(cls, task: Task, options: Mapping[str, Any], info: ModelInfo) -> Work:
        """Return what a call may draw at most, from its options as they came."""
        return cls._of(_max_images(task, options), options, info)

    @classmethod
    def _of(cls, images: int, options: Mapping[str, Any], info: ModelInfo) -> Work:
        steps = _num_steps(options, info)
        every = max(0, options.get("preview_every") or 0)
        previews = (steps - 1) // every if every else 0
        return cls.drawing(images, images * step_work(options, info) * (steps + PREVIEW_STEPS * previews))

    def __add__(self, other: Work) -> Work:
        """Return both together."""
        return Work(self.requests + other.requests, self.images + other.images, self.steps + other.steps)

    def __sub__(self, other: Work) -> Work:
        """Return what this has more than the other, and nothing where it has less."""
        return Work(
            max(0.0, self.requests - other.requests),
            max(0.0, self.images - other.images),
            max(0.0, self.steps - other.steps),
        )


def _max_images(task: Task, options: Mapping[str, Any]) -> int:
    """Return how many images a call may draw."""
    if task in ("chat", "story"):
        return max(1, min(_MAX_IMAGES, options.get("max_images") or 1))
    return 1 if task in ("generate", "edit", "try_on") else 0


def _num_steps(options: Mapping[str, Any], info: ModelInfo) -> int:
    """Return the denoising steps of an image."""
    default = info.fast_steps if options.get("sampler") == "fast" else info.default_steps
    return max(1, min(_MAX_STEPS, options.get("num_inference_steps") or default or 1))


def step_work(options: Mapping[str, Any], info: ModelInfo) -> float:
    """Return how many steps at the model's own size one step of an image counts."""
    width, height = (options.get(side) or info.image_size for side in ("width", "height"))
    return max(1, min(_MAX_SIDE, width)) * max(1, min(_MAX_SIDE, height)) / info.image_size**2
