"""The replicas of a deployment: a language model, or a de-tokenizer.

Each call names the revision of the weights it expects: during a rolling update replicas of two models run side by side,
and a reply that started on one must not continue on the other. Deadlines are sent as the remaining seconds, because the
clocks of two machines differ.

`@serve.batch` is not used: the image service forms batches of compatible jobs across callers itself, reports each step,
and removes a job from its batch as soon as it is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import DirectoryConfig, load_directory, verify_files
from seedx_sdk.engine.backbones.base import Backbone, Prompt, QueryStates, SamplingParams, TokenChunk
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.fair_line import SHARE, Share
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.errors import ServiceError
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.serve.logs.setup import log_as_json
from seedx_sdk.serve.ray.options import DeployOptions
from seedx_sdk.types import ImageProgress

__all__ = ["BackboneReplica", "ImageServiceReplica", "WeightsMismatchError"]


class WeightsMismatchError(ServiceError):
    """This replica holds other weights than the caller expects; another replica may have them."""


class BackboneReplica:
    """One copy of the language model, on one device or, tensor-parallel, on several of one machine."""

    async def __init__(self, options: DeployOptions) -> None:  # type: ignore[misc]  # Ray Serve awaits it
        os.environ.setdefault("VLLM_CONFIGURE_LOGGING", "0")  # or vLLM closes the handlers of Ray Serve's own log
        log_as_json()
        self._revision = DirectoryConfig.read(options.model).revision
        self._backbone = await _open_backbone(options)

    async def generate(
        self, revision: str, prompt: Prompt, sampling: SamplingParams, share: Share
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """Yield the output as it is generated for a share; see `Backbone.generate`."""
        _check_revision(revision, self._revision)
        SHARE.set(share)
        async with aclosing(self._backbone.generate(prompt, sampling)) as events:
            async for event in events:
                yield event

    async def check(self, revision: str) -> None:
        """Return if it works and holds these weights."""
        _check_revision(revision, self._revision)
        await self._backbone.check()

    async def check_health(self) -> None:
        """Return if it works; otherwise Ray Serve replaces it."""
        await self._backbone.check()

    async def __del__(self) -> None:
        """End the processes of the language model; Ray Serve awaits it when it stops the replica."""
        await self._backbone.close()


class ImageServiceReplica:
    """One image service, on one device."""

    async def __init__(self, options: DeployOptions) -> None:  # type: ignore[misc]  # Ray Serve awaits it
        log_as_json()
        served = options.served
        load = partial(
            load_directory,
            options.model,
            dtype=served.torch_dtype,
            specialists=served.specialists,
            language_models=False,
        )
        parts = await asyncio.to_thread(load)
        self._revision = parts.config.revision
        self._service = LocalImageService(
            parts, limits=served.limits, placement=served.placement, device=served.torch_device
        )
        await self._service.__aenter__()  # it ends with the process

    async def encode(
        self, revision: str, image: Image.Image, grids: Sequence[str], model: str | None, seconds: float | None
    ) -> Tensor:
        """Return the embeddings of an image; see `ImageService.encode`."""
        _check_revision(revision, self._revision)
        return await self._service.encode(image, grids=grids, model=model, deadline=_deadline(seconds))

    async def regress(self, revision: str, hidden_states: Tensor, model: str | None, seconds: float | None) -> Tensor:
        """Return the features of hidden states; see `ImageService.regress`."""
        _check_revision(revision, self._revision)
        return await self._service.regress(hidden_states, model=model, deadline=_deadline(seconds))

    async def embed(self, revision: str, features: Tensor, model: str | None, seconds: float | None) -> Tensor:
        """Return the embeddings of regressed features; see `ImageService.embed`."""
        _check_revision(revision, self._revision)
        return await self._service.embed(features, model=model, deadline=_deadline(seconds))

    async def generate(
        self, revision: str, job: ImageJob, seconds: float | None
    ) -> AsyncGenerator[ImageProgress | Image.Image, None]:
        """Yield the events of an image job; see `ImageService.generate`."""
        _check_revision(revision, self._revision)
        async with aclosing(self._service.generate(replace(job, deadline=_deadline(seconds)))) as events:
            async for event in events:
                yield event

    async def out_of_domain_warning(self, revision: str, image: Image.Image) -> str | None:
        """Return a warning about an out-of-domain image; see `ImageService.out_of_domain_warning`."""
        _check_revision(revision, self._revision)
        return await self._service.out_of_domain_warning(image)

    async def check(self, revision: str) -> None:
        """Return if it works and holds these weights."""
        _check_revision(revision, self._revision)
        await self._service.check()

    async def check_health(self) -> None:
        """Return if it works; otherwise Ray Serve replaces it."""
        await self._service.check()


async def _open_backbone(options: DeployOptions) -> Backbone:
    checkpoint_dir, served = options.model, options.served
    if options.backbone == "transformers":
        load = partial(load_directory, checkpoint_dir, dtype=served.torch_dtype, specialists=served.specialists)
        parts = await asyncio.to_thread(load)
        for lvlm in (parts.lvlm, *parts.specialists.values()):
            lvlm.to(served.torch_device)
        return TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
    from seedx_sdk.engine.backbones.vllm import VLLMBackbone

    await asyncio.to_thread(verify_files, checkpoint_dir, DirectoryConfig.read(checkpoint_dir))
    vllm = options.vllm or served.for_vllm()
    executor = {"distributed_executor_backend": "mp"}  # in a placement group vLLM would start actors of its own
    vllm = replace(
        vllm,
        dtype=served.dtype or vllm.dtype,
        tensor_parallel_size=options.tensor_parallel,
        engine_args=executor | (vllm.engine_args or {}),
    )
    tokens = Tokenizer.from_pretrained(checkpoint_dir / "llm").ids
    return await VLLMBackbone.start(checkpoint_dir, tokens, vllm, specialists=served.specialists)


def _check_revision(expected: str, actual: str) -> None:
    if expected != actual:
        raise WeightsMismatchError(f"weights {expected} were requested and this replica holds {actual}")


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds
