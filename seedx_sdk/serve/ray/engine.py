"""A backbone and an image service that run on replicas of Ray Serve.

A call is a pure function of its arguments, so one whose replica dies is replayed once on another replica, without
repeating events (replay.py). If that fails too, it is a ServiceError, and the caller may retry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from PIL import Image
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle
from torch import Tensor

from seedx_sdk.checkpoints.directory import DirectoryConfig, find_specialists
from seedx_sdk.engine.backbones.base import Prompt, QueryStates, SamplingParams, TokenChunk
from seedx_sdk.engine.fair_line import SHARE
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.errors import ModelError, OverloadedError, SeedXError, ServiceError
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.serve.ray.options import DeployOptions
from seedx_sdk.serve.ray.replay import ReplayedStream
from seedx_sdk.serve.ray.replicas import WeightsMismatchError
from seedx_sdk.types import ImageProgress

__all__ = ["RayBackbone", "RayImageService", "open_replicas"]

CHECK_SECONDS = 5.0
"""Time limit of a health check."""
MAX_MISMATCHES, MISMATCH_SECONDS = 40, 0.1
"""How often, and after what pause, a call is sent to another replica because one holds other weights."""


class RayBackbone:
    """`Backbone` over the replicas of a language model."""

    def __init__(self, handle: DeploymentHandle, revision: str, *, supports_structured_output: bool) -> None:
        self._replicas = _Replicas(handle, revision, "language model")
        self._supports_structured_output = supports_structured_output

    @property
    def supports_structured_output(self) -> bool:
        """Whether text can be held to a JSON schema."""
        return self._supports_structured_output

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """Yield the output as it is generated; see `Backbone.generate`."""
        async with aclosing(self._replicas.stream("generate", prompt, sampling, SHARE.get())) as events:
            async for event in events:
                yield event

    async def check(self) -> None:
        """Return if a replica works; raise ServiceError otherwise, because Ray Serve replaces failed ones."""
        await self._replicas.check()

    async def close(self) -> None:
        """Do nothing: Ray Serve owns the replicas."""


class RayImageService:
    """`ImageService` over the replicas of a de-tokenizer."""

    metrics = None  # each replica has its own

    def __init__(
        self,
        handle: DeploymentHandle,
        config: DirectoryConfig,
        tokenizer: Tokenizer,
        specialists: Collection[str],
        *,
        takes_condition_image: bool,
    ) -> None:
        self.config, self.tokenizer, self.specialists = config, tokenizer, specialists
        self.takes_condition_image = takes_condition_image
        self._replicas = _Replicas(handle, config.revision, "de-tokenizer")

    async def encode(
        self, image: Image.Image, *, grids: Sequence[str], model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Return the embeddings of an image; see `ImageService.encode`."""
        embeds: Tensor = await self._replicas.call("encode", image, tuple(grids), model, _seconds_until(deadline))
        return embeds

    async def regress(
        self, hidden_states: Tensor, *, model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Return the features of hidden states; see `ImageService.regress`."""
        features: Tensor = await self._replicas.call("regress", hidden_states, model, _seconds_until(deadline))
        return features

    async def embed(self, features: Tensor, *, model: str | None = None, deadline: float | None = None) -> Tensor:
        """Return the embeddings of regressed features; see `ImageService.embed`."""
        embeds: Tensor = await self._replicas.call("embed", features, model, _seconds_until(deadline))
        return embeds

    async def generate(self, job: ImageJob) -> AsyncGenerator[ImageProgress | Image.Image, None]:
        """Yield the events of an image job; see `ImageService.generate`."""
        arguments = replace(job, deadline=None), _seconds_until(job.deadline)
        async with aclosing(self._replicas.stream("generate", *arguments)) as events:
            async for event in events:
                yield event

    async def out_of_domain_warning(self, image: Image.Image) -> str | None:
        """Return a warning about an out-of-domain image; see `ImageService.out_of_domain_warning`."""
        warning: str | None = await self._replicas.call("out_of_domain_warning", image)
        return warning

    async def check(self) -> None:
        """Return if a replica works; raise ServiceError otherwise."""
        await self._replicas.check()


@asynccontextmanager
async def open_replicas(
    backbones: DeploymentHandle, detokenizers: DeploymentHandle, options: DeployOptions
) -> AsyncIterator[InterleavedEngine]:
    """Open the engine of a deployment once replicas with its weights answer."""
    config = DirectoryConfig.read(options.model)
    engine = InterleavedEngine(
        RayBackbone(backbones, config.revision, supports_structured_output=options.backbone == "vllm"),
        RayImageService(
            detokenizers,
            config,
            Tokenizer.from_pretrained(options.model / "llm"),
            {*find_specialists(options.model), *options.served.specialists},
            takes_condition_image=(options.model / "detokenizer_edit").is_dir(),
        ),
    )
    while True:
        try:
            await engine.check()
            break
        except ServiceError:  # replicas are loading; if one cannot load, Ray Serve ends the deployment
            await asyncio.sleep(MISMATCH_SECONDS)
    yield engine


class _Replicas:
    """Calls the replicas that hold certain weights."""

    def __init__(self, handle: DeploymentHandle, revision: str, name: str) -> None:
        self._handle, self._revision, self._name = handle, revision, name

    async def call(self, method: str, *arguments: Any) -> Any:
        """Return the result of a method; errors as in `stream`."""
        async with aclosing(self.stream(method, *arguments, streams=False)) as results:
            return await anext(results)

    async def stream(self, method: str, *arguments: Any, streams: bool = True) -> AsyncGenerator[Any, None]:
        """Yield what a method yields. Closing the generator stops the work.

        Args:
            method: Its name.
            arguments: Its arguments after the revision.
            streams: Whether it yields; False if it returns a single value.

        Raises:
            SeedXError: If the replica raises one.
            OverloadedError: If all replicas hold other weights.
            ServiceError: If the replica dies and its replay diverges, two replicas die, or one fails unexpectedly.
        """
        failures = mismatches = 0
        replayed = ReplayedStream()
        while True:
            replayed.restart()
            response = self._handle.options(method_name=method, stream=streams).remote(self._revision, *arguments)
            try:
                if streams:
                    async for event in response:
                        if (rest := replayed.rest(event)) is not None:
                            yield rest
                else:
                    yield await response
                return
            except (RayError, RayServeException) as error:
                failure = self._failure(error)
            except BaseException:  # the caller cancelled, or the replay diverged
                response.cancel()
                raise
            if isinstance(failure, WeightsMismatchError):
                mismatches += 1
                if mismatches > MAX_MISMATCHES:
                    raise OverloadedError("the model is being replaced; retry soon", retry_after=5.0)
                await asyncio.sleep(MISMATCH_SECONDS)
            elif failure is not None:
                raise failure
            else:
                failures += 1
                if failures > 1:
                    raise ServiceError(f"two replicas of the {self._name} failed during the request; retry")

    async def check(self) -> None:
        """Return if a replica answers.

        Raises:
            ServiceError: If none does.
        """
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self.call("check")
        except TimeoutError:
            raise ServiceError(f"no replica of the {self._name} answered in {CHECK_SECONDS:g} seconds") from None

    def _failure(self, error: Exception) -> SeedXError | None:
        """Return the meaning of Ray's error; None if the replica, or the engine inside it, has died."""
        if not isinstance(error, RayTaskError) or isinstance(error.cause, ModelError):
            return None
        if isinstance(error.cause, SeedXError):
            return error.cause
        return ServiceError(f"the {self._name} failed ({type(error.cause).__name__}: {error.cause}); retry")


def _seconds_until(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()
