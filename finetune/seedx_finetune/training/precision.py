"""Mixed precision on every device, also on the meta device, where `torch.autocast` does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

__all__ = ["autocast"]

LOWER = frozenset({
    F.linear, F.conv2d, F.scaled_dot_product_attention,
    torch.matmul, torch.bmm, torch.baddbmm, Tensor.matmul, Tensor.__matmul__, Tensor.bmm,
})  # fmt: skip
"""What autocast computes in the lower precision, of all that our models call."""
FLOAT32 = frozenset({
    F.layer_norm, F.group_norm, F.softmax, Tensor.softmax, torch.softmax, F.cross_entropy, F.mse_loss,
})  # fmt: skip
"""What autocast computes in float32. Source of both: the op reference of torch.amp, for CUDA."""


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Return a context in which float32 weights compute in another type; for float32, one that changes nothing.

    On the meta device, types are those that autocast gives on CUDA.

    Args:
        device: The model's.
        dtype: Of the computation.
    """
    if dtype == torch.float32:
        return nullcontext()
    return _MetaAutocast(dtype) if device.type == "meta" else torch.autocast(device.type, dtype)


class _MetaAutocast(TorchFunctionMode):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype
        self._casts: dict[int, Tensor] = {}
        """Of parameters, as autocast keeps them to its end."""

    def __exit__(self, *exception: Any) -> None:
        self._casts.clear()
        super().__exit__(*exception)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in LOWER:
            args, kwargs = tree_map_only(Tensor, self._lowered, (args, kwargs))
        elif func in FLOAT32:
            args, kwargs = tree_map_only(Tensor, _in_float32, (args, kwargs))
        return func(*args, **kwargs)

    def _lowered(self, tensor: Tensor) -> Tensor:
        if tensor.dtype != torch.float32:
            return tensor
        if not (tensor.is_leaf and tensor.requires_grad):
            return tensor.to(self._dtype)
        if id(tensor) not in self._casts:
            self._casts[id(tensor)] = tensor.to(self._dtype)
        return self._casts[id(tensor)]


def _in_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
