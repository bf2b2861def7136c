"""An image service whose thread hangs."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest

from seedx_sdk import ModelError, ServiceError
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService


def test_a_step_that_takes_too_long_counts_as_a_failure(parts: ModelParts) -> None:
    async def test() -> None:
        resume = threading.Event()
        async with LocalImageService(parts, limits=ServiceLimits(step_seconds=0.2)) as service:
            await service.check()
            waiting = asyncio.ensure_future(service.compute("encode", resume.wait))
            await asyncio.sleep(0.1)
            await service.check()
            await asyncio.sleep(0.2)
            with pytest.raises(ModelError, match="stuck in one step for 0.2 s"):
                await service.check()
            resume.set()
            assert await waiting
            await asyncio.sleep(0.05)
            await service.check()

    anyio.run(test)


def test_a_worker_that_hangs_is_left_behind(parts: ModelParts) -> None:
    async def test() -> None:
        resume = threading.Event()
        service = LocalImageService(parts, limits=ServiceLimits(step_seconds=0.2))
        async with service:
            waiting = asyncio.ensure_future(service.compute("encode", resume.wait))
            await asyncio.sleep(0.05)
            await service.aclose(drain=False)
            with pytest.raises(ServiceError, match="was closed"):
                await waiting
        resume.set()

    anyio.run(test)
