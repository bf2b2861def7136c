"""Returns freed memory to the system after a peak; does nothing without glibc."""

from __future__ import annotations

import ctypes
from functools import cache

__all__ = ["keep_memory_small", "return_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
_MMAP_BYTES = 4 << 20
"""Larger blocks, such as images and request bodies, are mapped on their own and returned when they are freed. Otherwise
glibc raises this threshold to 32 MB at run time, and then keeps the blocks of threads that ended long ago."""


def keep_memory_small() -> None:
    """Return large blocks to the system as soon as they are freed, from now on."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _MMAP_BYTES)


def return_memory() -> None:
    """Return free memory to the system now, also between blocks in use; takes milliseconds."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process, if it is glibc."""
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
