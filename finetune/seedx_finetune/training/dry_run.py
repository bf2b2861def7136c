"""A forward and a backward pass on the meta device, where tensors have shapes and no numbers.

The code that trains is run as it is; what it computes, and what would be in memory, is counted call by call.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from seedx_finetune.training.precision import autocast

__all__ = ["Work", "dry_run"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a forward and a backward pass take."""

    flops: int
    """Floating-point operations of matrix products, convolutions and attention, without what is computed twice."""
    recomputed_flops: int
    """Those of the forward passes that the backward pass repeats."""
    kept: int
    """Bytes that the forward pass leaves for the backward pass."""
    peak: int
    """Most bytes at any time, beside what is in memory anyway and the gradients of parameters."""


def dry_run(forward: Callable[[], Tensor], resident: Iterable[Tensor], dtype: torch.dtype) -> Work:
    """Return what a forward pass on the meta device takes, with the backward pass from the scalar that it returns.

    Attention is counted as a fused kernel, which the meta device lacks.

    Args:
        forward: Computes the loss, in mixed precision within `precision.autocast`.
        resident: Parameters, buffers and all else that is in memory anyway. Gradients of parameters are dropped as soon
            as they are complete.
        dtype: Of the computation.
    """
    held = list(resident)
    meter = _Meter(held)
    with ExitStack() as stack:
        for tensor in held:
            if tensor.requires_grad:
                hook = tensor.register_post_accumulate_grad_hook(_drop_gradient)  # type: ignore[no-untyped-call]
                stack.callback(hook.remove)
        stack.enter_context(_FusedAttention())
        stack.enter_context(meter)
        edge = get_gradient_edge(forward())
        kept, meter.in_backward = meter.now, True
        stack.enter_context(autocast(torch.device("meta"), dtype))  # as checkpoints restore it on other devices
        torch.autograd.backward(edge)  # of an edge: for a tensor, torch would leave the modes
    return Work(meter.flops, meter.recomputed_flops, kept, meter.peak)


def _drop_gradient(parameter: Tensor) -> None:
    parameter.grad = None


class _Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations, and the bytes of the storages that are alive."""

    def __init__(self, resident: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = self.flops = self.recomputed_flops = 0
        self.in_backward = False
        self._seen = {tensor.untyped_storage()._cdata for tensor in resident}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            flops = formula(*args, **(kwargs or {}), out_val=out)
            if self.in_backward and torch.is_grad_enabled():
                self.recomputed_flops += flops
            else:
                self.flops += flops
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._count(leaf.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._seen:
            self._seen.add(storage._cdata)
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, storage._cdata, storage.nbytes())

    def _forget(self, key: int, size: int) -> None:
        self._seen.remove(key)
        self.now -= size


class _FusedAttention(TorchFunctionMode):
    """Runs CUDA's fused attention, where the meta device would build its matrix of weights."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            return _attention(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    if attn_mask is not None:
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    flash = torch.ops.aten._scaled_dot_product_flash_attention
    return flash(query, key, value, dropout_p, is_causal, return_debug_mask=False, scale=scale)[0]
