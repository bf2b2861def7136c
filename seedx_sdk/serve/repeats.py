"""Idempotent replay of whole responses, for routes that make one response out of several replies."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from cachetools import TTLCache
from starlette.responses import Response

from seedx_sdk.errors import InputError
from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["IdempotencyError", "Repeats", "part_key"]


def part_key(key: str, number: int) -> str:
    """Return the idempotency key of one of several calls that a request makes, counted from 0."""
    return f"{key}/{number}"


class IdempotencyError(InputError):
    """An idempotency key was reused for a different request."""

    @classmethod
    def of(cls, key: str) -> IdempotencyError:
        """Return the error of this key."""
        return cls(f"idempotency key {key!r} was used for a different request; use a new one")


class Repeats:
    """Replays the response to the first request of an idempotency key.

    Args:
        settings: How much is remembered, and how long.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._answers: TTLCache[tuple[str, str], tuple[str, bytes, dict[str, str]]] = TTLCache(
            settings.remembered_bytes, settings.remembered_seconds, getsizeof=lambda entry: len(entry[1])
        )
        self._in_flight: dict[tuple[str, str], asyncio.Event] = {}

    def has_answer(self, caller: Caller, key: str) -> bool:
        """Return whether the answer to a request with this key is kept."""
        return (caller.name, key) in self._answers

    async def once(
        self, caller: Caller, key: str | None, content: Callable[[], bytes], make: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Return the answer that `make` makes, or that it made for the same caller, key and content.

        Raises:
            IdempotencyError: If the key was used for a different content.
        """
        if key is None:
            return await make()
        name, digest = (caller.name, key), await asyncio.to_thread(lambda: hashlib.sha256(content()).hexdigest())
        while name in self._in_flight:
            await self._in_flight[name].wait()
        kept = self._answers.get(name)
        if kept is not None:
            if kept[0] != digest:
                caller.charge_request()
                raise IdempotencyError.of(key)
            caller.repeat()
        else:
            self._in_flight[name] = asyncio.Event()
            try:
                answer = await make()
                kept = digest, bytes(answer.body), dict(answer.headers)
                if len(kept[1]) <= self._answers.maxsize:
                    self._answers[name] = kept
            finally:
                self._in_flight.pop(name).set()
        _, body, headers = kept
        return Response(body, headers=headers)
