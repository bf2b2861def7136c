"""Host names and origins, as browsers send them and as options name them."""

from __future__ import annotations

import ipaddress
import re

from seedx_sdk.errors import InputError

__all__ = ["checked_host", "checked_origin", "host_name", "is_local", "origin_host"]

_HOST = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def host_name(host: str) -> str | None:
    """Return the name in a Host header, in lower case and without a dot at its end; None if it is malformed."""
    match = _HOST.fullmatch(host)
    return match[1].lower().strip("[]").removesuffix(".") if match else None


def origin_host(origin: str) -> str | None:
    """Return the name in an Origin header; None if it is malformed, or not of a page of HTTP."""
    scheme, separator, host = origin.partition("://")
    return host_name(host) if separator and scheme.lower() in _DEFAULT_PORTS else None


def is_local(name: str) -> bool:
    """Return whether a host name always leads to this machine."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def checked_host(host: str) -> str:
    """Return a host name that an option allows.

    Raises:
        InputError: If it is none; the message names the cure.
    """
    name = host_name(host)
    if name is None:
        raise InputError(f"allowed host {host!r} is no host name; use one such as my.laptop, without http:// and path")
    return name


def checked_origin(origin: str) -> str:
    """Return an origin that an option allows, as browsers write it; "*" is any.

    Raises:
        InputError: If it is none; the message names the cure.
    """
    if origin == "*":
        return origin
    scheme, _, host = origin.removesuffix("/").lower().partition("://")
    match = _HOST.fullmatch(host)
    if match is None or not re.fullmatch("[a-z][a-z0-9+.-]*", scheme):
        raise InputError(f"CORS origin {origin!r} is no origin; use one such as https://app.example, without a path")
    return f"{scheme}://{match[1] if match[2] == _DEFAULT_PORTS.get(scheme) else host}"
