"""The keys of a server in the environment, which it needs where others can reach it."""

from __future__ import annotations

import os

from pydantic import SecretStr

from seedx_sdk.errors import InputError

__all__ = ["KEYS", "read_keys"]

KEYS = "SEEDX_API_KEYS"
"""The environment variable; commas stand between keys, and white space around them does not count."""


def read_keys(host: str | None) -> tuple[SecretStr, ...]:
    """Return the keys of a server that listens on `host`; None: it has further keys, and may listen anywhere.

    Raises:
        InputError: If there are none, and the host can be reached from other machines.
    """
    keys = tuple(SecretStr(key.strip()) for key in os.environ.get(KEYS, "").split(",") if key.strip())
    if not keys and host not in (None, "127.0.0.1", "localhost", "::1"):
        raise InputError(f"{host} can be reached by others; set {KEYS}, or listen on 127.0.0.1")
    return keys
