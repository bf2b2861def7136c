"""`seedx serve`: a model, its engine and the HTTP server in one command."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import SecretStr
from pythonjsonlogger.json import JsonFormatter

from seedx_sdk.engine import NANO
from seedx_sdk.engine.local import open_local
from seedx_sdk.errors import InputError
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["serve"]

KEYS = "SEEDX_API_KEYS"


def serve(
    model: Annotated[
        Path | None, typer.Option("--model", help="A model directory; left out, the shipped model.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    max_replies: Annotated[int, typer.Option(min=1, help="Replies under way; more are refused with 503.")] = 64,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="For each key, or address.")] = None,
) -> None:
    """Serve a model over HTTP. API keys are read from SEEDX_API_KEYS, with commas between them."""
    keys = tuple(SecretStr(key) for key in os.environ.get(KEYS, "").split(",") if key)
    if not keys and host not in ("127.0.0.1", "localhost", "::1"):
        raise InputError(f"{host} can be reached by others; set {KEYS}, or listen on 127.0.0.1")
    folder = NANO if model is None else model
    settings = ServerSettings(api_keys=keys, max_replies=max_replies, requests_per_minute=requests_per_minute)
    _log_as_json()
    config = uvicorn.Config(
        create_app(open_local(folder), settings), host=host, port=port, log_config=None, access_log=False
    )
    uvicorn.Server(config).run()


def _log_as_json() -> None:
    """Writes one JSON object for each line of the log."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("{asctime}{levelname}{name}{message}", style="{"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
