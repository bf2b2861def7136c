"""The shipped model on a GPU against itself on the CPU, in float32: the same text and boxes, and the same images."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from seedx_finetune.world import Scene, box_around, render
from seedx_finetune.world.scene import Thing
from seedx_sdk.engine import NANO
from seedx_sdk.engine.local import ALONE, EngineOptions, open_local
from seedx_sdk.options import GenerationOptions
from seedx_sdk.types import ChatReply, ImageProgress, Message, ReplyDone, Request

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU and a CUDA build of torch"),
]
PAGE = render(Scene("meadow", (Thing("house", "red", "medium", box_around("house", (0.3, 0.6), 0.4)),)))
TEXT = GenerationOptions(seed=3)
IMAGE = GenerationOptions(seed=3, num_inference_steps=6, force_image=True, preview_every=3)
REQUESTS = {
    "describe": Request(task="describe", messages=(Message.user(PAGE),), options=TEXT),
    "detect": Request(task="detect", messages=(Message.user(PAGE, "the red house"),), options=TEXT),
    "generate": Request(task="generate", messages=(Message.user("a red house beside a green tree"),), options=IMAGE),
    "generate, not square": Request(
        task="generate",
        messages=(Message.user("a blue boat"),),
        options=IMAGE.model_copy(update={"width": 160, "height": 96}),
    ),
    "edit": Request(task="edit", messages=(Message.user(PAGE, "make the house blue"),), options=IMAGE),
    "chat": Request(task="chat", messages=(Message.user("Draw a yellow star in the night sky."),), options=IMAGE),
    "chat, at random": Request(
        task="chat",
        messages=(Message.user(PAGE, "What is this?"), Message.assistant("A house."), Message.user("Draw a cat.")),
        options=IMAGE.model_copy(update={"temperature": 1.0}),
    ),
}


async def _answers(device: str) -> dict[str, tuple[ChatReply, list[Image.Image]]]:
    """Each reply and its previews."""
    found = {}
    async with open_local(NANO, replace(ALONE, device=device, dtype="float32")) as engine:
        for name, request in REQUESTS.items():
            events = [event async for event in engine.stream(request)]
            assert isinstance(events[-1], ReplyDone)
            previews = [e.preview for e in events if isinstance(e, ImageProgress) and e.preview is not None]
            found[name] = (events[-1].reply, previews)
    return found


def _pixels(reply: ChatReply, previews: list[Image.Image]) -> list[NDArray[np.int16]]:
    return [np.asarray(image, dtype=np.int16) for image in (*reply.message.images, *previews)]


def test_every_task_gives_the_same_on_a_gpu() -> None:
    on_cpu, on_gpu = (asyncio.run(_answers(device)) for device in ("cpu", "cuda"))
    for name in REQUESTS:
        (reply, previews), (gpu_reply, gpu_previews) = on_cpu[name], on_gpu[name]
        assert gpu_reply.message.text == reply.message.text, name
        assert gpu_reply.boxes == reply.boxes, name
        images, gpu_images = _pixels(reply, previews), _pixels(gpu_reply, gpu_previews)
        assert len(images) == len(gpu_images) == (0 if name in ("describe", "detect") else 2), name
        for image, gpu_image in zip(images, gpu_images, strict=True):
            assert image.shape == gpu_image.shape and int(np.abs(image - gpu_image).max()) <= 2, name


def test_a_gpu_is_the_default_and_computes_in_bfloat16() -> None:
    assert EngineOptions().torch_device == torch.device("cuda")
    assert EngineOptions().torch_dtype == torch.bfloat16

    async def devices() -> set[tuple[str, torch.dtype]]:
        async with open_local(NANO) as engine:
            parts = engine.service.parts  # type: ignore[attr-defined]  # it is the local one
            modules = (parts.lvlm, parts.visual_encoder, parts.detokenizer.unet, parts.detokenizer.vae)
            return {(p.device.type, p.dtype) for module in modules for p in module.parameters()}

    assert asyncio.run(devices()) == {("cuda", torch.bfloat16)}
