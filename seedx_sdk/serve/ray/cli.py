"""`seedx deploy`: the server of `seedx serve` on a Ray cluster, with replicas; run it again to update it in place."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import torch
import typer

from seedx_sdk.errors import InputError
from seedx_sdk.serve.logs.setup import json_log
from seedx_sdk.serve.options.access import AccessArguments
from seedx_sdk.serve.options.chosen import engine_options, server_settings
from seedx_sdk.serve.options.groups import takes_groups
from seedx_sdk.serve.options.limits import LimitArguments
from seedx_sdk.serve.options.memory import MemoryArguments
from seedx_sdk.serve.options.model import ModelArguments
from seedx_sdk.serve.options.network import HostOption, NetworkArguments
from seedx_sdk.serve.options.placement import PlacementArguments
from seedx_sdk.serve.ray.cluster import run
from seedx_sdk.serve.ray.options import DeployOptions

__all__ = ["deploy"]


@takes_groups
def deploy(
    *,
    backbones: Annotated[int, typer.Option(min=1, metavar="N", help="Replicas of the language model.")] = 1,
    detokenizers: Annotated[
        str, typer.Option(metavar="N or MIN..MAX", help="Replicas that encode and generate images; a range autoscales.")
    ] = "1",
    tensor_parallel: Annotated[
        int, typer.Option(min=1, metavar="N", help="GPUs of one machine that share a language model.")
    ] = 1,
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="Port to listen on.")] = 8000,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Ray cluster, or 'local' for a new one (default: the one on this machine, if any)."
        ),
    ] = None,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Device of the replicas.")] = "cpu",
    model: ModelArguments,
    memory: MemoryArguments,
    placement: PlacementArguments,
    limits: LimitArguments,
    access: AccessArguments,
    network: NetworkArguments,
) -> None:
    """Serve a model over HTTP from a Ray cluster, or update the deployment."""
    with json_log():
        settings = server_settings(host, model=model, limits=limits, access=access, network=network)
        placed = placement.chosen(torch.device(device), offload=memory.offload)
        served = engine_options(device, placed, model=model, memory=memory, limits=limits)
        backbone = model.chosen_backbone(device)
        options = DeployOptions(
            model=model.checkpoint_dir().resolve(),
            backbone=backbone,
            backbones=backbones,
            tensor_parallel=tensor_parallel,
            detokenizers=_min_and_max(detokenizers),
            served=served,
            vllm=memory.vllm_options(served, backbone),
            settings=settings,
        )
        run(options, host=host, port=port, address=address)


def _min_and_max(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if match is None:
        raise InputError(f"--detokenizers {text!r} must be a number, such as 2, or a range, such as 1..8")
    return int(match[1]), int(match[2] or match[1])
