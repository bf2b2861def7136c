"""A foundation model: its own prompts, and what it is not asked for. The shipped weights stand in for its."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from PIL import Image

from seedx_sdk import InputError, Message, PromptError, SeedX
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.backbones.base import Prompt, QueryStates, SamplingParams, TokenChunk
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.prompting import normalized, segments
from seedx_sdk.options import GenerationOptions
from seedx_sdk.types import Request, Task

PAGE = Image.new("RGB", (128, 128), "red")


def prompt(task: Task, *parts: str | Image.Image, history: tuple[Message, ...] = ()) -> list[str]:
    request = Request(task=task, messages=(*history, Message.user(*parts)), options=GenerationOptions())
    return segments(request, ["IMG"] * len(request.messages[-1].images), "base")


def test_the_prompts_are_those_of_the_reference() -> None:
    assert prompt("describe", PAGE, "What is it?") == ["Question: IMGWhat is it?\nAnswer:"]
    assert prompt("describe", PAGE, PAGE) == ["Question: IMGIMGDescribe the picture.\nAnswer:"]
    assert prompt("chat", "What is it?", PAGE) == ["Question: IMGWhat is it?\nAnswer:"]
    assert prompt("detect", PAGE, "a dog") == ["IMGa dog [[ <box_start>"]
    assert prompt("generate", "a dog") == ["a dog<img>"]


def test_what_it_was_not_trained_for_is_refused() -> None:
    with pytest.raises(PromptError, match="one question at a time"):
        prompt("chat", "and?", history=(Message.user("hello"), Message.assistant("hi")))
    with pytest.raises(PromptError, match="text alone"):
        prompt("generate", PAGE, "a dog")


class Read(TransformersBackbone):
    """Keeps the prompts that it reads."""

    prompts: list[tuple[int, ...]]

    def generate(self, prompt: Prompt, sampling: SamplingParams) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        self.prompts.append(prompt.token_ids)
        return super().generate(prompt, sampling)


@pytest.fixture
def foundation(parts: ModelParts) -> Iterator[tuple[SeedX, Read]]:
    backbone = Read(parts.lvlm, {}, parts.tokenizer.ids)
    backbone.prompts = []
    config = dataclasses.replace(parts.config, prompts="base")

    @asynccontextmanager
    async def engine() -> AsyncIterator[InterleavedEngine]:
        async with LocalImageService(dataclasses.replace(parts, config=config, specialists={})) as service:
            yield InterleavedEngine(backbone, service)

    seedx = SeedX(engine=engine())
    yield seedx, backbone
    seedx.close()


def test_calls_of_a_foundation_model(foundation: tuple[SeedX, Read], parts: ModelParts) -> None:
    seedx, backbone = foundation
    ids, decode = parts.tokenizer.ids, parts.tokenizer.decode
    assert seedx.info.tasks == ("describe", "detect", "generate", "chat")
    drawn = seedx.generate("a red house", num_inference_steps=2)
    assert drawn.image is not None and drawn.text == "" and drawn.finish_reason == "stop"
    assert drawn.usage is not None and drawn.usage.completion_tokens == 65  # the picture and its end, no words
    assert backbone.prompts[-1][0] == ids.bos and backbone.prompts[-1][-1] == ids.begin_image
    seedx.describe(drawn.image, "What is it?", max_new_tokens=8)
    read = decode(list(backbone.prompts[-1]))
    assert read.startswith("<s> Question: <patch>") or read.startswith("<s>Question: ")
    assert read.endswith("What is it?\nAnswer:") and "[INST]" not in read
    found = seedx.detect(drawn.image, "the house")
    assert decode(list(backbone.prompts[-1])).endswith("<box_start>")
    assert all(box.label == "the house" for box in found.boxes[:1])
    with pytest.raises(InputError, match="seed-x-nano cannot edit; it can describe, detect, generate, chat"):
        seedx.edit(drawn.image, "Make it night.")
    assert len(backbone.prompts) == 3


def plain(text: str, task: Task = "generate") -> str:
    request = Request(task=task, messages=(Message.user(text),), options=GenerationOptions())
    return normalized(request).messages[0].text


@pytest.mark.parametrize(
    "text",
    [
        "A Red House And 2 Cats",
        "A RED HOUSE AND TWO CATS!",
        "  a red   house\nand two cats.",
        "\u201cA red house & two cats\u201d",
        "'a red-house and two cats'...",
    ],
)
def test_every_spelling_of_a_prompt_is_read_alike(text: str) -> None:
    assert plain(text) == "a red house and two cats"


def test_each_task_is_read_as_it_was_trained() -> None:
    assert plain("Make the house BLUE.", "edit") == "make the house blue"
    assert plain("The Red House?", "detect") == "the red house"
    assert plain("what\u2019s in the picture??", "describe") == "What is in the picture?"
    assert plain("DRAW A RED HOUSE", "chat") == "Draw a red house"
    assert plain("make the house blue", "chat") == "make the house blue"
    assert plain("generate an image: a Red house", "chat") == "generate an image: a red house"
    assert plain("?") == "?"


def test_only_the_texts_of_the_user_are_normalized() -> None:
    answer = Message.assistant("1: Red House, 2: CAT.")
    request = Request(
        task="chat", messages=(Message.user("HI"), answer, Message.user(PAGE, "WHY?")), options=GenerationOptions()
    )
    read = normalized(request)
    assert read.messages[1] == answer
    assert read.messages[2].images[0] is PAGE and read.messages[2].text == "Why?"
    assert request.messages[2].text == "WHY?"


def test_a_model_of_any_language_gets_its_texts_untouched(parts: ModelParts) -> None:
    backbone = Read(parts.lvlm, {}, parts.tokenizer.ids)
    backbone.prompts = []
    released = dataclasses.replace(parts, config=dataclasses.replace(parts.config, vocabulary=None), specialists={})

    @asynccontextmanager
    async def engine() -> AsyncIterator[InterleavedEngine]:
        async with LocalImageService(released) as service:
            yield InterleavedEngine(backbone, service)

    with SeedX(engine=engine()) as seedx:
        seedx.generate("A  Red HOUSE!", num_inference_steps=1)
    assert "Generate an image: A  Red HOUSE!" in parts.tokenizer.decode(backbone.prompts[-1])
