"""Runs the de-tokenizer beside the stream of events, so that every de-noising step can be reported and stopped."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

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
    stop = threading.Event()

    def after_step(pipeline: Detokenizer, step: int, _time: Tensor, _tensors: dict[str, Tensor]) -> None:
        if cancel is not None and cancel():
            stop.set()
        pipeline.interrupt = stop.is_set()
        steps.put(step + 1)

    def run() -> Image.Image:
        try:
            output = detokenizer(
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
                return_dict=False,
            )
            picture: Image.Image = output[0][0]
            return picture
        finally:
            steps.put(None)

    with ThreadPoolExecutor(1, thread_name_prefix="de-tokenizer") as pool:
        drawn = pool.submit(run)
        try:
            while (step := steps.get()) is not None:
                yield ImageProgress(step=step, total=total)
        except GeneratorExit:  # nobody wants the picture any more
            stop.set()
            raise
        picture = drawn.result()
    return None if stop.is_set() else picture


def _first(value: float | None, default: float) -> float:
    return default if value is None else value
