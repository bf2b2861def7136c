from __future__ import annotations

import copy

import pytest
import torch

from seedx_sdk import InputError
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service import placement
from seedx_sdk.engine.image_service.placement import Placement, place

CPU = torch.device("cpu")


@pytest.fixture
def own_parts(parts: ModelParts) -> ModelParts:
    """A copy, since placing changes the parts."""
    return copy.deepcopy(parts)


def test_everything_but_the_language_models_gets_the_precision(own_parts: ModelParts) -> None:
    place(own_parts, Placement(dtype=torch.bfloat16), CPU)
    pipeline = own_parts.detokenizer
    for module in (own_parts.visual_encoder, pipeline.unet, pipeline.vae, pipeline.resampler):
        assert {parameter.dtype for parameter in module.parameters()} == {torch.bfloat16}
    for lvlm in (own_parts.lvlm, *own_parts.specialists.values()):
        assert {parameter.dtype for parameter in lvlm.llm.parameters()} == {torch.float32}
        around = [parameter for name, parameter in lvlm.named_parameters() if not name.startswith("llm.")]
        assert {parameter.dtype for parameter in around} == {torch.bfloat16}


def test_the_memory_format_does_not_change_the_prediction(own_parts: ModelParts, parts: ModelParts) -> None:
    place(own_parts, Placement(channels_last=True), CPU)
    assert own_parts.detokenizer.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    latents = torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        pictures = [part.detokenizer.decode_latents(latents) for part in (own_parts, parts)]
    torch.testing.assert_close(*pictures, atol=1e-4, rtol=1e-4)  # float32 sums in another order


def test_an_offloaded_encoder_gives_the_same_features(own_parts: ModelParts, parts: ModelParts) -> None:
    placement._offload(own_parts.visual_encoder, CPU)
    assert own_parts.visual_encoder.proj.device.type == "meta"  # its weights wait elsewhere
    pixels = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(own_parts.visual_encoder(pixels), parts.visual_encoder(pixels), atol=0, rtol=0)


def test_offloading_without_a_gpu_is_refused(parts: ModelParts) -> None:
    with pytest.raises(InputError, match="set offload=False"):
        place(parts, Placement(offload=True), CPU)


def test_tiles_that_cannot_overlap_are_refused() -> None:
    with pytest.raises(InputError, match="multiple of 64"):
        Placement(tile_side=100)
