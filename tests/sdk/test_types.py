from __future__ import annotations

import json

import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from seedx_sdk import Box, Detection, GeneratedImage, ImagePart, Message, ReplyDone, SeedX, StreamEvent, TextPart
from seedx_sdk.errors import MissingExtraError, SeedXError
from seedx_sdk.testing import ScriptedEngine


def test_results_go_through_json_and_come_back_equal(seedx: SeedX, picture: Image.Image) -> None:
    found = seedx.detect(picture, "the red rectangle")
    assert Detection.model_validate_json(found.model_dump_json()) == found
    drawn = seedx.generate("a house")
    text = drawn.model_dump_json()
    assert json.loads(text)["image"].startswith("data:image/png;base64,")
    assert GeneratedImage.model_validate_json(text) == drawn
    assert GeneratedImage.model_validate(drawn.model_dump()) == drawn


def test_stream_events_go_through_json(picture: Image.Image) -> None:
    adapter: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)
    engine = ScriptedEngine([Message.assistant("look", picture)], notices=("careful",))
    events = list(SeedX(engine=engine).chat_stream([Message.user("hi")]))
    assert [adapter.validate_json(adapter.dump_json(event)) for event in events] == events
    assert isinstance(events[-1], ReplyDone)


def test_a_message_keeps_the_order_of_its_parts(picture: Image.Image) -> None:
    message = Message.user(picture, "what is it?", picture)
    kinds: list[type] = [ImagePart, TextPart, ImagePart]
    assert [type(part) for part in message.content] == kinds
    assert (message.text, len(message.images)) == ("what is it?", 2)


def test_results_are_frozen_and_refuse_unknown_names(seedx: SeedX) -> None:
    result = seedx.generate("a house")
    with pytest.raises(ValidationError, match="frozen"):
        result.seed = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Box.model_validate({"label": "a", "normalized": (0, 0, 1, 1), "pixels": (0, 0, 1, 1), "score": 1})


@pytest.mark.parametrize("value", ["a.png", "http://example.org/a.png", 3, "data:image/png;base64,AAAA", None])
def test_a_picture_field_takes_only_pictures_and_data_uris(value: object) -> None:
    with pytest.raises(ValidationError):
        ImagePart.model_validate({"image": value})
    with pytest.raises(ValidationError):
        ImagePart.model_validate_json(json.dumps({"image": value}))


def test_the_json_schema_of_a_result_says_how_pictures_are_given() -> None:
    schema = Detection.model_json_schema(mode="serialization")
    assert schema["properties"]["annotated"]["format"] == "data-uri"


def test_a_box_is_clipped_to_its_picture() -> None:
    box = Box.on("sky", (-0.1, 0.5, 1.2, 1), (200, 100))
    assert (box.normalized, box.pixels) == ((0, 0.5, 1, 1), (0, 50, 200, 100))


def test_a_missing_extra_names_the_pip_line() -> None:
    error = MissingExtraError("local", "torch")
    assert str(error) == "the 'torch' package is not installed; install it with: pip install 'seedx-sdk[local]'"
    assert isinstance(error, SeedXError) and isinstance(error, ImportError)
