"""The backbone in this process: one thread computes each reply, and a reader delays nobody but himself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
import torch
from torch import Tensor

from seedx_sdk import InputError, ServiceError
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.backbones.base import Prompt, QueryStates, SamplingParams, StructuredOutput, TokenChunk
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.errors import DeviceMemoryError

LONG = SamplingParams(max_new_tokens=60)


@pytest.fixture
def choices(parts: ModelParts) -> Iterator[list[Tensor]]:
    """The logits of each token; they are changed so that replies end at their budget only."""
    seen: list[Tensor] = []

    def hook(_module: Any, _args: Any, logits: Tensor) -> Tensor:
        seen.append(logits)
        return torch.zeros_like(logits)  # the likeliest is token 0, which ends nothing

    handle = parts.lvlm.causal_lm.lm_head.register_forward_hook(hook)
    yield seen
    handle.remove()


@contextmanager
def failing(parts: ModelParts, error: Exception) -> Iterator[None]:
    def hook(*_args: Any) -> None:
        raise error

    handle = parts.lvlm.causal_lm.lm_head.register_forward_pre_hook(hook)
    yield
    handle.remove()


def backbone_of(parts: ModelParts) -> TransformersBackbone:
    return TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)


def prompt(parts: ModelParts, text: str = "a red house") -> Prompt:
    return Prompt(token_ids=(parts.tokenizer.bos_id, *parts.tokenizer.encode(text)))


async def written(answer: AsyncGenerator[TokenChunk | QueryStates, None]) -> list[int]:
    return [i async for event in answer if isinstance(event, TokenChunk) for i in event.token_ids]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        with anyio.fail_after(300):  # a deadlock
            await test()

    asyncio.run(limited())


def test_a_stream_that_nobody_reads_delays_no_other(parts: ModelParts, choices: list[Tensor]) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        first, second = (backbone.generate(prompt(parts), LONG) for _ in range(2))
        begun = await anext(first)
        assert isinstance(begun, TokenChunk)
        assert len(await written(second)) == 60
        assert len(choices) == 120  # the first was computed to its end, too
        assert [*begun.token_ids, *await written(first)] == [0] * 60
        assert len(choices) == 120

    run(test)


def test_closing_a_stream_ends_its_computation_at_the_next_token(parts: ModelParts, choices: list[Tensor]) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        stream = backbone.generate(prompt(parts), SamplingParams(max_new_tokens=2000))
        await anext(stream)
        await stream.aclose()
        at_close = len(choices)
        assert len(await written(backbone.generate(prompt(parts), LONG))) == 60  # its turn came
        assert len(choices) <= at_close + 1 + 60

    run(test)


def test_a_cancelled_task_ends_its_computation_or_its_wait(parts: ModelParts, choices: list[Tensor]) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        endless = SamplingParams(max_new_tokens=2000)
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in backbone.generate(prompt(parts), endless):
                begun.set()

        running, waiting = asyncio.ensure_future(read()), asyncio.ensure_future(read())
        await begun.wait()
        for task in (waiting, running):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(await written(backbone.generate(prompt(parts), LONG))) == 60
        assert len(choices) < 2000

    run(test)


def test_closing_ends_the_reply_that_computes_and_rejects_those_that_wait(
    parts: ModelParts, choices: list[Tensor]
) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        running = backbone.generate(prompt(parts), SamplingParams(max_new_tokens=2000))
        await anext(running)
        waiting = asyncio.ensure_future(written(backbone.generate(prompt(parts), LONG)))
        await asyncio.sleep(0)  # it waits for its turn
        await backbone.close()
        computed = len(choices)
        assert computed < 2000
        with pytest.raises(ServiceError, match="closed before the reply began"):
            await waiting
        assert len(await written(running)) < 2000  # what was computed is not lost
        assert len(choices) == computed

    run(test)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (torch.OutOfMemoryError("too much"), DeviceMemoryError, "does not fit the device's memory"),
        (RuntimeError("broken"), RuntimeError, "broken"),
    ],
)
def test_a_failure_reaches_its_reader_and_frees_the_turn(
    error: Exception, kind: type[Exception], message: str, parts: ModelParts
) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        with failing(parts, error), pytest.raises(kind, match=message):
            await written(backbone.generate(prompt(parts), LONG))
        assert await written(backbone.generate(prompt(parts), SamplingParams(max_new_tokens=2)))

    run(test)


def test_a_token_crosses_once_between_threads(
    parts: ModelParts, choices: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        post, posted = loop.call_soon_threadsafe, list[Callable[..., object]]()

        def counted(callback: Callable[..., object], *args: Any) -> asyncio.Handle:
            posted.append(callback)
            return post(callback, *args)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        assert len(await written(backbone_of(parts).generate(prompt(parts), LONG))) == len(choices) == 60
        assert len(posted) == 60 + 2  # the end of the turn, and of the reply

    run(test)


def test_a_seed_chooses_the_same_tokens(parts: ModelParts) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        answers = [
            tuple(
                await written(
                    backbone.generate(prompt(parts), SamplingParams(max_new_tokens=20, temperature=2.0, seed=seed))
                )
            )
            for seed in (1, 1, 2)
        ]
        assert answers[0] == answers[1] != answers[2]

    run(test)


def test_what_it_cannot_do_is_rejected(parts: ModelParts) -> None:
    async def test() -> None:
        backbone = backbone_of(parts)
        for sampling, message in (
            (
                SamplingParams(max_new_tokens=5, structured_output=StructuredOutput(json_schema="{}")),
                "requires the vLLM backend",
            ),
            (SamplingParams(max_new_tokens=5, specialist="x"), "there is no specialist 'x'"),
        ):
            with pytest.raises(InputError, match=message):
                await written(backbone.generate(prompt(parts), sampling))

    run(test)
