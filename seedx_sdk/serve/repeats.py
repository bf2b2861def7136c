"""Idempotent replay: what was answered to an idempotency key of a caller is kept, and computed once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from cachetools import TTLCache
from starlette.responses import Response

from seedx_sdk.errors import InputError
from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["IdempotencyError", "KeptAnswers", "Repeats", "part_key"]

V = TypeVar("V")


def part_key(key: str, number: int) -> str:
    """Return the idempotency key of one of several calls that a request makes, counted from 0."""
    return f"{key}/{number}"


class IdempotencyError(InputError):
    """An idempotency key was reused for a different request."""

    @classmethod
    def of(cls, key: str) -> IdempotencyError:
        """Return the error of this key."""
        return cls(f"idempotency key {key!r} was used for a different request; use a new one")


class KeptAnswers(Generic[V]):
    """Answers by caller and idempotency key.

    Args:
        settings: How many bytes of answers are kept, and how long.
        size: Returns the bytes of an answer.
    """

    def __init__(self, settings: ServerSettings, size: Callable[[V], int]) -> None:
        self._size = size
        self._kept: TTLCache[tuple[str, str], tuple[bytes, V]] = TTLCache(
            settings.remembered_bytes, settings.remembered_seconds, getsizeof=lambda entry: size(entry[1])
        )
        self._in_flight: dict[tuple[str, str], asyncio.Event] = {}

    def has(self, caller: Caller, key: str) -> bool:
        """Return whether the answer to a request with this key is kept."""
        return (caller.name, key) in self._kept

    def is_in_flight(self, caller: Caller, key: str) -> bool:
        """Return whether the answer to a request with this key is being computed."""
        return (caller.name, key) in self._in_flight

    @asynccontextmanager
    async def turn(
        self, caller: Caller, key: str, content: Callable[[], bytes]
    ) -> AsyncIterator[tuple[V | None, Callable[[V], None]]]:
        """Wait while a request with this key is in flight; yield the answer to it, or None, and a function to keep one.

        Without an answer, this request is in flight while the block runs.

        Args:
            caller: Whose key it is.
            key: The idempotency key.
            content: Returns everything that the caller sent, to tell two requests apart.

        Raises:
            IdempotencyError: If the key was used for a different content.
        """
        name = caller.name, key
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content()).digest())

        def keep(answer: V) -> None:
            if self._size(answer) <= self._kept.maxsize:
                self._kept[name] = digest, answer

        while name in self._in_flight:
            await self._in_flight[name].wait()
        if (kept := self._kept.get(name)) is not None:
            if kept[0] != digest:
                caller.charge_request()
                raise IdempotencyError.of(key)
            caller.repeat()
            yield kept[1], keep
            return
        self._in_flight[name] = asyncio.Event()
        try:
            yield None, keep
        finally:
            self._in_flight.pop(name).set()


class Repeats:
    """Replays whole responses, for routes that make one response out of several replies.

    Args:
        settings: How much is remembered, and how long.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._answers = KeptAnswers[tuple[bytes, dict[str, str]]](settings, lambda answer: len(answer[0]))

    def has_answer(self, caller: Caller, key: str) -> bool:
        """Return whether the answer to a request with this key is kept."""
        return self._answers.has(caller, key)

    async def once(
        self, caller: Caller, key: str | None, content: Callable[[], bytes], make: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Return the answer that `make` makes, or that it made for the same caller, key and content.

        Raises:
            IdempotencyError: If the key was used for a different content.
        """
        if key is None:
            return await make()
        async with self._answers.turn(caller, key, content) as (kept, keep):
            if kept is None:
                answer = await make()
                kept = bytes(answer.body), dict(answer.headers)
                keep(kept)
        body, headers = kept
        return Response(body, headers=headers)
