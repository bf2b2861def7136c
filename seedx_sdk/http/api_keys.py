"""The keys of a server: read from the environment, needed where others can reach it, compared in constant time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence

from pydantic import SecretStr

from seedx_sdk.errors import InputError

__all__ = ["KEYS", "matching_key", "read_keys"]

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


def matching_key(authorization: str, keys: Sequence[SecretStr]) -> int | None:
    """Return the index in `keys` of the key in an `Authorization: Bearer KEY` header; None if it has none of them.

    Every key is compared, in constant time, so that time tells nothing about any of them.
    """
    scheme, _, key = authorization.partition(" ")
    matches = [secrets.compare_digest(key.encode(), allowed.get_secret_value().encode()) for allowed in keys]
    return matches.index(True) if scheme.lower() == "bearer" and any(matches) else None
