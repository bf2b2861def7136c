from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from seedx_sdk import ModelError, SeedX, SeedXError
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import TOOLS, ToolFailed, ToolRetry


def test_the_tools_are_registered_under_their_names() -> None:
    assert list(TOOLS) == [
        "describe",
        "detect",
        "generate",
        "edit",
        "try_on",
        "save_image",
        "make_slides",
        "revise_slide",
        "append_slides",
        "read_deck",
        "edit_deck",
        "tell_story",
    ]
    assert all(tool.name == name for name, tool in TOOLS.items())


@pytest.mark.parametrize("name", list(TOOLS))
def test_every_argument_is_described_and_unknown_ones_are_rejected(name: str) -> None:
    schema = TOOLS[name].schema()
    assert json.loads(json.dumps(schema)) == schema
    assert len(schema["description"]) > 60
    assert "Raises" not in schema["description"]
    assert schema["parameters"]["additionalProperties"] is False
    assert all(len(field.get("description", "")) > 20 for field in schema["parameters"]["properties"].values())


def test_describe_takes_data_uris_and_returns_the_typed_result(seedx: SeedX, picture: Image.Image) -> None:
    result = TOOLS["describe"].run(seedx, {"images": [to_data_uri(picture)], "question": "what is red?"})
    assert result.text == "a scripted answer about 1 picture(s)"


def test_results_match_their_schema(seedx: SeedX, picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "picture.png")
    image = str(tmp_path / "picture.png")
    calls: dict[str, dict[str, Any]] = {
        "describe": {"images": [image]},
        "detect": {"image": image, "phrase": "the square"},
        "generate": {"prompt": "a red house", "width": 128, "height": 64},
        "edit": {"image": image, "instruction": "make it blue"},
        "try_on": {"person": image, "garment": image, "region": [0, 0, 8, 16]},
        "save_image": {"image": image, "path": str(tmp_path / "saved.webp")},
        "make_slides": {"prompt_or_outline": "# A\n\n## B\n- c", "path": str(tmp_path / "deck.pptx")},
        "revise_slide": {"path": str(tmp_path / "deck.pptx"), "slide": 2, "change": "## B\n- d"},
        "append_slides": {"path": str(tmp_path / "deck.pptx"), "more": "## E\n- f"},
        "read_deck": {"path": str(tmp_path / "deck.pptx")},
        "edit_deck": {"path": str(tmp_path / "deck.pptx"), "orders": [{"kind": "duplicate", "slide": 2}]},
        "tell_story": {"prompt": "a red cat", "pages": 2},
    }
    assert list(calls) == list(TOOLS)
    for name, arguments in calls.items():
        tool = TOOLS[name]
        result = tool.run(seedx, arguments)
        jsonschema.validate(json.loads(result.model_dump_json()), tool.schema()["returns"])
        assert tool.result.model_validate_json(result.model_dump_json()).model_dump_json() == result.model_dump_json()


def test_generate_passes_size_steps_and_seed_on(seedx: SeedX, engine: ScriptedEngine) -> None:
    result = TOOLS["generate"].run(
        seedx, {"prompt": "a red house", "width": 128, "height": 64, "num_inference_steps": 3, "seed": 5}
    )
    assert result.image.size == (128, 64)
    options = engine.requests[-1].options
    assert (options.num_inference_steps, options.seed) == (3, 5)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("generate", {}, "prompt: it is required; give a text that is not empty"),
        ("generate", {"prompt": "x", "hue": "red"}, "hue: there is no such argument; use prompt, images, seed, width"),
        ("generate", {"prompt": "x", "width": "big"}, 'width: "big" is not allowed; give a whole number'),
        ("generate", {"prompt": "   "}, "prompt is empty"),
        ("generate", {"prompt": "x", "width": 127, "height": 64}, "multiple of 8"),
        ("describe", {"images": ["missing.png"]}, "missing.png"),
        (
            "try_on",
            {"person": "a.png", "garment": "b.png", "region": [1, 2, 3]},
            r"region: \[1, 2, 3\] is not allowed; give a list of whole numbers \(exactly 4\), such as \[16, 32, 112",
        ),
        ("save_image", {"image": Image.new("RGB", (8, 8)), "path": "house.tiff"}, "\\.png, \\.jpg"),
        ("make_slides", {"prompt_or_outline": "x", "path": "deck.key"}, ".pptx"),
        ("make_slides", {"prompt_or_outline": "x", "path": "y\ud800.pptx"}, "is not text that names a file"),
        ("tell_story", {"prompt": "x", "pages": 0}, "pages"),
    ],
)
def test_invalid_arguments_can_be_fixed(seedx: SeedX, name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolRetry, match=message):
        TOOLS[name].run(seedx, arguments)


def test_a_failing_model_is_final() -> None:
    broken = SeedX(engine=ScriptedEngine(replies=[ModelError("out of memory; use a smaller size")]))
    with pytest.raises(ToolFailed, match="generate: out of memory"):
        TOOLS["generate"].run(broken, {"prompt": "a red house"})


def test_a_missing_specialist_is_final() -> None:
    info = ScriptedEngine().info.model_copy(update={"specialists": ()})
    image = to_data_uri(Image.new("RGB", (8, 8)))
    with pytest.raises(ToolFailed, match="try_on: .* Train one with `seedx train try_on`"):
        TOOLS["try_on"].run(SeedX(engine=ScriptedEngine(info=info)), {"person": image, "garment": image})


def test_tool_errors_are_seedx_errors() -> None:
    assert issubclass(ToolRetry, SeedXError) and issubclass(ToolFailed, SeedXError)


def test_detect_returns_boxes_on_the_given_picture(seedx: SeedX) -> None:
    result = TOOLS["detect"].run(seedx, {"image": to_data_uri(Image.new("RGB", (80, 40))), "phrase": "the red house"})
    assert result.boxes[0].pixels == (20, 10, 60, 30)
    assert result.annotated.size == (80, 40)


def test_a_saved_image_has_all_its_pixels(seedx: SeedX, picture: Image.Image, tmp_path: Path) -> None:
    saved = TOOLS["save_image"].run(seedx, {"image": picture, "path": str(tmp_path / "house.png")})
    with Image.open(saved.path) as read:
        assert read.tobytes() == picture.tobytes()
    assert TOOLS["save_image"].answer(saved).text == "Saved as house.png."
