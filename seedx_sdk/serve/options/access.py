"""The options for API keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from pydantic import SecretStr

from seedx_sdk.errors import InputError
from seedx_sdk.http.api_keys import KEYS, read_keys
from seedx_sdk.serve.access.key_file import read_key_file
from seedx_sdk.serve.access.limits import Limits

__all__ = ["AccessArguments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessArguments:
    """Whose requests are answered."""

    TITLE: ClassVar = "API keys"

    api_keys_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file of API keys with names and limits; reloaded when it changes."),
    ] = None
    keys_everywhere: Annotated[
        bool, typer.Option("--keys-everywhere", help="/metrics and the OpenAPI document need an API key too.")
    ] = False

    def checked_keys(self, host: str) -> tuple[SecretStr, ...]:
        """Return the keys of the environment, after a look at the file of keys.

        Args:
            host: Address that the server will listen on.

        Raises:
            InputError: If the file cannot be used, or there are no keys and they are needed.
        """
        if self.api_keys_file is not None:
            read_key_file(self.api_keys_file, Limits())
        keys = read_keys(None if self.api_keys_file is not None else host)
        if self.keys_everywhere and not keys and self.api_keys_file is None:
            raise InputError(f"--keys-everywhere needs keys; set {KEYS}, or pass --api-keys-file")
        return keys
