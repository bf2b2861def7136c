"""The web application: routes, error responses, request ids, health and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import metadata

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware

from seedx_sdk.engine.metrics import Measured
from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.errors import SeedXError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.serve.access.authenticator import Authenticator
from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.access.keyring import Keyring
from seedx_sdk.serve.access.limits import Limits
from seedx_sdk.serve.access.usage_headers import USAGE_HEADERS
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.documented_answers import READINESS
from seedx_sdk.serve.error_handlers import (
    ERROR_RESPONSES,
    http_error,
    refusal,
    seedx_error,
    unexpected_error,
    validation_error,
)
from seedx_sdk.serve.metrics import EngineCollector
from seedx_sdk.serve.middleware import (
    AccessLog,
    AuthMiddleware,
    BodyLimit,
    RequestSpans,
    is_request_id,
)
from seedx_sdk.serve.network.browser_guard import BrowserGuard
from seedx_sdk.serve.network.proxies import ForwardedClient, RootPath
from seedx_sdk.serve.routes import chat, openai, playground, tools, usage
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["create_app"]


PLUGIN_GROUP = "seedx.routes"
"""Entry points with which packages add routers."""


def create_app(
    engine: AbstractAsyncContextManager[AsyncEngine],
    settings: ServerSettings,
    *,
    routers: Sequence[APIRouter] | None = None,
) -> FastAPI:
    """Return the application; the engine is opened at startup and closed at shutdown.

    Args:
        engine: Opens and closes the engine that answers requests.
        settings: Limits and keys.
        routers: Additional routes; None loads those of all installed packages.

    Raises:
        InputError: If the file of API keys cannot be used.
    """
    limits = Limits(requests_per_minute=settings.requests_per_minute, steps_per_minute=settings.steps_per_minute)
    keyring = Keyring(settings.api_keys, settings.api_keys_file, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with keyring.watched(), engine as opened:
            app.state.dispatcher = Dispatcher(opened, settings)
            if isinstance(opened, Measured):
                app.state.registry.register(EngineCollector(lambda: opened.metrics))
            yield
            del app.state.dispatcher

    app = FastAPI(
        title="SeedX",
        lifespan=lifespan,
        root_path=settings.root_path,
        docs_url=None,  # their pages load foreign scripts
        redoc_url=None,
        redirect_slashes=False,  # redirects would lose the root path, and TLS behind a proxy that is not trusted
    )
    app.state.registry = CollectorRegistry()  # not the global one: a process may serve several engines
    app.state.authenticator = Authenticator(keyring, limits)
    app.state.fetcher = ImageFetcher(settings.image_hosts, max_bytes=settings.max_body_bytes)
    if routers is None:
        routers = [entry.load() for entry in metadata.entry_points(group=PLUGIN_GROUP)]
    _add_routes(app, routers)
    _add_middleware(app, settings, has_keys=keyring.is_needed)
    return app


def _add_routes(app: FastAPI, further: Sequence[APIRouter]) -> None:
    """Add all routes, and the responses for their errors."""
    for router in (chat.router, usage.router, tools.router, openai.router, playground.router, *further):
        app.include_router(router, responses=ERROR_RESPONSES)
    for path, answer in _PLAIN_ROUTES.items():
        fails = READINESS if answer is _ready else None
        app.add_api_route(
            path, answer, methods=["GET"], tags=["health"], response_class=PlainTextResponse, responses=fails
        )
    app.add_exception_handler(SeedXError, seedx_error)  # type: ignore[arg-type]  # Starlette types it for any error
    app.add_exception_handler(RequestValidationError, validation_error)  # type: ignore[arg-type]
    app.add_exception_handler(StarletteHTTPException, http_error)  # type: ignore[arg-type]


def _add_middleware(app: FastAPI, settings: ServerSettings, *, has_keys: bool) -> None:
    """Add what requests pass through before they reach a route, from the inside out."""
    app.add_middleware(
        BodyLimit, max_bytes=settings.max_body_bytes, seconds=settings.upload_seconds, error_response=http_error
    )
    app.add_middleware(
        AuthMiddleware,
        authenticator=app.state.authenticator,
        free=(usage.USAGE_PATH, *(("/metrics", "/openapi.json") if settings.keys_everywhere else ())),
        repeats=_repeats,
        error_response=refusal,
    )
    app.add_middleware(ServerErrorMiddleware, handler=unexpected_error)  # FastAPI's own is outside the request ids
    if not has_keys:
        app.add_middleware(
            BrowserGuard, hosts=settings.allowed_hosts, origins=settings.cors_origins, error_response=http_error
        )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=["X-Request-ID", "X-SeedX-Warnings", "Retry-After", *USAGE_HEADERS],
        )
    app.add_middleware(RequestSpans)
    app.add_middleware(AccessLog)
    app.add_middleware(CorrelationIdMiddleware, validator=is_request_id)
    app.add_middleware(ForwardedClient, proxies=settings.trusted_proxies)
    if settings.root_path:
        app.add_middleware(RootPath, root_path=settings.root_path)


def _repeats(request: Request, caller: Caller) -> bool:
    """Return whether a request repeats one whose answer is kept."""
    dispatcher: Dispatcher | None = getattr(request.app.state, "dispatcher", None)
    key = request.headers.get("Idempotency-Key")
    return (
        request.method == "POST" and key is not None and dispatcher is not None and dispatcher.has_answer(caller, key)
    )


async def _live(_request: Request) -> PlainTextResponse:
    """Return 200 while the process answers."""
    return PlainTextResponse("live\n")


async def _ready(request: Request) -> PlainTextResponse:
    """Return 200 when the model can answer; 503 while it is loading or its engine has failed."""
    dispatcher: Dispatcher | None = getattr(request.app.state, "dispatcher", None)
    if dispatcher is None:
        return PlainTextResponse("loading\n", 503)
    try:
        await dispatcher.engine.check()
    except SeedXError as error:
        return PlainTextResponse(f"failed: {error}\n", 503)
    return PlainTextResponse("ready\n")


async def _metrics(request: Request) -> Response:
    """Return all Prometheus metrics: those of the server and vLLM, then those of the engine."""
    text = generate_latest() + generate_latest(request.app.state.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


_PLAIN_ROUTES: dict[str, Callable[[Request], Awaitable[Response]]] = {
    "/health/live": _live,
    "/health/ready": _ready,
    "/health": _ready,
    "/metrics": _metrics,
}
