"""`seedx deploy`: the server of `seedx serve` on a Ray cluster, with replicas; run it again to update it in place."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import torch
import typer

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.engine import checkpoint_directory
from seedx_sdk.engine.image_service.service import ServiceLimits
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.errors import InputError
from seedx_sdk.serve.options.budgets import MaxPromptTokensOption, MaxStepsOption
from seedx_sdk.serve.options.memory import (
    EnforceEagerOption,
    KvCacheOption,
    MaxBatchOption,
    MaxModelLenOption,
    OffloadOption,
    QuantizationOption,
    vllm_options,
)
from seedx_sdk.serve.options.network import RootPathOption, TrustedProxyOption
from seedx_sdk.serve.options.placement import (
    ChannelsLastOption,
    CompileOption,
    CudaGraphsOption,
    PrepareBatchOption,
    PrepareSizeOption,
    TileSideOption,
    chosen_placement,
)
from seedx_sdk.serve.options.server import (
    AllowedHostOption,
    ApiKeysFileOption,
    BackboneOption,
    CorsOriginOption,
    DtypeOption,
    HostOption,
    ImageHostOption,
    KeysEverywhereOption,
    MaxPixelsOption,
    MaxRepliesOption,
    MaxWaitingOption,
    ModelOption,
    RateOption,
    ReplySecondsOption,
    ServedNameOption,
    SpecialistOption,
    StepSecondsOption,
    StepsRateOption,
    chosen_backbone,
    server_settings,
    specialist_dirs,
)
from seedx_sdk.serve.ray.cluster import run
from seedx_sdk.serve.ray.options import DeployOptions

__all__ = ["deploy"]


def deploy(
    model: ModelOption = None,
    specialist: SpecialistOption = None,
    backbones: Annotated[int, typer.Option(min=1, help="Replicas of the language model.")] = 1,
    detokenizers: Annotated[
        str, typer.Option(metavar="N|MIN..MAX", help="Replicas that encode and generate images; a range autoscales.")
    ] = "1",
    tensor_parallel: Annotated[int, typer.Option(min=1, help="GPUs of one machine that share a language model.")] = 1,
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster, or 'local' for a new one (default: the one on this machine, if any)."),
    ] = None,
    backbone: BackboneOption = "auto",
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Device of the replicas.")] = "cpu",
    dtype: DtypeOption = None,
    kv_cache_gb: KvCacheOption = None,
    quantization: QuantizationOption = None,
    max_model_len: MaxModelLenOption = None,
    enforce_eager: EnforceEagerOption = False,
    max_batch: MaxBatchOption = 8,
    offload: OffloadOption = False,
    api_keys_file: ApiKeysFileOption = None,
    keys_everywhere: KeysEverywhereOption = False,
    compile: CompileOption = False,
    cuda_graphs: CudaGraphsOption = None,
    prepare_size: PrepareSizeOption = None,
    prepare_batch: PrepareBatchOption = None,
    channels_last: ChannelsLastOption = False,
    tile_side: TileSideOption = 1024,
    max_replies: MaxRepliesOption = 64,
    max_waiting: MaxWaitingOption = 64,
    max_pixels: MaxPixelsOption = 80_000_000,
    max_steps_per_request: MaxStepsOption = 4000,
    max_prompt_tokens: MaxPromptTokensOption = None,
    requests_per_minute: RateOption = None,
    steps_per_minute: StepsRateOption = None,
    reply_seconds: ReplySecondsOption = 600,
    step_seconds: StepSecondsOption = 300,
    image_host: ImageHostOption = None,
    served_model_name: ServedNameOption = None,
    cors_origin: CorsOriginOption = None,
    allowed_host: AllowedHostOption = None,
    trusted_proxy: TrustedProxyOption = None,
    root_path: RootPathOption = "",
) -> None:
    """Serve a model over HTTP from a Ray cluster, or update the deployment."""
    settings = server_settings(
        host,
        api_keys_file=api_keys_file,
        keys_everywhere=keys_everywhere,
        max_replies=max_replies,
        max_waiting=max_waiting,
        max_pixels=max_pixels,
        max_steps=max_steps_per_request,
        max_prompt_tokens=max_prompt_tokens,
        requests_per_minute=requests_per_minute,
        steps_per_minute=steps_per_minute,
        reply_seconds=reply_seconds,
        image_hosts=image_host,
        served_model_names=served_model_name,
        cors_origins=cors_origin,
        allowed_hosts=allowed_host,
        trusted_proxies=trusted_proxy,
        root_path=root_path,
    )
    served = EngineOptions(
        device=device,
        dtype=dtype,
        limits=ServiceLimits(step_seconds=step_seconds, max_batch=max_batch),
        placement=chosen_placement(
            torch.device(device),
            offload=offload,
            compile=compile,
            cuda_graphs=cuda_graphs,
            prepare_sizes=prepare_size,
            prepare_batches=prepare_batch,
            channels_last=channels_last,
            tile_side=tile_side,
        ),
        specialists=specialist_dirs(specialist),
    )
    llm = chosen_backbone(backbone, device)
    options = DeployOptions(
        model=checkpoint_directory(model).resolve(),
        backbone=llm,
        backbones=backbones,
        tensor_parallel=tensor_parallel,
        detokenizers=_min_and_max(detokenizers),
        served=served,
        vllm=vllm_options(
            served,
            llm,
            kv_cache_gb=kv_cache_gb,
            quantization=quantization,
            max_model_len=max_model_len,
            enforce_eager=enforce_eager,
        ),
        settings=settings,
    )
    DirectoryConfig.read(options.model)  # fail before anything is started
    run(options, host=host, port=port, address=address)


def _min_and_max(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if match is None:
        raise InputError(f"--detokenizers {text!r} must be a number, such as 2, or a range, such as 1..8")
    return int(match[1]), int(match[2] or match[1])
