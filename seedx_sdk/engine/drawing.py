"""Runs the de-tokenizer beside the stream of events, so that every de-noising step can be reported and stopped."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.directory import GenerationDefaults
from seedx_sdk.types import GenerationOptions, ImageProgress

__all__ = ["draw"]


def draw(
    detokenizer: Detokenizer,
    features: Tensor,
    negative: Tensor,
    *,
    condition: Image.Image | None,
    options: GenerationOptions,
    defaults: GenerationDefaults,
    cancel: Callable[[], bool] | None,
) -> Generator[ImageProgress, None, Image.Image | None]:
    """Yields an event per step and returns the picture, or None when it was cancelled.

    Args:
        detokenizer: The pipeline.
        features: (1, Q, K) image features.
        negative: (1, N, K) features of the empty picture.
        condition: Picture to edit.
        options: The request's own settings.
        defaults: The model's settings for what the request leaves open.
        cancel: Asked after every step.
    """
    steps: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    total = options.num_inference_steps or defaults.num_inference_steps
    result: list[Any] = []

    def after_step(pipeline: Detokenizer, step: int, _time: Tensor, _tensors: dict[str, Tensor]) -> None:
        if cancel is not None and cancel():
            pipeline.interrupt = True
        steps.put(step + 1)

    def run() -> None:
        try:
            result.append(
                detokenizer(
                    features,
                    negative,
                    condition_image=condition,
                    height=options.height,
                    width=options.width,
                    num_inference_steps=total,
                    guidance_scale=_first(options.guidance_scale, defaults.guidance_scale),
                    image_guidance_scale=_first(options.image_guidance_scale, defaults.image_guidance_scale),
                    generator=torch.Generator(features.device).manual_seed(options.seed),
                    callback_on_step_end=after_step,
                ).images[0]
            )
        except Exception as error:  # handed to the caller's thread below
            result.append(error)
        finally:
            steps.put(None)

    worker = threading.Thread(target=run, name="de-tokenizer", daemon=True)
    worker.start()
    try:
        while (step := steps.get()) is not None:
            yield ImageProgress(step=step, total=total)
    finally:
        detokenizer.interrupt = detokenizer.interrupt or worker.is_alive()
        worker.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return None if detokenizer.interrupt else result[0]


def _first(value: float | None, default: float) -> float:
    return default if value is None else value
