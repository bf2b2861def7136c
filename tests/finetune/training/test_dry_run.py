from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.checkpoint import checkpoint

from seedx_finetune.training.dry_run import Work, dry_run
from seedx_finetune.training.precision import autocast

ROWS, WIDTH, HIDDEN, LAYERS = 64, 32, 48, 5
META = torch.device("meta")


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, HIDDEN)
        self.down = nn.Linear(HIDDEN, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.down(F.gelu(self.up(self.norm(x))))
        return result


def layers(device: torch.device, *, checkpointed: bool) -> nn.Sequential:
    with device:
        model = nn.Sequential(*(Layer() for _ in range(LAYERS)))
    for layer in model:
        if checkpointed:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
    return model


def work(model: nn.Module, forward: Callable[[nn.Module], Tensor], dtype: torch.dtype = torch.float32) -> Work:
    return dry_run(lambda: forward(model), [*model.parameters(), *model.buffers()], dtype)


def square_sum(model: nn.Module, x: Tensor) -> Tensor:
    result: Tensor = model(x).square().sum()
    return result


def test_each_matrix_product_is_counted_once_forward_and_twice_backward() -> None:
    model = layers(META, checkpointed=False)
    x = torch.empty(ROWS, WIDTH, device=META)
    forward = 2 * ROWS * LAYERS * 2 * WIDTH * HIDDEN
    assert work(model, lambda model: square_sum(model, x)).flops == 3 * forward


def test_a_frozen_layer_needs_no_gradient_of_its_weights() -> None:
    model = layers(META, checkpointed=False).requires_grad_(False)
    x = torch.empty(ROWS, WIDTH, device=META, requires_grad=True)
    forward = 2 * ROWS * LAYERS * 2 * WIDTH * HIDDEN
    assert work(model, lambda model: square_sum(model, x)).flops == 2 * forward


def test_what_checkpoints_compute_again_is_counted_apart() -> None:
    x = torch.empty(ROWS, WIDTH, device=META)
    plain, checkpointed = (
        work(layers(META, checkpointed=flag), lambda model: square_sum(model, x)) for flag in (False, True)
    )
    assert plain.recomputed_flops == 0
    assert checkpointed.flops == plain.flops
    assert checkpointed.recomputed_flops == plain.flops // 3 // 2  # of two products, nothing needs that of the last


def test_checkpoints_keep_the_inputs_of_layers_alone() -> None:
    x = torch.empty(ROWS, WIDTH, device=META)
    kept = work(layers(META, checkpointed=True), lambda model: square_sum(model, x)).kept
    assert kept == LAYERS * ROWS * WIDTH * 4  # the inputs of all layers but the first, and what is squared


@pytest.mark.parametrize("checkpointed", [False, True])
def test_the_peak_is_what_the_allocator_gives_out_on_a_cpu(checkpointed: bool) -> None:
    x = torch.empty(ROWS, WIDTH, device=META)
    planned = work(layers(META, checkpointed=checkpointed), lambda model: square_sum(model, x)).peak
    model = layers(torch.device("cpu"), checkpointed=checkpointed)
    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(drop)  # type: ignore[no-untyped-call]
    values = torch.randn(ROWS, WIDTH)
    square_sum(model, values).backward()  # type: ignore[no-untyped-call]
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        square_sum(model, values).backward()  # type: ignore[no-untyped-call]
    now = peak = 0
    for event in sorted(profiler.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    assert planned == pytest.approx(peak, rel=0.02)


def drop(parameter: Tensor) -> None:
    parameter.grad = None


def test_attention_keeps_no_matrix_of_weights() -> None:
    heads, tokens, width = 4, 512, 16
    q = torch.empty(1, heads, tokens, width, device=META, requires_grad=True)
    found = dry_run(lambda: F.scaled_dot_product_attention(q, q, q, is_causal=True).sum(), [q], torch.float32)
    assert found.peak < 4 * heads * tokens * tokens
    assert found.flops == (2 + 5) * 2 * heads * tokens * tokens * width  # two products forward, five backward


def test_mixed_precision_gives_the_types_of_autocast() -> None:
    layer = layers(META, checkpointed=True)[0]
    assert isinstance(layer, Layer)
    with autocast(META, torch.bfloat16):
        normed = layer.norm(torch.empty(ROWS, WIDTH, device=META, dtype=torch.bfloat16))
        assert (normed.dtype, layer.up(normed).dtype) == (torch.float32, torch.bfloat16)
        assert (normed @ normed.T).dtype == torch.bfloat16
    assert layer.up(normed).dtype == torch.float32
    with autocast(META, torch.float32):
        assert layer.up(normed).dtype == torch.float32


def test_mixed_precision_lasts_through_the_backward_pass() -> None:
    x = torch.empty(ROWS, WIDTH, device=META)

    def forward(model: nn.Module) -> Tensor:
        with autocast(META, torch.bfloat16):
            return square_sum(model, x)

    whole, half = (work(layers(META, checkpointed=False), forward, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert whole == half
