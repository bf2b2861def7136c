from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from seedx_sdk import Message
from seedx_sdk.engine import NANO
from seedx_sdk.engine.reply_builder import ReplyBuilder
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.options import GenerationOptions
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ReplyDone, Request

BOX = "<box_start><loc-56><loc-56><loc-20><loc-20><box_end>"
EMPTY_BOX = "<box_start><box_end>"


@pytest.mark.parametrize(
    ("segments", "text", "labels"),
    [
        (["1: red house", EMPTY_BOX, " a meadow"], "1: red house a meadow", []),
        (["a red house", BOX, " a green tree", BOX], "a red house, a green tree", ["a red house", "a green tree"]),
        ([f"a red house{BOX}"], "a red house", ["a red house"]),
    ],
)
def test_text_around_a_box_keeps_its_space(segments: list[str], text: str, labels: list[str]) -> None:
    tokenizer = Tokenizer.from_pretrained(NANO / "llm")
    request = Request(task="chat", messages=(Message.user("draw"),), options=GenerationOptions())
    reply = ReplyBuilder(ScriptedEngine().info, tokenizer, request)
    for segment in segments:
        for token in tokenizer.encode(segment):
            list(reply.add_token(token))
    done = reply.done(1.0, max_images=None)
    assert isinstance(done, ReplyDone)
    assert done.reply.written.replace(" ", "") == "".join(segments).replace(" ", "")
    assert (done.reply.message.text, [box.label for box in done.reply.boxes]) == (text, labels)
