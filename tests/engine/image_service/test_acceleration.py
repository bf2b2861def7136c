"""What a service prepares before it starts, and what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.acceleration import prepared_batches
from seedx_sdk.engine.image_service.compiled import CompiledModules
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.errors import ServiceError, SizeError
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.testing.tiny import tiny_detokenizer

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def shapes(batches: list[list[ImageJob]]) -> list[tuple[int, int, int, bool]]:
    return [(len(jobs), jobs[0].width, jobs[0].height, jobs[0].condition is not None) for jobs in batches]


def test_the_largest_batch_is_prepared_first(parts: ModelParts) -> None:
    placement = Placement(prepared_sizes=((64, 128),), prepared_batches=(1, 4))
    assert shapes(prepared_batches(parts, placement, GPU, max_batch=4)) == [
        (4, 128, 128, True),
        (4, 128, 128, False),
        (4, 64, 128, True),
        (4, 64, 128, False),
        (1, 128, 128, True),
        (1, 128, 128, False),
        (1, 64, 128, True),
        (1, 64, 128, False),
    ]


def test_larger_images_are_prepared_in_batches_of_as_many_pixels(parts: ModelParts) -> None:
    placement = Placement(prepared_sizes=((128, 256), (256, 256)), prepared_batches=(1, 4))
    found = [shape[:3] for shape in shapes(prepared_batches(parts, placement, GPU, max_batch=4)) if shape[3]]
    assert found == [(4, 128, 128), (2, 128, 256), (1, 256, 256), (1, 128, 256), (1, 128, 128)]


def test_no_more_is_prepared_than_there_are_graphs(parts: ModelParts) -> None:
    few = prepared_batches(parts, Placement(cuda_graphs=2), GPU, max_batch=8)
    assert shapes(few) == [(1, 128, 128, True), (1, 128, 128, False)]
    compiled = prepared_batches(parts, Placement(cuda_graphs=2, compile=True), GPU, max_batch=8)
    assert [len(jobs) for jobs in compiled] == [8, 8, 4, 4, 2, 2, 1, 1]


def test_nothing_is_prepared_where_nothing_would_be_faster(parts: ModelParts) -> None:
    for placement, device in (
        (Placement(), CPU),
        (Placement(offload=True), GPU),
        (Placement(cuda_graphs=0), GPU),
        (Placement(prepared_batches=()), GPU),
    ):
        assert prepared_batches(parts, placement, device, max_batch=8) == []


def test_a_prepared_size_must_be_possible(parts: ModelParts) -> None:
    with pytest.raises(SizeError, match="use 96x128"):
        prepared_batches(parts, Placement(prepared_sizes=((100, 128),)), GPU, max_batch=8)


def test_a_service_that_cannot_prepare_does_not_start(parts: ModelParts) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no compiler")

    async def test() -> None:
        unet = parts.detokenizer.unet
        hook = unet.register_forward_pre_hook(fail)
        try:
            with pytest.raises(ServiceError, match="preparing the de-tokenizer failed .RuntimeError: no compiler"):
                async with LocalImageService(parts, placement=Placement(compile=True, prepared_batches=(1,))):
                    raise AssertionError("it has started")
        finally:
            hook.remove()
        assert "forward" not in vars(unet) and "forward" not in vars(parts.detokenizer.vae.decoder)

    asyncio.run(test())


@pytest.fixture
def modules() -> Iterator[CompiledModules]:
    modules = CompiledModules()
    yield modules
    modules.restore()


@pytest.mark.nightly
def test_only_what_is_prepared_is_compiled(modules: CompiledModules) -> None:
    traced: list[int] = []

    class Doubled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if torch.compiler.is_compiling():
                traced.append(x.shape[0])
            return (2 * x).relu()

    module, values = Doubled(), torch.linspace(-1, 1, 12)
    modules.replace(module)
    with torch.inference_mode():
        with modules.compiling():
            for rows in (2, 3):
                module(values.reshape(rows, -1))
        for rows in (1, 2, 3, 4, 6):
            torch.testing.assert_close(module(values.reshape(rows, -1)), 2 * values.reshape(rows, -1).relu())
    assert traced == [2, 3]


@pytest.mark.nightly
def test_a_compiled_pipeline_gives_the_same(modules: CompiledModules) -> None:
    torch.manual_seed(2)
    pipeline = tiny_detokenizer(stage=2)
    plain = {rows: _decoded(pipeline, rows) for rows in (1, 2, 3)}
    modules.replace(pipeline.unet)
    modules.replace(pipeline.vae.decoder)
    with modules.compiling():
        for rows in (1, 2):
            _decoded(pipeline, rows)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    for rows, expected in plain.items():
        torch.testing.assert_close(_decoded(pipeline, rows), expected, atol=1e-4, rtol=1e-4)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs  # no step has compiled


@torch.inference_mode()
def _decoded(pipeline: Detokenizer, rows: int) -> Tensor:
    state = pipeline.begin(
        torch.randn(rows, 16, 20, generator=torch.Generator().manual_seed(0)),
        torch.zeros(1, 16, 20),
        height=16,
        width=16,
        num_inference_steps=3,
        guidance_scale=2.0,
        generator=[torch.Generator().manual_seed(seed) for seed in range(rows)],
    )
    while not state.done:
        state.step()
    return pipeline.decode_latents(state.latents[:1])
