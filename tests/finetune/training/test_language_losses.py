"""The cross-entropy that never holds all logits, and the distance of image features."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seedx_finetune.training.losses import next_token_losses, regression_losses


def _case(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(300, 32, generator=generator).to(dtype).requires_grad_()
    head = (0.3 * torch.randn(500, 32, generator=generator)).requires_grad_()
    return hidden, head, torch.randint(0, 500, (300,), generator=generator)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 0.02)])
def test_cross_entropy_and_gradients_are_the_plain_ones(dtype: torch.dtype, tolerance: float) -> None:
    hidden, head, targets = _case(dtype)
    ours = next_token_losses(hidden, head, targets)
    ours_gradients = torch.autograd.grad(ours.sum(), (hidden, head))
    expected = F.cross_entropy(F.linear(hidden.float(), head), targets, reduction="none")
    gradients = torch.autograd.grad(expected.sum(), (hidden, head))
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.sum(), expected.sum(), rtol=min(tolerance, 1e-3), atol=0)
    for one, other in zip(ours_gradients, gradients, strict=True):
        assert one.dtype == other.dtype
        assert float((one.float() - other.float()).norm() / other.float().norm()) < tolerance


def test_losses_without_gradients_are_exact_whatever_the_type() -> None:
    hidden, head, targets = _case(torch.bfloat16)
    with torch.no_grad():
        ours = next_token_losses(hidden, head, targets)
    torch.testing.assert_close(ours, F.cross_entropy(F.linear(hidden.float(), head), targets, reduction="none"))


MEASURE = """
import re, torch
from pathlib import Path
from torch.nn import functional as F
from seedx_finetune.training.losses import next_token_losses

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

torch.set_num_threads(1)
tokens, width, vocabulary = 3072, 256, 32330
hidden = torch.randn(tokens, width, requires_grad=True)
head = (0.05 * torch.randn(vocabulary, width)).requires_grad_()
targets = torch.randint(0, vocabulary, (tokens,))
F.cross_entropy(F.linear(hidden[:8], head), targets[:8]).backward()  # what torch needs once, and both gradients
before = peak()
next_token_losses(hidden, head, targets).sum().backward()
print((peak() - before) / (tokens * vocabulary * 4))
"""


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from Linux's /proc")
def test_the_loss_needs_less_than_half_of_the_logits_memory() -> None:
    measured = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    assert 0 < float(measured.stdout) < 0.5, measured.stdout


def test_regression_is_a_mean_for_each_image() -> None:
    predicted, target = torch.randn(3, 4, 5), torch.randn(3, 4, 5)
    mse = regression_losses(predicted.bfloat16(), target, "mse")
    assert mse.dtype == torch.float32
    torch.testing.assert_close(mse.mean(), F.mse_loss(predicted.bfloat16().float(), target))
    cosine = regression_losses(predicted, 2 * predicted, "cosine")
    torch.testing.assert_close(cosine, torch.zeros(3), rtol=0, atol=1e-6)
