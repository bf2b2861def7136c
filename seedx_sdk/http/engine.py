"""A server as an engine: requests go over HTTP, events come back as they happen, errors are those of the server.

A request is a pure function of its seed, so one that failed before its first event may be sent again. Each carries an
idempotency key, so the server does not compute twice what it has already computed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
from httpx_sse import EventSource, SSEError
from pydantic import TypeAdapter, ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from seedx_sdk.errors import DeadlineError, InputError, ServiceError
from seedx_sdk.http.errors import from_problem, retry_after
from seedx_sdk.http.retries import has_patience, wait_for_place
from seedx_sdk.http.sockets import OpenSockets
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["MAX_RETRIES", "HttpEngine"]

T = TypeVar("T")
_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)
_REQUEST = TypeAdapter(Request)
MAX_RETRIES = 3
"""How often a request is sent again, unless the client says otherwise."""
_TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=60.0, pool=None)
"""Seconds. A server that works says so every 15 seconds, so nothing for 60 means that it is gone."""


class HttpEngine:
    """`AsyncEngine` over a server; make it with `connect`."""

    def __init__(self, client: httpx.AsyncClient, info: ModelInfo, max_retries: int) -> None:
        self._client, self._info, self._max_retries = client, info, max_retries

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        base_url: str,
        *,
        api_key: str | None = None,
        max_retries: int = MAX_RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> AsyncIterator[HttpEngine]:
        """Connect to a server and get its model info; close the connections at the end.

        Args:
            base_url: Such as "http://localhost:8000", or "unix:///run/seedx.sock" for a Unix socket.
            api_key: The server's key, if it wants one.
            max_retries: How often a request is sent again while the server cannot be reached or is at capacity.
            transport: Replaces the network, for tests.

        Raises:
            InputError: If `base_url` is no URL.
            ServiceError: If the server cannot be reached, refuses, or is no server of this SDK.
        """
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        try:
            hooks = {"request": [OpenSockets().watch]}
            if (path := _socket_path(base_url)) is not None:
                url, transport = "http://localhost", transport or httpx.AsyncHTTPTransport(uds=path)
            else:
                url = base_url
            client = httpx.AsyncClient(
                base_url=url, headers=headers, timeout=_TIMEOUT, transport=transport, event_hooks=hooks
            )
            if client.base_url.scheme not in ("http", "https") or not client.base_url.host:
                raise httpx.InvalidURL("it must be http:// or https:// and a host, or unix:// and a path")
        except (httpx.InvalidURL, TypeError) as error:
            raise InputError(f"base_url {base_url!r} is not allowed: {error}") from error
        async with client:
            response = await _retrying(lambda: _answer(client.get("/v1/info")), max_retries)
            yield cls(client, _info_of(response), max_retries)

    @property
    def info(self) -> ModelInfo:
        """What the server's model is and what it accepts."""
        return self._info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply; see `AsyncEngine.stream`."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        begin = self._client.build_request("POST", "/v1/chat", content=_REQUEST.dump_json(request), headers=headers)
        event, events = await _retrying(lambda: self._first_event(begin), self._max_retries)
        async with aclosing(events):
            while event is not None:
                if deadline is not None and time.monotonic() > deadline:
                    raise DeadlineError("the server did not finish in time; request less")
                yield event
                event = await anext(events, None)

    async def _first_event(self, begin: httpx.Request) -> tuple[StreamEvent | None, AsyncGenerator[StreamEvent, None]]:
        """Return the first event, None if there is none, and a generator of the others."""
        events = _events(await _answer(self._client.send(begin, stream=True)))
        return await anext(events, None), events

    async def check(self) -> None:
        """Return if the server is ready; see `AsyncEngine.check`."""
        await _retrying(lambda: _answer(self._client.get("/health/ready")), self._max_retries)


def _socket_path(base_url: str) -> str | None:
    """Return the path of a Unix socket, None for other URLs.

    Raises:
        httpx.InvalidURL: If the path is missing or relative.
    """
    scheme, separator, path = str(base_url).partition("://")
    if not separator or scheme.lower() != "unix":
        return None
    if not path.startswith("/"):
        raise httpx.InvalidURL("the path of a Unix socket is absolute: unix:///run/seedx.sock")
    return unquote(path)


async def _events(response: httpx.Response) -> AsyncGenerator[StreamEvent, None]:
    try:
        async with aclosing(response), aclosing(EventSource(response).aiter_sse()) as events:
            async for event in events:
                if event.event == "error":
                    raise from_problem(_as_problem(event.json(), "the server failed and did not say how"))
                yield _EVENT.validate_json(event.data)
    except (httpx.TransportError, SSEError, json.JSONDecodeError, ValidationError) as error:
        raise ServiceError(f"the connection broke while the server was answering ({_words(error)}); retry") from error


async def _retrying(ask: Callable[[], Awaitable[T]], max_retries: int) -> T:
    """Return the response; retry while the server cannot be reached or is at capacity.

    Raises:
        SeedXError: If the server answers with one; ServiceError if it does not answer.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception(_may_pass), stop=stop_after_attempt(max_retries + 1), wait=wait_for_place, reraise=True
    ):
        with attempt:
            return await ask()
    raise AssertionError("AsyncRetrying returns or raises")


async def _answer(sent: Awaitable[httpx.Response]) -> httpx.Response:
    """Return the response if it is a success."""
    try:
        response = await sent
    except httpx.TransportError as error:
        raise _Unreachable(f"the server does not answer ({_words(error)}); is it running?") from error
    if not response.is_success:
        await response.aread()
        await response.aclose()
        raise _problem_of(response)
    return response


class _Unreachable(ServiceError):
    """The server did not answer."""


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, _Unreachable) or has_patience(error)


def _info_of(response: httpx.Response) -> ModelInfo:
    try:
        return ModelInfo.model_validate_json(response.content)
    except ValidationError as error:
        raise ServiceError(
            f"what answers at {response.url} sends no model info; is it a SeedX server of this version?"
        ) from error


def _problem_of(response: httpx.Response) -> Exception:
    words = f"the server answered {response.status_code} {response.reason_phrase}"
    try:
        problem = _as_problem(response.json()["error"], words)
    except (ValueError, KeyError, TypeError):  # not JSON, or not in our form: a proxy's
        problem = {"message": words}
    wait = retry_after(response.headers.get("retry-after"))
    if "retry_after" not in problem and (
        response.status_code == 429 or (response.status_code == 503 and wait is not None)
    ):
        problem |= {"type": "OverloadedError", "retry_after": wait}
    return from_problem(problem)


def _as_problem(body: object, otherwise: str) -> dict[str, Any]:
    """Return the error in a response body, with this message if it has none."""
    if isinstance(body, str):
        return {"message": body}
    return {"message": otherwise, **body} if isinstance(body, dict) else {"message": otherwise}


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
