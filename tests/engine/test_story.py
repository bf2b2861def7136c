"""A story goes on from its own images: what the model drew is read as it was regressed, not as it looks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import anyio
import pytest

pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk import Message, SpecialistMissingError
from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine.backbones.base import Prompt, QueryStates, SamplingParams, TokenChunk
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.options import GenerationOptions
from seedx_sdk.testing.tiny import tiny_model
from seedx_sdk.tokens import image_block
from seedx_sdk.types import ChatReply, ReplyDone, Request, StreamEvent, TextDelta

IMAGE = Image.linear_gradient("L").convert("RGB")


class Storyteller:
    """A backbone that writes given pages and keeps what it read."""

    supports_structured_output = False

    def __init__(self, parts: ModelParts, pages: list[tuple[str, bool]]) -> None:
        self._parts, self._pages = parts, pages
        self.read: list[Prompt] = []
        self.states: list[Tensor] = []
        self.sampling: list[SamplingParams] = []

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        ids = self._parts.tokenizer.ids
        text, has_image = self._pages[len(self.read)]
        width = self._parts.lvlm.causal_lm.config.hidden_size
        self.read.append(prompt.validated(ids, vocab_size=len(self._parts.tokenizer), width=width))
        self.sampling.append(sampling)
        for token in self._parts.tokenizer.encode(text):
            yield TokenChunk(token_ids=[token])
        if not has_image:
            yield TokenChunk(token_ids=[ids.eos])
            return
        self.states.append(torch.randn(64, width, generator=torch.Generator().manual_seed(len(self.read))))
        yield TokenChunk(token_ids=[ids.begin_image])
        yield QueryStates(hidden_states=self.states[-1])
        yield TokenChunk(token_ids=[ids.end_image])

    async def check(self) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> ModelParts:
    """A tiny model, which is its own story specialist."""
    loaded = load_directory(tiny_model(tmp_path_factory.mktemp("story") / "model"))
    loaded.specialists["story"] = loaded.lvlm
    return loaded


def tell(parts: ModelParts, pages: list[tuple[str, bool]], **options: Any) -> tuple[Storyteller, list[StreamEvent]]:
    """Return the backbone, and the events of a story that it continues."""
    writer = Storyteller(parts, pages)

    async def run() -> list[StreamEvent]:
        async with LocalImageService(parts, limits=ServiceLimits(max_wait_ms=0)) as service:
            engine = InterleavedEngine(writer, service)
            request = Request(
                task="story", messages=(Message.user("page 0.", IMAGE),), options=GenerationOptions(**options)
            )
            async with aclosing(engine.stream(request)) as events:
                return [event async for event in events]

    return writer, anyio.run(run)


def reply_of(events: list[StreamEvent]) -> ChatReply:
    assert isinstance(events[-1], ReplyDone)
    return events[-1].reply


def first_image(parts: ModelParts) -> Tensor:
    size = parts.config.visual_encoder.image_size
    view = split_image(IMAGE, (), size, ImageTransform("clip", size))
    assert view.images.shape[0] == 1 and view.positions.tolist() == [[0.5, 0.5]]
    with torch.no_grad():
        return parts.lvlm.embed_images(parts.visual_encoder(view.images), view.positions)[0]


def regressed(parts: ModelParts, states: Tensor) -> Tensor:
    with torch.no_grad():
        return parts.lvlm.embed_images(parts.lvlm.regress(states[None]), torch.tensor([[0.5, 0.5]]))[0]


def text_of(parts: ModelParts, prompt: Prompt) -> str:
    """Return a prompt without the start token, "#" in place of each image."""
    block = parts.tokenizer.decode(parts.tokenizer.encode(image_block(0)))
    return parts.tokenizer.decode(prompt.token_ids[1:]).replace(block, "#").replace(" ", "")


def test_each_page_is_read_by_the_next_ones_as_it_was_regressed(parts: ModelParts) -> None:
    writer, events = tell(parts, [("[INST]page 1.", True), ("[INST]page 2.", True), ("x", True)], max_images=2)
    assert [text_of(parts, prompt) for prompt in writer.read] == ["page0.#", "page0.#[INST]page1.#"]
    first, second = (prompt.features for prompt in writer.read)
    assert first is not None and second is not None
    torch.testing.assert_close(first, first_image(parts))
    torch.testing.assert_close(second, torch.cat([first_image(parts), regressed(parts, writer.states[0])]))
    assert {(s.specialist, s.max_images) for s in writer.sampling} == {("story", 1)}
    reply = reply_of(events)
    assert [part.type for part in reply.message.content] == ["text", "image"] * 2
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["page 1.", "page 2."]
    assert (reply.message.text, reply.finish_reason) == ("page 1. page 2.", "stop")
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == sum(len(prompt.token_ids) for prompt in writer.read)
    per_page = len(parts.tokenizer.encode("[INST]page 1.")) + 66
    assert reply.usage.completion_tokens == 2 * per_page


def test_a_long_story_is_read_through_a_window(parts: ModelParts) -> None:
    pages = [(f"[INST]page {number}. More.", True) for number in range(1, 19)]
    writer, events = tell(parts, pages, max_images=18, num_inference_steps=1)
    shown = [text_of(parts, prompt).count("#") for prompt in writer.read]
    assert shown == [*range(1, 17), 9, 10], "eight of the pages before the latest eight leave at once"
    assert "[INST]page1.page2." in text_of(parts, writer.read[16])
    last = writer.read[16].features
    assert last is not None
    torch.testing.assert_close(last[:64], first_image(parts))
    torch.testing.assert_close(last[64:128], regressed(parts, writer.states[8]))
    assert len(reply_of(events).message.images) == 18


def test_a_page_without_an_image_ends_the_story(parts: ModelParts) -> None:
    writer, events = tell(parts, [("[INST]page 1.", True), ("[INST]The end.", False), ("x", True)], max_images=5)
    reply = reply_of(events)
    assert len(writer.read) == 2
    assert (reply.message.text, len(reply.message.images), reply.finish_reason) == ("page 1. The end.", 1, "stop")


def test_without_a_number_it_is_one_page_and_without_the_specialist_an_error(parts: ModelParts) -> None:
    writer, _ = tell(parts, [("[INST]page 1.", True), ("x", True)])
    assert len(writer.read) == 1
    general = ModelParts(
        config=parts.config,
        tokenizer=parts.tokenizer,
        visual_encoder=parts.visual_encoder,
        lvlm=parts.lvlm,
        detokenizer=parts.detokenizer,
    )
    with pytest.raises(SpecialistMissingError, match="has no story specialist.*seedx train story"):
        tell(general, [("x", True)])
