"""Errors of training, below those of the SDK."""

from __future__ import annotations

from seedx_sdk.errors import InputError

__all__ = ["ConfigError", "DataError"]


class ConfigError(InputError):
    """A recipe, or a setting of it, cannot be trained."""


class DataError(InputError):
    """A source of samples, or a record of it, cannot be used as it stands."""
