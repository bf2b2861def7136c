"""Chats that name no number of images, which draw what they like."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from seedx_sdk import Message
from seedx_sdk.options import GenerationOptions
from seedx_sdk.serve.budgets.image_cap import ImageCap
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, Task
from tests.serve.access.test_shares import served
from tests.support.http_server import Scripted

PAGE = Image.new("RGB", (8, 8), "red")
USER = {"role": "user", "content": "Tell me of a house."}


def request(task: Task = "chat", **options: Any) -> Request:
    return Request(task=task, messages=(Message.user("hi"),), options=GenerationOptions(**options))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request(), 64),
        (request(num_inference_steps=1000), 4),
        (request(num_inference_steps=1000, width=512, height=512), 1),
        (request(max_images=3), 3),
        (request("describe"), 64),
        (request("generate"), None),
        (request("story"), None),
    ],
)
def test_an_answer_has_as_many_images_as_its_steps_allow(asked: Request, expected: int | None) -> None:
    info = ScriptedEngine().info.model_copy(update={"image_size": 256, "default_steps": 20})
    assert ImageCap.of(asked, info, 4000).applied(asked).options.max_images == expected


async def test_an_answer_that_the_cap_ends_says_so() -> None:
    replies = [Message.assistant("one", PAGE, "two", PAGE), Message.assistant("one", PAGE)]
    engine = Scripted(ScriptedEngine(replies))
    async with served(engine, max_steps=100) as client:
        body = {"messages": [USER], "num_inference_steps": 50}
        cut, whole = [(await client.post("/v1/chat/completions", json=body)).json() for _ in replies]
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["warnings"] == [
        "the answer ends after 2 images, the most that this server draws for one request like this"
    ]
    assert whole["choices"][0]["finish_reason"] == "stop" and "warnings" not in whole
    assert [sent.options.max_images for sent in engine.scripted.requests] == [2, 2]
