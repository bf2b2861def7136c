"""Failures of a device, as errors for the caller who waits."""

from __future__ import annotations

import torch

from seedx_sdk.errors import DeviceMemoryError, ServiceError

__all__ = ["is_out_of_memory", "service_error"]


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device had too little memory."""
    # torch has a type for GPUs; its CPU allocator raises a plain RuntimeError.
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


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
