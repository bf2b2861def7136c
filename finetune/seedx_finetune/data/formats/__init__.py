"""Formats of training data, by name."""

from __future__ import annotations

from collections.abc import Callable

from seedx_finetune.data.formats.base import Format

__all__ = ["FORMATS"]

FORMATS: dict[str, Callable[..., Format]] = {}
"""Called with the options of a source as keyword arguments."""
