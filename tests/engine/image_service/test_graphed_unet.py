"""The U-Net from recordings: which are made, kept and dropped, and that they give what the U-Net itself gives.

On a CPU a recording is the computation, run again: like a CUDA graph it reads its inputs and writes its output in
place. What only CUDA can show is in test_gpu_graphs.py.
"""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from torch import Tensor

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.cuda_graphs import Recording
from seedx_sdk.engine.image_service.graphed_unet import GraphedUNet
from seedx_sdk.model.denoise_loop import copy_scheduler
from seedx_sdk.model.unet import NoisePredictor, predict_noise

CELLS = 16 * 8 * 8
"""Largest recording: sixteen rows of an image of 64x64."""


class Rerun:
    """A computation that is run again, into the same output."""

    def __init__(self, compute: Callable[[], Tensor]) -> None:
        self._compute, self.output = compute, compute().clone()

    def replay(self) -> None:
        self.output.copy_(self._compute())


class Recorder:
    """Records, and remembers how often and with which memory."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[Rerun]] = []
        self.beside: list[Recording | None] = []
        self.error: RuntimeError | None = None

    def __call__(self, compute: Callable[[], Tensor], beside: Recording | None) -> Rerun:
        if self.error is not None:
            raise self.error
        recording = Rerun(compute)
        self.made.append(weakref.ref(recording))
        self.beside.append(beside)
        return recording

    @property
    def alive(self) -> list[bool]:
        return [reference() is not None for reference in self.made]


@pytest.fixture
def predict(parts: ModelParts) -> NoisePredictor:
    return partial(predict_noise, parts.detokenizer.unet)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def graphed(predict: NoisePredictor, recorder: Recorder) -> GraphedUNet:
    return made(predict, recorder)


def made(predict: NoisePredictor, recorder: Recorder, max_graphs: int = 8) -> GraphedUNet:
    nothing = contextlib.nullcontext
    return GraphedUNet(predict, recorder, max_graphs=max_graphs, max_cells=CELLS, preparing=nothing)


def inputs(parts: ModelParts, rows: int, *, seed: int = 0, height: int = 8) -> tuple[Tensor, ...]:
    """Return what the U-Net reads, for images of 64 pixels in width."""
    generator, config = torch.Generator().manual_seed(seed), parts.detokenizer.unet.config
    return (
        torch.randn(rows, config["in_channels"], height, 8, generator=generator),
        torch.tensor(999.0 - 100 * seed),
        torch.randn(rows, 64, config["cross_attention_dim"], generator=generator),
        torch.randn(rows, _pooled(parts), generator=generator),
        torch.tensor([[height * 8.0, 64, 0, 0, height * 8.0, 64]]).repeat(rows, 1),
    )


def _pooled(parts: ModelParts) -> int:
    embeds = torch.zeros(1, 64, parts.detokenizer.resampler.config["embedding_dim"])
    with torch.inference_mode():
        return parts.detokenizer.encode_condition(embeds)[1].shape[1]


@torch.inference_mode()
def called(predictor: NoisePredictor, values: tuple[Tensor, ...]) -> Tensor:
    return predictor(*values)


def test_a_replay_gives_what_the_unet_gives_for_its_inputs(
    graphed: GraphedUNet, predict: NoisePredictor, recorder: Recorder, parts: ModelParts
) -> None:
    different = [inputs(parts, 2, seed=seed) for seed in range(3)]
    predictions = [called(graphed, values) for values in different]  # none is written over by the next one
    assert len(recorder.made) == graphed.num_graphs == 1
    for values, prediction in zip(different, predictions, strict=True):
        torch.testing.assert_close(prediction, called(predict, values), atol=0, rtol=0)


def test_fewer_rows_run_in_a_slightly_larger_recording(
    graphed: GraphedUNet, predict: NoisePredictor, recorder: Recorder, parts: ModelParts
) -> None:
    called(graphed, inputs(parts, 5))
    four = inputs(parts, 4, seed=1)
    torch.testing.assert_close(called(graphed, four), called(predict, four), atol=1e-5, rtol=1e-4)
    assert len(recorder.made) == 1
    called(graphed, inputs(parts, 3))  # two thirds more work would be too much
    assert len(recorder.made) == 2
    called(graphed, inputs(parts, 3, height=16))
    assert len(recorder.made) == 3


def test_all_recordings_share_the_memory_of_one(graphed: GraphedUNet, recorder: Recorder, parts: ModelParts) -> None:
    for rows in (4, 2, 1):
        called(graphed, inputs(parts, rows))
    first = recorder.made[0]()
    assert recorder.beside == [None, first, first]


def test_the_least_recently_used_recording_goes(predict: NoisePredictor, recorder: Recorder, parts: ModelParts) -> None:
    graphed = made(predict, recorder, max_graphs=2)
    for rows in (4, 2, 4, 1):
        called(graphed, inputs(parts, rows))
    assert recorder.alive == [True, False, True] and graphed.num_graphs == 2


def test_no_memory_is_kept_that_only_a_dropped_recording_needed(
    predict: NoisePredictor, recorder: Recorder, parts: ModelParts
) -> None:
    graphed = made(predict, recorder, max_graphs=2)
    for rows in (8, 2, 1):
        called(graphed, inputs(parts, rows))
    recorder.beside.pop(1)  # the test itself must not keep a recording
    assert recorder.alive == [False, False, True] and recorder.beside == [None, None] and graphed.num_graphs == 1
    assert graphed.clear() and not graphed.clear() and recorder.alive == [False] * 3


def test_what_is_larger_than_a_served_batch_runs_itself(
    graphed: GraphedUNet, predict: NoisePredictor, recorder: Recorder, parts: ModelParts
) -> None:
    large = inputs(parts, 9, height=16)
    torch.testing.assert_close(called(graphed, large), called(predict, large), atol=0, rtol=0)
    assert not recorder.made


@pytest.mark.parametrize("memory", [False, True])
def test_what_cannot_be_recorded_runs_itself(
    memory: bool,
    graphed: GraphedUNet,
    predict: NoisePredictor,
    recorder: Recorder,
    parts: ModelParts,
    caplog: pytest.LogCaptureFixture,
) -> None:
    called(graphed, inputs(parts, 1))
    recorder.error = torch.OutOfMemoryError("too little") if memory else RuntimeError("not permitted")
    values = inputs(parts, 2)
    with caplog.at_level(logging.WARNING, "seedx.engine"):
        for _ in range(2):
            torch.testing.assert_close(called(graphed, values), called(predict, values), atol=0, rtol=0)
    assert [record.getMessage() for record in caplog.records] == [
        f"steps of 2 rows run without a CUDA graph: {recorder.error}"
    ]
    assert graphed.num_graphs == (0 if memory else 1)  # what others hold is given back


def test_recording_is_announced(predict: NoisePredictor, recorder: Recorder, parts: ModelParts) -> None:
    announced: list[int] = []

    @contextlib.contextmanager
    def preparing() -> Iterator[None]:
        announced.append(len(recorder.made))
        yield
        announced.append(len(recorder.made))

    graphed = GraphedUNet(predict, recorder, max_graphs=8, max_cells=CELLS, preparing=preparing)
    for _ in range(2):
        called(graphed, inputs(parts, 1))
    assert announced == [0, 1]


def test_a_batch_that_shrinks_between_steps_gives_the_same(
    graphed: GraphedUNet, recorder: Recorder, parts: ModelParts
) -> None:
    @torch.inference_mode()
    def latents(predictor: NoisePredictor | None) -> Tensor:
        pipeline = parts.detokenizer
        state = pipeline.begin(
            torch.randn(3, 64, 256, generator=torch.Generator().manual_seed(0)),
            torch.zeros(1, 64, 256),
            height=64,
            width=64,
            num_inference_steps=4,
            guidance_scale=2.0,
            generator=[torch.Generator().manual_seed(seed) for seed in range(3)],
            scheduler=copy_scheduler(pipeline.scheduler),
            predict=predictor,
        )
        while not state.done:
            state.step()
            if state.index == 2:
                state.keep([2, 0])
        return state.latents

    torch.testing.assert_close(latents(graphed), latents(None), atol=1e-4, rtol=1e-4)
    assert len(recorder.made) == 2  # six rows, then four
