"""What the options of a command stand for: the settings of a server, and the options of its engine."""

from __future__ import annotations

from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.serve.network.host_names import checked_host, checked_origin
from seedx_sdk.serve.network.proxies import checked_proxy, checked_root_path
from seedx_sdk.serve.options.access import AccessArguments
from seedx_sdk.serve.options.limits import LimitArguments
from seedx_sdk.serve.options.memory import MemoryArguments
from seedx_sdk.serve.options.model import ModelArguments
from seedx_sdk.serve.options.network import NetworkArguments
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["engine_options", "server_settings"]


def server_settings(
    host: str, *, model: ModelArguments, limits: LimitArguments, access: AccessArguments, network: NetworkArguments
) -> ServerSettings:
    """Return the settings of a server, with the API keys of the environment.

    Raises:
        InputError: If the file of keys cannot be used, or there are no keys and they are needed; if a proxy, a host
            name, an origin or the root path is not allowed.
    """
    return ServerSettings(
        api_keys=access.checked_keys(host),
        # links are kept: Kubernetes replaces a mounted file by changing where a link leads
        api_keys_file=None if access.api_keys_file is None else access.api_keys_file.absolute(),
        keys_everywhere=access.keys_everywhere,
        served_model_names=tuple(model.served_model_name or ()),
        max_replies=limits.max_replies,
        max_waiting=limits.max_waiting,
        max_pixels=limits.max_pixels,
        max_steps=limits.max_steps_per_request,
        max_prompt_tokens=limits.max_prompt_tokens,
        requests_per_minute=limits.requests_per_minute,
        steps_per_minute=limits.steps_per_minute,
        reply_seconds=limits.reply_seconds,
        image_hosts=tuple(network.image_host or ()),
        cors_origins=tuple(map(checked_origin, network.cors_origin or ())),
        allowed_hosts=tuple(map(checked_host, network.allowed_host or ())),
        trusted_proxies=tuple(map(checked_proxy, network.trusted_proxy or ())),
        root_path=checked_root_path(network.root_path),
    )


def engine_options(
    device: str | None, placement: Placement, *, model: ModelArguments, memory: MemoryArguments, limits: LimitArguments
) -> EngineOptions:
    """Return the options of an engine.

    Raises:
        InputError: If a specialist cannot be used.
    """
    return EngineOptions(
        device=device,
        dtype=model.dtype,
        limits=ServiceLimits(step_seconds=limits.step_seconds, max_batch=memory.max_batch),
        placement=placement,
        specialists=model.specialist_dirs(),
    )
