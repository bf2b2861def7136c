"""How the memory of a GPU is divided, and what is said where it is too small; no GPU is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedx_sdk.checkpoints.info import read_sizes
from seedx_sdk.checkpoints.memory_fit import GPU_GB, check_fit, fitting_options, flags, memory_table
from seedx_sdk.checkpoints.memory_plan import GB, MemoryOptions, MemoryPlan
from seedx_sdk.checkpoints.model_sizes import RELEASED
from seedx_sdk.engine import NANO
from seedx_sdk.errors import DeviceMemoryError, InputError


def needed(**options: Any) -> float:
    return MemoryPlan.make(RELEASED, MemoryOptions(**options)).needed / GB


def test_what_saves_memory_needs_less() -> None:
    assert needed(offload=True) < needed(max_batch=1) < needed() < needed(dtype="float32")
    assert needed(quantization="fp8") < needed(max_model_len=1024) < needed()
    assert needed(enforce_eager=True, tile_side=512, max_batch=1) < needed(max_batch=1)
    assert needed(llm_on="elsewhere") < needed(quantization="fp8")
    assert needed(cuda_graphs=0) < needed(cuda_graphs=1) < needed()
    assert needed(cuda_graphs=0, offload=True) == needed(offload=True)


def test_what_the_language_model_takes() -> None:
    """13.0 billion parameters in 16 bits; in 8 bits all but the embeddings and the norms."""
    plan, in_8_bits = (MemoryPlan.make(RELEASED, MemoryOptions(quantization=q)) for q in (None, "fp8"))
    assert (plan.llm_weights, plan.llm_weights - in_8_bits.llm_weights) == (2 * 13_019_243_520, 40 * 317_194_240)
    assert plan.kv_cache_per_token == 819_200 and plan.kv_cache_needed == 4096 * 819_200
    assert MemoryPlan.make(RELEASED, MemoryOptions(tensor_parallel_size=2)).llm_weights == 13_019_243_520
    assert MemoryPlan.make(RELEASED, MemoryOptions(llm_on="elsewhere")).needed == plan.image_service


def test_specialists_take_adapters_on_vllm_and_models_on_transformers() -> None:
    two = replace(RELEASED, ranks=(32, 8))

    def added(llm_on: Any) -> float:
        options = MemoryOptions(llm_on=llm_on)
        return (MemoryPlan.make(two, options).needed - MemoryPlan.make(RELEASED, options).needed) / GB

    assert 1.5 < added("vllm") < 2  # three slots of rank 32, and two pairs of projectors
    assert added("transformers") == pytest.approx(2 * (2 * 13.019 + 2 * 0.215), rel=0.01)


def test_keys_and_values_get_what_is_left() -> None:
    plan = MemoryPlan.make(RELEASED, MemoryOptions(), 80 * GB)
    assert plan.kv_cache == 80 * GB - plan.image_service - plan.llm_weights - plan.llm_working
    assert plan.kv_tokens == plan.kv_cache // 819_200 > 39_000
    given = MemoryPlan.make(RELEASED, MemoryOptions(kv_cache_bytes=5 * GB), 80 * GB)
    assert given.kv_cache == 5 * GB
    assert "KV cache of 6,103 tokens 5.00" in str(given) and "80.0 available" in str(given)


def test_every_gpu_has_options() -> None:
    rows = memory_table()
    assert all(row.needed_gb <= row.gpu_gb for row in rows)
    for beside_llm in (False, True):
        assert {row.gpu_gb for row in rows if row.beside_llm is beside_llm} == set(GPU_GB)
    beside = {row.gpu_gb: row.options for row in reversed(rows) if row.beside_llm}
    assert "--quantization fp8" in beside[24] and "--offload" in beside[24]
    assert beside[40] == "--quantization fp8" and beside[80] == beside[141] == ""


def test_the_documented_table_is_the_computed_one() -> None:
    written = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text(encoding="utf-8")
    rows = [
        f"| {r.gpu_gb} | {'yes' if r.beside_llm else 'no'} | {f'`{r.options}`' if r.options else ''} "
        f"| {r.max_batch} | {r.needed_gb} | {f'{r.kv_tokens:,}' if r.beside_llm else ''} |".replace("|  |", "| |")
        for r in memory_table()
    ]
    assert "|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n" in written


def test_a_gpu_without_8_bits_is_told_of_other_options() -> None:
    with pytest.raises(DeviceMemoryError) as caught:
        check_fit(RELEASED, MemoryOptions(), 40 * GB, name="model", has_fp8=False)
    assert "--max-batch 4 --offload" in str(caught.value) and "fp8" not in str(caught.value)


def test_what_fits_is_planned() -> None:
    assert check_fit(RELEASED, MemoryOptions(), 80 * GB, name="model").fits
    assert fitting_options(RELEASED, MemoryOptions(), 80 * GB) == [MemoryOptions()]


@pytest.mark.parametrize(
    ("gpu_gb", "options", "cures"),
    [
        (24, {}, ["--quantization fp8 --max-model-len 2048 --max-batch 1 --offload --tile-side 512"]),
        (40, {}, ["--quantization fp8", "--max-batch 4 --offload"]),
        (48, {"dtype": "float32"}, ["--dtype bfloat16"]),
        (30, {"llm_on": "transformers"}, []),
    ],
)
def test_what_does_not_fit_is_told_with_its_cures(gpu_gb: int, options: dict[str, Any], cures: list[str]) -> None:
    with pytest.raises(DeviceMemoryError) as caught:
        check_fit(RELEASED, MemoryOptions(**options), gpu_gb * GB, name="seed-x-17b")
    message = str(caught.value)
    assert message.startswith("seed-x-17b needs ") and f"{gpu_gb}.0 GB are free" in message
    assert all(cure in message for cure in cures)
    assert bool(cures) or "use a larger GPU" in message


def test_no_cure_holds_another() -> None:
    found = [set(flags(options).split(" --")) for options in fitting_options(RELEASED, MemoryOptions(), 40 * GB)]
    assert len(found) > 1 and not any(a < b for a in found for b in found)


def test_a_cache_that_is_too_small_for_one_conversation() -> None:
    options = MemoryOptions(kv_cache_bytes=GB)
    with pytest.raises(InputError, match=r"--kv-cache-gb 1 holds 1,220 tokens.* use 3\.36 or more, or --max-model-len"):
        check_fit(RELEASED, options, 80 * GB, name="model")
    check_fit(RELEASED, replace(options, max_model_len=1220), 80 * GB, name="model")


def test_sizes_are_read_from_a_directory() -> None:
    sizes = read_sizes(NANO)
    assert (sizes.ranks, sizes.llm_bytes, sizes.branches, sizes.max_tokens) == ((32,), 2, 3, 2048)
    assert sizes.llm_matrices == 6 * (4 * 256**2 + 3 * 256 * 704)
    assert read_sizes(NANO, {"story": NANO / "specialists" / "edit"}).ranks == (32, 32)
