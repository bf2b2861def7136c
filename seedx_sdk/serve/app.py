"""The web application: routes, errors in one form, request ids, health and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import metadata

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.errors import ServerErrorMiddleware

from seedx_sdk.engine.metrics import Measured
from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.errors import SeedXError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.serve import error_handlers as failures
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.engine_collector import EngineCollector
from seedx_sdk.serve.middleware import Authenticator, AuthMiddleware, BodyLimit
from seedx_sdk.serve.request_ids import RequestIds
from seedx_sdk.serve.routes import chat as chat_routes
from seedx_sdk.serve.routes import openai as openai_routes
from seedx_sdk.serve.routes import playground
from seedx_sdk.serve.routes import tools as tool_routes
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.serve.telemetry import RequestSpans

__all__ = ["create_app"]


PLUGIN_GROUP = "seedx.routes"
"""Entry points in which packages declare routers with further routes."""


def create_app(
    engine: AbstractAsyncContextManager[AsyncEngine],
    settings: ServerSettings,
    *,
    routers: Sequence[APIRouter] | None = None,
) -> FastAPI:
    """Returns the application; the engine is opened when it starts and closed when it ends.

    Args:
        engine: Opens and closes what answers.
        settings: Limits and keys.
        routers: Further routes; None: those of all installed packages.
    """
    if routers is None:
        routers = [entry.load() for entry in metadata.entry_points(group=PLUGIN_GROUP)]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with engine as opened:
            app.state.dispatcher = Dispatcher(opened, settings)
            if isinstance(opened, Measured):
                app.state.counted.register(EngineCollector(lambda: opened.metrics))
            yield
            del app.state.dispatcher

    app = FastAPI(title="SeedX", lifespan=lifespan)
    app.state.counted = CollectorRegistry()  # its own: a process may serve several engines
    app.state.gate = Authenticator(settings)
    app.state.fetcher = ImageFetcher(settings.image_hosts, max_bytes=settings.max_body_bytes)
    app.include_router(chat_routes.router)
    app.include_router(tool_routes.router)
    app.include_router(openai_routes.router)
    app.include_router(playground.router)
    for router in routers:
        app.include_router(router)
    app.add_api_route("/health/live", _live, methods=["GET"], tags=["health"])
    app.add_api_route("/health/ready", _ready, methods=["GET"], tags=["health"])
    app.add_api_route("/health", _ready, methods=["GET"], tags=["health"])
    app.add_api_route("/metrics", _metrics, methods=["GET"], tags=["health"])
    app.add_exception_handler(SeedXError, failures.seedx_error)  # type: ignore[arg-type]  # Starlette types it for any error
    app.add_exception_handler(RequestValidationError, failures.validation_error)  # type: ignore[arg-type]
    app.add_exception_handler(StarletteHTTPException, failures.http_error)  # type: ignore[arg-type]
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, refuse=failures.http_error)
    app.add_middleware(AuthMiddleware, gate=app.state.gate, refuse=failures.http_error)
    app.add_middleware(ServerErrorMiddleware, handler=failures.unforeseen)  # inside of RequestIds, unlike FastAPI's own
    app.add_middleware(RequestSpans)
    app.add_middleware(RequestIds)
    return app


async def _live() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("live\n")


async def _ready(request: Request) -> PlainTextResponse:
    """The model answers; 503 while it is loading, or when its engine has failed."""
    dispatcher: Dispatcher | None = getattr(request.app.state, "dispatcher", None)
    if dispatcher is None:
        return PlainTextResponse("loading\n", 503)
    try:
        await dispatcher.engine.check()
    except SeedXError as error:
        return PlainTextResponse(f"failed: {error}\n", 503)
    return PlainTextResponse("ready\n")


async def _metrics(request: Request) -> Response:
    """Everything that is counted, for Prometheus: by the server and vLLM, then by the engine."""
    counted = generate_latest() + generate_latest(request.app.state.counted)
    return Response(counted, media_type=CONTENT_TYPE_LATEST)
