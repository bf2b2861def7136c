from __future__ import annotations

import pytest
import torch

from seedx_sdk.model.config import ResamplerConfig
from seedx_sdk.model.resampler import Resampler


def test_without_kv_dim_the_inputs_have_the_width_of_the_outputs() -> None:
    config = ResamplerConfig.from_dict({"grid_size": 2, "embed_dim": 8, "num_heads": 2, "kv_dim": None})
    assert (config.input_dim, ResamplerConfig.from_dict(config.to_dict())) == (8, config)
    assert ResamplerConfig(grid_size=2, embed_dim=8, num_heads=2, kv_dim=12).input_dim == 12
    module = Resampler(config)
    assert "kv_proj.weight" not in module.state_dict()
    other = Resampler(ResamplerConfig(grid_size=2, embed_dim=8, num_heads=2, kv_dim=8))
    other.load_state_dict(module.state_dict())
    tokens = torch.randn(3, 9, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module(tokens), other(tokens), rtol=0, atol=0)
    assert module(tokens).shape == (3, 4, 8)


def test_widths_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="embed_dim 10 must be a multiple of 4 and of num_heads 2"):
        ResamplerConfig(grid_size=2, embed_dim=10, num_heads=2)
