"""`seedx serve`: a model, its engine and the HTTP server in one command."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.placement import resolve_device
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.local import EngineOptions, open_local, open_vllm
from seedx_sdk.engine.memory import plan_memory
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.budgets.process_memory import keep_memory_small
from seedx_sdk.serve.logs.setup import json_log
from seedx_sdk.serve.options.access import AccessArguments
from seedx_sdk.serve.options.chosen import engine_options, server_settings
from seedx_sdk.serve.options.groups import takes_groups
from seedx_sdk.serve.options.limits import LimitArguments
from seedx_sdk.serve.options.memory import MemoryArguments
from seedx_sdk.serve.options.model import ModelArguments
from seedx_sdk.serve.options.network import HostOption, NetworkArguments
from seedx_sdk.serve.options.placement import PlacementArguments
from seedx_sdk.serve.server import DrainingServer
from seedx_sdk.serve.supervisor import SupervisedEngine
from seedx_sdk.serve.telemetry import export_spans

__all__ = ["serve"]


@takes_groups
def serve(
    *,
    host: HostOption = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port to listen on; 0 picks a free one.")
    ] = 8000,
    uds: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Unix socket to listen on, instead of a host and port.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="Device: cpu, cuda or cuda:N (default: the GPU if there is one)."),
    ] = None,
    grace: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="Grace period for in-flight requests after SIGTERM.")
    ] = 20,
    model: ModelArguments,
    memory: MemoryArguments,
    placement: PlacementArguments,
    limits: LimitArguments,
    access: AccessArguments,
    network: NetworkArguments,
) -> None:
    """Serve a model over HTTP. API keys are read from SEEDX_API_KEYS, separated by commas, or from a file."""
    with json_log():
        settings = server_settings(host, model=model, limits=limits, access=access, network=network)
        checkpoint_dir = model.checkpoint_dir()
        placed = placement.chosen(resolve_device(device), offload=memory.offload)
        options = engine_options(device, placed, model=model, memory=memory, limits=limits)
        vllm = memory.vllm_options(options, model.chosen_backbone(options.torch_device.type))
        plan_memory(checkpoint_dir, options, vllm)  # what does not fit fails here
        export_spans()
        keep_memory_small()
        app = create_app(SupervisedEngine(_opener(checkpoint_dir, options, vllm)), settings)
        DrainingServer(app, host=host, port=port, grace=grace, uds=uds).run_until_signal()


def _opener(
    checkpoint_dir: Path, options: EngineOptions, vllm: VLLMOptions | None
) -> Callable[[], AbstractAsyncContextManager[InterleavedEngine]]:
    """Return a function that opens an engine."""
    if vllm is None:
        logging.getLogger("seedx").info("the language model runs on transformers, one reply at a time")
        return partial(open_local, checkpoint_dir, options)
    return partial(open_vllm, checkpoint_dir, options, vllm)
