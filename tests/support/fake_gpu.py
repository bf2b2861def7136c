"""A GPU that is not there: tensors without values that know their device and refuse to mix with those of another.

    with fake_gpu(module):
        module(torch.randn(2, 3, device="cuda"))

It finds every device that is taken from the wrong place, and every wait for a value (`.item()`), without CUDA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode


@contextmanager
def fake_gpu(*modules: nn.Module) -> Iterator[None]:
    """Move modules to a fake GPU, for good, and make all tensors inside the block fake ones."""
    with FakeTensorMode(allow_non_fake_inputs=True), _WithoutDeviceGuard(), torch.no_grad():
        for module in (inner for outer in modules for inner in outer.modules()):
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    module._parameters[name] = nn.Parameter(_on_gpu(parameter), requires_grad=False)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = _on_gpu(buffer)
        yield


def with_real_timesteps(scheduler: Any) -> Any:
    """Return the scheduler, which computes its tables on the CPU and with values."""
    set_timesteps = scheduler.set_timesteps

    def on_cpu(count: int, device: torch.device) -> None:
        with unset_fake_temporarily():
            set_timesteps(count, device="cpu")
        scheduler.timesteps = scheduler.timesteps.to(device)

    scheduler.set_timesteps = on_cpu
    return scheduler


def _on_gpu(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")


class _WithoutDeviceGuard(TorchFunctionMode):
    """Replaces tensor methods that a torch without CUDA rejects even for fake tensors by operators."""

    def __torch_function__(
        self, function: Callable[..., Any], _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        on_gpu = bool(args) and isinstance(args[0], Tensor) and args[0].is_cuda
        if on_gpu and function is Tensor.__getitem__:
            return _index(*args)
        if on_gpu and function is Tensor.contiguous:
            return args[0].clone(memory_format=torch.contiguous_format)
        return function(*args, **(kwargs or {}))


def _index(tensor: Tensor, index: Any) -> Tensor:
    items = list(index) if isinstance(index, tuple) else [index]
    for place, item in enumerate(items):
        if item is Ellipsis:
            missing = tensor.ndim - sum(other is not None for other in items) + 1
            items[place : place + 1] = [slice(None)] * missing
            break
    dim = 0
    for item in items:
        if isinstance(item, int):
            tensor = tensor.select(dim, item)
            continue
        if item is None:
            tensor = tensor.unsqueeze(dim)
        elif isinstance(item, slice):
            tensor = torch.ops.aten.slice.Tensor(tensor, dim, item.start, item.stop, item.step or 1)
        else:
            tensor = torch.ops.aten.index.Tensor(tensor, [None] * dim + [torch.as_tensor(item)])
        dim += 1
    return tensor
