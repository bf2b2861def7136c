"""Formats of training data, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seedx_finetune.data.formats.base import Format
from seedx_finetune.errors import DataError

__all__ = ["FORMATS", "make_format"]

FORMATS: dict[str, Callable[..., Format]] = {}
"""Called with the options of a source as keyword arguments."""


def make_format(name: str, options: dict[str, Any]) -> Format:
    """Return a format with its options."""
    if name not in FORMATS:
        raise DataError(f"format {name!r} is unknown; use one of {', '.join(FORMATS)}")
    return FORMATS[name](**options)
