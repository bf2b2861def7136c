from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from seedx_sdk import GeneratedImage, ImageProgress, SeedX, StreamEvent
from seedx_sdk.engine import AsyncEngine, Request, open_engine
from seedx_sdk.types import ModelInfo
from seedx_tools import Deck, Toolbox, ToolRetry, Workspace


class CountingEngine:
    """The shipped model, with a count of its denoising steps."""

    def __init__(self) -> None:
        self.steps = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[AsyncEngine]:
        async with open_engine() as self.inner:
            yield self

    @property
    def info(self) -> ModelInfo:
        return self.inner.info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        async with aclosing(self.inner.stream(request, deadline=deadline)) as events:
            async for event in events:
                self.steps += isinstance(event, ImageProgress)
                yield event

    async def check(self) -> None:
        await self.inner.check()


@pytest.mark.usefixtures("local")
async def test_a_cancelled_call_stops_the_model(tmp_path: Path) -> None:
    engine = CountingEngine()
    toolbox = Toolbox(SeedX(engine=engine.opened()), workspace=Workspace(roots=[tmp_path]))

    async def cancel(_done: int, _total: int, _what: str) -> None:
        task.cancel()

    args = {"prompt": "a red house", "num_inference_steps": 200}
    task = asyncio.create_task(toolbox.arun("generate", args, on_progress=cancel))
    with pytest.raises(asyncio.CancelledError):
        await task
    outcome = await toolbox.arun("generate", args | {"num_inference_steps": 1})
    assert isinstance(outcome.result, GeneratedImage) and outcome.result.image is not None
    assert 2 <= engine.steps < 200 and list(toolbox.images) == ["image:1"]


def test_results_as_data_have_names_in_place_of_images(seedx: SeedX, tmp_path: Path) -> None:
    toolbox = Toolbox(seedx, workspace=Workspace(roots=[tmp_path]))
    outcome = toolbox.run("generate", {"prompt": "a red house"})
    assert (outcome.image_name, outcome.data["image"]) == ("image:1", "image:1")
    deck = toolbox.run("make_slides", {"prompt_or_outline": "# A\n\n## B\n- c", "path": "deck.pptx"})
    assert deck.image_name == "image:2", "the sheet with all slides"
    assert [slide["title"] for slide in deck.data["slides"]] == ["A", "B"]
    assert deck.data["path"] == str(tmp_path / "deck.pptx")


def test_a_deck_shows_images_of_the_conversation(seedx: SeedX, tmp_path: Path) -> None:
    toolbox = Toolbox(seedx, workspace=Workspace(roots=[tmp_path]))
    drawn = toolbox.run("generate", {"prompt": "a red house"}).result
    outline = {"prompt_or_outline": "# A\n\n## B\n![a red house](house)", "path": "deck.pptx", "pictures": False}
    deck = toolbox.run("make_slides", outline | {"images": {"house": "image:1"}}).result
    assert isinstance(drawn, GeneratedImage) and isinstance(deck, Deck)
    assert drawn.image is not None and deck.slides[1].picture is not None
    assert deck.slides[1].picture.tobytes() == drawn.image.tobytes()
    with pytest.raises(ToolRetry, match="there is no image 'image:7'; use image:1"):
        toolbox.run("make_slides", outline | {"images": {"house": "image:7"}})


def test_an_unknown_tool_is_an_error_that_lists_the_tools(seedx: SeedX) -> None:
    with pytest.raises(ToolRetry, match="there is no tool 'draw'; use one of describe, detect, generate"):
        Toolbox(seedx).run("draw", {})
