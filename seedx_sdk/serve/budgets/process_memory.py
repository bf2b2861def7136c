"""Memory of the process that goes back to the machine after a peak; of glibc, elsewhere nothing is done."""

from __future__ import annotations

import ctypes
from functools import cache

__all__ = ["keep_memory_small", "return_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
_MMAP_BYTES = 4 << 20
"""A block of so many bytes, such as those of images and request bodies, has pages of its own and goes back when it is
freed. glibc raises this to 32 MB as it goes, and then keeps the blocks of threads that have long ended."""


def keep_memory_small() -> None:
    """Give back large blocks as soon as they are freed, from now on."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _MMAP_BYTES)


def return_memory() -> None:
    """Give back what is free now, also between blocks in use; takes milliseconds."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process, if it is glibc."""
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
