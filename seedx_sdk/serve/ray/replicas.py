"""What runs inside the replicas of a deployment: a language model, or a de-tokenizer service.

Both answer only callers that expect the weights they hold: while a model is being replaced, replicas of both stand side
by side, and a reply that began with one must not go on with the other. Deadlines come as the seconds that are left,
since clocks of two machines have nothing to do with each other.

Drawings are not batched by `@serve.batch`: the service inside already forms batches of compatible drawings across
callers, and unlike Ray's it reports each step and takes a drawing out of its batch as soon as nobody waits for it.
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
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.errors import ServiceError
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.serve.ray.options import DeployOptions
from seedx_sdk.types import ImageProgress

__all__ = ["BackboneReplica", "ImageServiceReplica", "WeightsMismatchError"]


class WeightsMismatchError(ServiceError):
    """This replica holds other weights than the caller expects; another replica may hold them."""


class BackboneReplica:
    """One copy of the language model, on one device or, tensor parallel, on several of one machine."""

    async def __init__(self, options: DeployOptions) -> None:  # type: ignore[misc]  # Ray Serve awaits it
        self._revision = DirectoryConfig.read(options.model).revision
        self._backbone = await _open_backbone(options)

    async def generate(
        self, revision: str, prompt: Prompt, sampling: SamplingParams
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """The answer as it is written; see `Backbone.generate`."""
        _expect(revision, self._revision)
        async with aclosing(self._backbone.generate(prompt, sampling)) as answer:
            async for event in answer:
                yield event

    async def check(self, revision: str) -> None:
        """Returns if it works and holds these weights."""
        _expect(revision, self._revision)
        await self._backbone.check()

    async def check_health(self) -> None:
        """Returns if it works; otherwise Ray Serve replaces it."""
        await self._backbone.check()

    async def __del__(self) -> None:
        """Ends the processes of the language model; Ray Serve awaits it when it ends the replica."""
        await self._backbone.close()


class ImageServiceReplica:
    """One de-tokenizer service, on one device."""

    async def __init__(self, options: DeployOptions) -> None:  # type: ignore[misc]  # Ray Serve awaits it
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
        _expect(revision, self._revision)
        return await self._service.encode(image, grids=grids, model=model, deadline=_deadline(seconds))

    async def regress(self, revision: str, hidden_states: Tensor, model: str | None, seconds: float | None) -> Tensor:
        """Returns the features of hidden states; see `ImageService.regress`."""
        _expect(revision, self._revision)
        return await self._service.regress(hidden_states, model=model, deadline=_deadline(seconds))

    async def generate(
        self, revision: str, job: ImageJob, seconds: float | None
    ) -> AsyncGenerator[ImageProgress | Image.Image, None]:
        """Yield the events of an image job; see `ImageService.generate`."""
        _expect(revision, self._revision)
        async with aclosing(self._service.generate(replace(job, deadline=_deadline(seconds)))) as events:
            async for event in events:
                yield event

    async def out_of_domain_warning(self, revision: str, image: Image.Image) -> str | None:
        """Return a warning about an image; see `ImageService.out_of_domain_warning`."""
        _expect(revision, self._revision)
        return await self._service.out_of_domain_warning(image)

    async def check(self, revision: str) -> None:
        """Returns if it works and holds these weights."""
        _expect(revision, self._revision)
        await self._service.check()

    async def check_health(self) -> None:
        """Returns if it works; otherwise Ray Serve replaces it."""
        await self._service.check()


async def _open_backbone(options: DeployOptions) -> Backbone:
    folder, served = options.model, options.served
    if options.backbone == "transformers":
        load = partial(load_directory, folder, dtype=served.torch_dtype, specialists=served.specialists)
        parts = await asyncio.to_thread(load)
        for lvlm in (parts.lvlm, *parts.specialists.values()):
            lvlm.to(served.torch_device)
        return TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
    os.environ.setdefault("VLLM_CONFIGURE_LOGGING", "0")  # or vLLM closes the handlers of Ray Serve's own log
    from seedx_sdk.engine.backbones.vllm import VLLMBackbone

    await asyncio.to_thread(verify_files, folder, DirectoryConfig.read(folder))
    vllm = options.vllm or served.for_vllm()
    own_processes = {"distributed_executor_backend": "mp"}  # in a placement group vLLM would start actors of its own
    vllm = replace(
        vllm,
        dtype=served.dtype or vllm.dtype,
        tensor_parallel_size=options.tensor_parallel,
        engine_args=own_processes | (vllm.engine_args or {}),
    )
    tokens = Tokenizer.from_pretrained(folder / "llm").ids
    return await VLLMBackbone.start(folder, tokens, vllm, specialists=served.specialists)


def _expect(wanted: str, held: str) -> None:
    if wanted != held:
        raise WeightsMismatchError(f"weights {wanted} were asked for and this replica holds {held}")


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds
