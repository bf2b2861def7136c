"""What a caller may still use, as response headers with the names that OpenAI's API gives them."""

from __future__ import annotations

import math

from seedx_sdk.serve.access.callers import Caller

__all__ = ["USAGE_HEADERS", "usage_headers"]

_UNITS = ("requests", "images", "steps")
USAGE_HEADERS = tuple(f"x-ratelimit-{part}-{unit}" for unit in _UNITS for part in ("limit", "remaining", "reset"))
"""Their names."""


def usage_headers(caller: Caller) -> dict[str, str]:
    """Return the limit, the rest and the seconds to its renewal of each unit, in the window where least is left."""
    headers: dict[str, str] = {}
    for unit in _UNITS:
        windows = [usage for name, usage in caller.usage.items() if name.startswith(unit)]
        if windows:
            tightest = min(windows, key=lambda usage: usage.remaining)
            headers[f"x-ratelimit-limit-{unit}"] = str(tightest.limit)
            headers[f"x-ratelimit-remaining-{unit}"] = str(math.floor(tightest.remaining))
            headers[f"x-ratelimit-reset-{unit}"] = f"{math.ceil(tightest.reset_seconds)}s"
    return headers
