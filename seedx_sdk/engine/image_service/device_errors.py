"""What went wrong on the device, as an error for the one who waits."""

from __future__ import annotations

import torch

from seedx_sdk.errors import DeviceMemoryError, ServiceError

__all__ = ["is_out_of_memory", "service_error"]


def is_out_of_memory(failure: Exception) -> bool:
    """Whether the device had too little memory."""
    # torch has a type for GPUs; its CPU allocator raises a plain RuntimeError.
    return isinstance(failure, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(failure)


def service_error(what: str, failure: Exception) -> ServiceError:
    """Returns a new error about `what` ("a picture of 64x64"), caused by `failure`."""
    if is_out_of_memory(failure):
        error: ServiceError = DeviceMemoryError(
            f"{what} does not fit the device's memory; use a smaller picture, or run the service with "
            "Placement(offload=True), a smaller tile_side or a smaller dtype"
        )
    else:
        error = ServiceError(f"{what} failed ({type(failure).__name__}: {failure}); try again")
    error.__cause__ = failure
    return error
