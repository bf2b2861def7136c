"""SeedX: the calls of AsyncSeedX for programs without an event loop; a portal over its core."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import anyio

from seedx_sdk.async_client import AsyncSeedX
from seedx_sdk.errors import InputError
from seedx_sdk.http.engine import MAX_RETRIES
from seedx_sdk.options import ChatOptions
from seedx_sdk.portal import Portal, drain
from seedx_sdk.session import PortalSession
from seedx_sdk.settings import AnyEngine, ClientSettings
from seedx_sdk.types import Dtype, Message, ModelInfo, StreamEvent

__all__ = ["SeedX"]

P = ParamSpec("P")
R = TypeVar("R")


def _blocking(
    method: Callable[Concatenate[AsyncSeedX, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SeedX, P], R]:
    """Return the method as one that waits; `on_progress` is called in the thread that waits."""

    @functools.wraps(method)
    def call(self: SeedX, /, *args: P.args, **kwargs: P.kwargs) -> R:
        on_progress: Any = kwargs.pop("on_progress", None)

        def work(report: Callable[[Any], None]) -> Coroutine[Any, Any, R]:
            if on_progress is not None:
                kwargs["on_progress"] = report
            return method(self._core, *args, **kwargs)

        return self._portal.run(work, on_progress, cancel=self._cancel, name=method.__name__)

    return call


class SeedX:
    """The model: describes, detects, generates, edits, dresses and chats.

    `SeedX()` is the small model that ships in the package: offline, no download; it knows generated picture-book scenes
    and no photographs. `SeedX(model=...)` is a checkpoint directory, `SeedX(base_url=...)` a server (`seedx serve`).
    The model is loaded by the first call; calls from several threads are answered side by side. The same seed, request
    and model give the same answer.

    The calls and arguments are those of `AsyncSeedX`.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: str | None = None,
        dtype: Dtype | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        max_retries: int = MAX_RETRIES,
        engine: AnyEngine | None = None,
    ) -> None:
        """Take the arguments of `AsyncSeedX`."""
        self._core = AsyncSeedX(
            model,
            device=device,
            dtype=dtype,
            base_url=base_url,
            api_key=api_key,
            max_retries=max_retries,
            engine=engine,
        )
        self._portal = Portal(self._core.aclose)
        self._cancel: Callable[[], bool] | None = None

    @property
    def settings(self) -> ClientSettings:
        """What the client was made with."""
        return self._core.settings

    def close(self) -> None:
        """Release what the engine holds: memory, threads, connections.

        Calls that other threads wait for end with ServiceError. A later call loads the model, or connects, again.
        """
        self._portal.close()

    def __enter__(self) -> Self:
        """Return the client, which is closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def with_cancel(self, cancel: Callable[[], bool]) -> Self:
        """Return a view of this client whose calls stop with GenerationCancelled soon after `cancel()` returns True.

        It is asked while a call waits for the model, as well as while the model works. A view of a view asks both.
        """
        before = self._cancel
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._cancel = cancel if before is None else lambda: before() or cancel()
        return view

    def sleep(self, seconds: float) -> None:
        """Wait, and ask the cancel function meanwhile; for pauses between two calls.

        Raises:
            GenerationCancelled: If the cancel function returned True.
        """
        self._portal.run(lambda _: anyio.sleep(seconds), cancel=self._cancel, name="a pause")

    def as_async(self) -> AsyncSeedX:
        """Return the same loaded model for tasks of any event loop."""
        return AsyncSeedX.over(PortalSession(self._portal, self._core._session, cancel=self._cancel), self.settings)

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts; loads it."""
        return self._portal.run(lambda _: self._core.info(), cancel=self._cancel, name="info")

    describe = _blocking(AsyncSeedX.describe)
    detect = _blocking(AsyncSeedX.detect)
    generate = _blocking(AsyncSeedX.generate)
    edit = _blocking(AsyncSeedX.edit)
    try_on = _blocking(AsyncSeedX.try_on)
    chat = _blocking(AsyncSeedX.chat)
    continue_story = _blocking(AsyncSeedX.continue_story)

    def chat_stream(
        self, messages: Sequence[Message], **options: Unpack[ChatOptions]
    ) -> Generator[StreamEvent, None, None]:
        """Yield the events of the model's next turn as they happen; the last is ReplyDone with the whole reply."""
        events = self._portal.run(
            lambda _: self._core.begin_chat(messages, **options), cancel=self._cancel, name="chat"
        )
        return self._portal.wait(functools.partial(drain, events), cancel=self._cancel, name="chat")

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the settings, API key included; the model is loaded again on the other side.

        Raises:
            InputError: If the client is over an engine of the user's, or a view made by `with_cancel`.
        """
        if self._cancel is not None:
            raise InputError(
                "a view made by with_cancel cannot be pickled, for its function asks in this process; send the client "
                "itself, and call with_cancel in the worker"
            )
        return {name: value for name, value in self.__dict__.items() if name != "_portal"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._portal = Portal(self._core.aclose)

    def __copy__(self) -> Self:
        """Return this client: copies share one loaded model."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return this client, as `copy.copy` does."""
        return self
