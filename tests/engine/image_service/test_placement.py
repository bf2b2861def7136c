from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from seedx_sdk import InputError
from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.engine.image_service import placement
from seedx_sdk.engine.image_service.placement import Placement, place, resolve_device
from seedx_sdk.errors import DeviceMemoryError
from seedx_sdk.model.detokenizer import Detokenizer

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def own_parts(parts: ModelParts) -> ModelParts:
    """A copy, since placing changes the parts."""
    return copy.deepcopy(parts)


def test_the_whole_model_gets_the_precision(own_parts: ModelParts) -> None:
    place(own_parts, Placement(dtype=torch.bfloat16), CPU)
    pipeline, lvlms = own_parts.detokenizer, (own_parts.lvlm, *own_parts.specialists.values())
    for module in (own_parts.visual_encoder, pipeline.unet, pipeline.vae, pipeline.resampler, *lvlms):
        assert {parameter.dtype for parameter in module.parameters()} == {torch.bfloat16}


def test_a_language_model_without_weights_stays_where_it_is() -> None:
    parts = load_directory(NANO, language_models=False)
    place(parts, Placement(dtype=torch.bfloat16), CPU)
    for lvlm in (parts.lvlm, *parts.specialists.values()):
        assert {parameter.device.type for parameter in lvlm.llm.parameters()} == {"meta"}
        projectors = [parameter for name, parameter in lvlm.named_parameters() if not name.startswith("llm.")]
        assert {(parameter.device, parameter.dtype) for parameter in projectors} == {(CPU, torch.bfloat16)}


def test_a_model_that_does_not_fit_is_a_typed_error(own_parts: ModelParts, monkeypatch: pytest.MonkeyPatch) -> None:
    def move(*_args: object, **_options: object) -> None:
        raise torch.OutOfMemoryError("too much")

    monkeypatch.setattr(own_parts.lvlm, "to", move)
    with pytest.raises(DeviceMemoryError, match="does not fit the memory of 'cpu'; use a smaller dtype"):
        place(own_parts, Placement(), CPU)


@pytest.mark.parametrize(("count", "default"), [(0, "cpu"), (2, "cuda")])
def test_devices_are_those_of_the_machine(count: int, default: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert resolve_device(None) == torch.device(default)
    assert resolve_device("cpu") == CPU
    if count:
        assert resolve_device("cuda:1") == torch.device("cuda:1")
    there = "cpu, cuda, cuda:0, cuda:1$" if count else "cpu; for a GPU, install"
    for name in ("cuda:3", "tpu", ""):
        with pytest.raises(InputError, match=f"there is no device '{name}'; this machine has {there}"):
            resolve_device(name)


def test_the_memory_format_does_not_change_the_prediction(own_parts: ModelParts, parts: ModelParts) -> None:
    place(own_parts, Placement(channels_last=True), CPU)
    assert own_parts.detokenizer.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert own_parts.detokenizer.vae.decoder.conv_in.weight.is_contiguous()  # norms are slower in the other format
    predictions = [_predicted(part.detokenizer) for part in (own_parts, parts)]
    torch.testing.assert_close(*predictions, atol=1e-4, rtol=1e-4)  # float32 sums in another order


def test_an_offloaded_encoder_gives_the_same_features(own_parts: ModelParts, parts: ModelParts) -> None:
    placement._offload(own_parts.visual_encoder, CPU)
    assert own_parts.visual_encoder.proj.device.type == "meta"  # its weights wait elsewhere
    pixels = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(own_parts.visual_encoder(pixels), parts.visual_encoder(pixels), atol=0, rtol=0)


def test_offloading_without_a_gpu_is_rejected(parts: ModelParts) -> None:
    with pytest.raises(InputError, match="set offload=False"):
        place(parts, Placement(offload=True), CPU)


@pytest.mark.parametrize(
    ("placement", "cure"),
    [
        (Placement(cuda_graphs=4), "CUDA graphs need a GPU and the device is 'cpu'; leave cuda_graphs out"),
        (Placement(prepared_sizes=((64, 64),)), "nothing to prepare on 'cpu'"),
        (Placement(prepared_batches=(1,)), "or set compile=True"),
    ],
)
def test_what_has_no_effect_on_a_cpu_is_rejected(placement: Placement, cure: str) -> None:
    with pytest.raises(InputError, match=cure):
        placement.check(CPU)
    dataclasses.replace(placement, cuda_graphs=None, compile=True).check(CPU)
    placement.check(GPU)


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"offload": True, "compile": True}, "choose one of the two"),
        ({"offload": True, "cuda_graphs": 1}, "choose one of the two"),
        ({"compile": True, "prepared_batches": ()}, "set prepared_batches="),
        ({"cuda_graphs": -1}, "must be 0 or more"),
        ({"prepared_batches": (0,)}, "and prepared_batches .0,. 1 or more"),
    ],
)
def test_options_that_exclude_each_other_are_rejected(options: dict[str, Any], cure: str) -> None:
    with pytest.raises(InputError, match=cure):
        Placement(**options)


def test_graphs_are_the_default_on_a_gpu_whose_weights_stay() -> None:
    assert [Placement().num_graphs(device) for device in (CPU, GPU)] == [0, 16]
    assert [Placement(cuda_graphs=count).num_graphs(GPU) for count in (0, 3)] == [0, 3]
    assert Placement(offload=True).num_graphs(GPU) == 0


@pytest.mark.parametrize(("largest", "batches"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_batches_are_prepared_up_to_the_largest(largest: int, batches: list[int]) -> None:
    assert Placement().batches(largest) == batches
    assert Placement(prepared_batches=(16, 1)).batches(largest) == sorted({1, largest})


def test_the_size_of_the_model_is_always_prepared() -> None:
    assert Placement(prepared_sizes=((96, 64), (128, 128))).sizes(128) == [(128, 128), (96, 64)]


def test_tiles_that_cannot_overlap_are_rejected() -> None:
    with pytest.raises(InputError, match="multiple of 64"):
        Placement(tile_side=100)


@torch.inference_mode()
def _predicted(pipeline: Detokenizer) -> Tensor:
    """Return what one step of the U-Net makes of noise."""
    embeds = torch.zeros(1, 64, pipeline.resampler.config["embedding_dim"])
    generator = torch.Generator().manual_seed(0)
    state = pipeline.begin(embeds, height=64, width=64, guidance_scale=1.0, generator=generator)
    state.step()
    return state.latents
