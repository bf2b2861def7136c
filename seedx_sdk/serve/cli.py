"""`seedx serve`: a model, its engine and the HTTP server in one command."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.engine import checkpoint_directory
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.placement import resolve_device
from seedx_sdk.engine.image_service.service import ServiceLimits
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.local import EngineOptions, open_local, open_vllm
from seedx_sdk.engine.memory import plan_memory
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.budgets.process_memory import keep_memory_small
from seedx_sdk.serve.logs.setup import log_as_json
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
from seedx_sdk.serve.options.network import RootPathOption, TrustedProxyOption, UnixSocketOption
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
from seedx_sdk.serve.server import DrainingServer
from seedx_sdk.serve.supervisor import SupervisedEngine
from seedx_sdk.serve.telemetry import export_spans

__all__ = ["serve"]


def serve(
    model: ModelOption = None,
    specialist: SpecialistOption = None,
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8000,
    backbone: BackboneOption = "auto",
    device: Annotated[
        str | None, typer.Option(help="Device: cpu, cuda or cuda:N (default: the GPU if there is one).")
    ] = None,
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
    grace: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="Grace period for in-flight requests after SIGTERM.")
    ] = 20,
    image_host: ImageHostOption = None,
    served_model_name: ServedNameOption = None,
    cors_origin: CorsOriginOption = None,
    allowed_host: AllowedHostOption = None,
    trusted_proxy: TrustedProxyOption = None,
    root_path: RootPathOption = "",
    uds: UnixSocketOption = None,
) -> None:
    """Serve a model over HTTP. API keys are read from SEEDX_API_KEYS, separated by commas, or from a file."""
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
    checkpoint_dir = checkpoint_directory(model)
    DirectoryConfig.read(checkpoint_dir)  # fail before anything is started
    options = EngineOptions(
        device=device,
        dtype=dtype,
        limits=ServiceLimits(step_seconds=step_seconds, max_batch=max_batch),
        placement=chosen_placement(
            resolve_device(device),
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
    vllm = vllm_options(
        options,
        chosen_backbone(backbone, options.torch_device.type),
        kv_cache_gb=kv_cache_gb,
        quantization=quantization,
        max_model_len=max_model_len,
        enforce_eager=enforce_eager,
    )
    plan_memory(checkpoint_dir, options, vllm)  # what does not fit fails here
    log_as_json()
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
