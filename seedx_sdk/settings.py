"""What a client was made with: how its engine is opened, and what of it travels to another process."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

from seedx_sdk.engine import NANO, AsyncEngine, Engine, checkpoint_directory, open_engine
from seedx_sdk.engine.threaded import ThreadedEngine
from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.forks import LEFT_BEHIND
from seedx_sdk.http.engine import MAX_RETRIES, HttpEngine
from seedx_sdk.types import Dtype
from seedx_sdk.validation import check_dtype

__all__ = ["AnyEngine", "ClientSettings", "OpenEngine"]

AnyEngine: TypeAlias = Engine | AsyncEngine | AbstractAsyncContextManager[AsyncEngine]
"""An engine of yours: blocking, async and open, or what opens an async one."""
OpenEngine: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncEngine]]
"""Opens an engine in the running event loop."""


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """The arguments of a client, checked; see `AsyncSeedX`.

    They are pickled whole, the API key included, and a model directory by its absolute path. With an engine of the
    user's they are not pickled: it is open in this process.
    """

    model: str | Path | None = None
    device: str | None = None
    dtype: Dtype | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    max_retries: int = MAX_RETRIES
    engine: AnyEngine | None = None
    engine_id: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)
    """Tells an engine of the user's from all others, also from those of other processes."""

    def __post_init__(self) -> None:
        """Check what goes together."""
        if sum(choice is not None for choice in (self.model, self.base_url, self.engine)) > 1:
            raise InputError("more than one of model, base_url and engine is given; pass one of them")
        if self.api_key is not None and self.base_url is None:
            raise InputError("api_key is for a server; pass its base_url too")
        if (check_dtype(self.dtype), self.device) != (None, None) and not self.is_in_process:
            raise InputError(
                "device and dtype are for a model in process; a server or an engine has its own, leave them out"
            )
        if not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise InputError(f"max_retries {self.max_retries!r} is not allowed; use a whole number, 0 or more")

    @property
    def is_in_process(self) -> bool:
        """Whether the model is loaded in this process, from a directory."""
        return self.base_url is None and self.engine is None

    @property
    def directory(self) -> Path:
        """The checkpoint directory of a model in process."""
        return checkpoint_directory(self.model).absolute()

    @property
    def identity(self) -> dict[str, str]:
        """What tells the answers of this client from those of another one: the model or server, without the API key.

        Clients with the same settings have the same. A model is told by its directory and by what the config.json in
        it says now, a server by its address alone, whatever model it serves.
        """
        if self.engine is not None:
            return {"engine": self.engine_id}
        if self.base_url is not None:
            return {"base_url": self.base_url.rstrip("/")}
        try:
            config = hashlib.sha256((self.directory / "config.json").read_bytes()).hexdigest()[:12]
        except OSError:  # the first call says what is missing
            config = "missing"
        model = "shipped" if self.directory == NANO.absolute() else str(self.directory)
        placed = {name: value for name in ("device", "dtype") if (value := getattr(self, name)) is not None}
        return {"model": model, "config": config, **placed}

    def opener(self) -> OpenEngine:
        """Return the function that opens the engine."""
        if self.engine is not None:
            return _OwnEngine(self.engine)
        if self.base_url is not None:
            return partial(HttpEngine.connect, self.base_url, api_key=self.api_key, max_retries=self.max_retries)
        return partial(open_engine, self.model, device=self.device, dtype=self.dtype)

    def portable(self) -> Self:
        """Return settings that mean the same in another process.

        Raises:
            InputError: If there is an engine of the user's.
        """
        if self.engine is not None:
            raise InputError(
                "a client over an engine of your own cannot be pickled, for the engine is open in this process; make "
                "the client in the worker, or send one made with base_url or model"
            )
        relative = self.model is not None and not Path(self.model).is_absolute()
        return replace(self, model=self.directory) if relative else self

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.portable().__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class _OwnEngine:
    """Opens an engine of the user's, in one process only: its threads and sockets stay there."""

    def __init__(self, engine: AnyEngine) -> None:
        self._engine: AnyEngine | None = engine
        self._process = os.getpid() if isinstance(engine, AsyncEngine) else None

    def __call__(self) -> AbstractAsyncContextManager[AsyncEngine]:
        """Return what opens it.

        Raises:
            ServiceError: If it was opened in the process that this one was forked off, or cannot be opened again.
        """
        if self._process not in (None, os.getpid()):
            raise ServiceError(LEFT_BEHIND)
        self._process, engine = os.getpid(), self._engine
        if engine is None:
            raise ServiceError("the engine was closed, and it cannot be opened again; make another client")
        if isinstance(engine, AbstractAsyncContextManager):
            self._engine = None
            return engine
        return nullcontext(engine) if isinstance(engine, AsyncEngine) else _threaded(engine)


@asynccontextmanager
async def _threaded(engine: Engine) -> AsyncIterator[AsyncEngine]:
    threaded = ThreadedEngine(engine)
    try:
        yield threaded
    finally:
        threaded.close()
