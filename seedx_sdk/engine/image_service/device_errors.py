"""Failures of a device, as errors for the caller who waits."""

from __future__ import annotations

import torch

from seedx_sdk.errors import DeviceMemoryError, ServiceError

__all__ = ["is_out_of_memory", "service_error"]

_TOO_LITTLE_MEMORY = ("can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED")
"""What plain errors say: torch's allocator on a CPU; CUDA, for graphs and code; cuBLAS and cuDNN."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device had too little memory."""
    by_message = isinstance(error, RuntimeError) and any(text in str(error) for text in _TOO_LITTLE_MEMORY)
    return by_message or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def service_error(what: str, cause: Exception) -> ServiceError:
    """Return a new error about `what` ("an image of 64x64") with this cause."""
    if is_out_of_memory(cause):
        error: ServiceError = DeviceMemoryError(
            f"{what} does not fit the device's memory; use a smaller image, or run the service with "
            "Placement(offload=True), a smaller tile_side or a smaller dtype"
        )
    else:
        error = ServiceError(f"{what} failed ({type(cause).__name__}: {cause}); retry")
    error.__cause__ = cause
    return error
