"""Bounds the memory for the decoded images of all replies."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from seedx_sdk.imaging import MODEL_PIXELS
from seedx_sdk.serve.budgets.process_memory import return_memory

__all__ = ["ImageRoom"]

_DECODERS = 2
"""Requests with large images that are decoded at the same time: a PNG of 40 million pixels takes 160 MB until it is
scaled down."""


class ImageRoom:
    """A budget of pixels; a request that does not fit waits, first come, first served.

    Args:
        pixels: Of all decoded images together.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = self._free = pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._decoders = asyncio.Semaphore(_DECODERS)

    @asynccontextmanager
    async def hold(self, images: Sequence[int]) -> AsyncIterator[None]:
        """Keep room for images of so many pixels, as they are after decoding, while the block runs."""
        pixels = min(self._pixels, sum(min(image, MODEL_PIXELS) for image in images))
        await self._take(pixels)
        try:
            yield
        finally:
            self._give(pixels)

    @asynccontextmanager
    async def decoding(self, images: Sequence[int]) -> AsyncIterator[None]:
        """Wait until images of so many pixels may be decoded; small ones never wait."""
        if max(images, default=0) <= MODEL_PIXELS:
            yield
        else:
            async with self._decoders:
                yield
            await asyncio.to_thread(return_memory)

    async def _take(self, pixels: int) -> None:
        if not pixels or (not self._waiting and pixels <= self._free):
            self._free -= pixels
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((pixels, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # whoever gave room meanwhile has passed it over
                    self._waiting.remove((pixels, turn))
                self._give(0)
            else:  # the room came at the same moment
                self._give(pixels)
            raise

    def _give(self, pixels: int) -> None:
        self._free += pixels
        while self._waiting and self._waiting[0][0] <= self._free:
            taken, turn = self._waiting.popleft()
            self._free -= taken
            if turn.cancelled():
                self._free += taken
            else:
                turn.set_result(None)
