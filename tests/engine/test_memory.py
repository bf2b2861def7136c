"""What an engine asks of a GPU before it loads a model: the GPU is one that is not there."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

import torch

from seedx_sdk.checkpoints.memory_plan import CONTEXT, GB, MemoryOptions
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.local import EngineOptions, open_local
from seedx_sdk.engine.memory import plan_memory, with_planned_share
from seedx_sdk.errors import DeviceMemoryError, InputError


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The free bytes of a GPU of 24 GB, to be changed."""
    free = [20 * GB]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (free[0], 24 * GB))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 9))
    return free


def test_images_are_set_aside_before_vllm_takes_the_rest(free: list[int]) -> None:
    options, vllm = EngineOptions(), VLLMOptions()
    plan = plan_memory(NANO, options, vllm)
    share = with_planned_share(vllm, plan, torch.device("cuda")).memory_share
    assert share is not None
    left = free[0] - share * 24 * GB
    assert left == pytest.approx(plan.image_service + CONTEXT) and plan.image_service > CONTEXT
    assert share * 24 * GB == pytest.approx(plan.llm_weights + plan.llm_working - CONTEXT + plan.kv_cache)
    named = VLLMOptions(memory_share=0.5)
    assert with_planned_share(named, plan, torch.device("cuda")) is named


@pytest.mark.usefixtures("free")
def test_a_gpu_is_the_default_in_bfloat16() -> None:
    options = EngineOptions()
    assert (options.torch_device.type, options.torch_dtype) == ("cuda", torch.bfloat16)
    in_16_bits, in_32_bits = (plan_memory(NANO, EngineOptions(dtype=d), None) for d in (None, "float32"))
    assert in_32_bits.image_weights == 2 * in_16_bits.image_weights
    assert in_32_bits.llm_weights == 2 * in_16_bits.llm_weights


@pytest.mark.usefixtures("free")
def test_8_bits_are_refused_before_loading_on_a_gpu_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    quantized = VLLMOptions(quantization="fp8")
    plan_memory(NANO, EngineOptions(), quantized)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 0))  # an A100
    with pytest.raises(InputError, match="8.9 or later.*leave it out"):
        plan_memory(NANO, EngineOptions(), quantized)
    plan_memory(NANO, EngineOptions(), VLLMOptions())


@pytest.mark.usefixtures("free")
def test_the_documented_table_is_computed_from_the_defaults_of_an_engine() -> None:
    assert plan_memory(NANO, EngineOptions(), VLLMOptions()).options == MemoryOptions()


@pytest.mark.usefixtures("free")
def test_batches_and_offloading_change_the_plan() -> None:
    plan = plan_memory(NANO, EngineOptions(), None)
    alone = plan_memory(NANO, EngineOptions(limits=ServiceLimits(max_batch=1)), None)
    offloaded = plan_memory(NANO, EngineOptions(placement=Placement(offload=True)), None)
    assert alone.image_working < plan.image_working and offloaded.image_weights < plan.image_weights


async def test_what_does_not_fit_is_refused_before_it_is_loaded(
    free: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    free[0] = GB
    monkeypatch.setattr("seedx_sdk.engine.local.load_directory", lambda *_args, **_kwargs: pytest.fail("it was loaded"))
    with pytest.raises(DeviceMemoryError, match=r"nano needs 1\.\d GB of GPU memory and 1\.0 GB are free"):
        async with open_local(NANO):
            pass


async def test_the_plan_is_logged_and_measured(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "seedx"):
        async with open_local(NANO, EngineOptions(device="cpu")) as engine:
            plan = engine.metrics.memory
    assert plan is not None and plan.gpu is None
    assert f"memory plan: {plan}" in caplog.text
    assert (
        plan.image_weights == 2 * plan_memory(NANO, EngineOptions(device="cpu", dtype="bfloat16"), None).image_weights
    )
