"""What models write: slips whose meaning is sure work, all others are faults in words of JSON that name the cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import TOOLS, Toolbox, ToolRetry, make_slides

OUTLINE = "# Our house\n\n## What is there\n- A red house\n"
RIGHT: dict[str, dict[str, Any]] = {
    "describe": {"images": ["image:1"]},
    "detect": {"image": "image:1", "phrase": "the house"},
    "generate": {"prompt": "a house", "width": 128, "height": 64, "num_inference_steps": 4},
    "edit": {"image": "image:1", "instruction": "make it blue", "force": True, "guidance_scale": 3.5},
    "try_on": {"person": "image:1", "garment": "image:1", "region": [0, 0, 8, 16]},
    "save_image": {"image": "image:1", "path": "house.png"},
    "make_slides": {"prompt_or_outline": OUTLINE, "path": "new.pptx", "pictures": False, "theme": "night"},
    "revise_slide": {"path": "deck.pptx", "slide": 2, "change": "## New\n- a point", "pictures": False},
    "append_slides": {"path": "deck.pptx", "more": "## More\n- a point", "pictures": False},
    "read_deck": {"path": "deck.pptx"},
    "edit_deck": {"path": "deck.pptx", "orders": [{"kind": "duplicate", "slide": 2}], "overwrite": True},
    "tell_story": {"prompt": "a red cat", "pages": 2, "first_images": ["image:1"]},
}
"""A right call of every tool."""
IMAGE_SLIPS = [
    *("Image:1", "image 1", "image_1", "`image:1`", "image:1.png", "IMAGE-1", '"image:1"', "1", "[image:1]"),
    *("image:1 (my cat.png)", "my cat.png", "My Cat.PNG", "/mnt/data/my cat.png", ["image:1"], '["image:1"]'),
]


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("deck") / "deck.pptx"
    return make_slides(SeedX(engine=ScriptedEngine()), OUTLINE, path=path, pictures=False).path.read_bytes()


@pytest.fixture
def toolbox(seedx: SeedX, tmp_path: Path, picture: Image.Image, deck: bytes) -> Toolbox:
    """A toolbox with image:1, called "my cat.png", and with deck.pptx, as its tools wrote it."""
    box = Toolbox.of(seedx, roots=[tmp_path])
    box.images.add(picture, label="my cat.png")
    (tmp_path / "deck.pptx").write_bytes(deck)
    box.workspace.note_written(tmp_path / "deck.pptx")
    return box


def _as_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else f" {value} " if isinstance(value, int | float) else value


SLIPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "numbers and booleans as text": lambda args: {name: _as_text(value) for name, value in args.items()},
    "seed is null": lambda args: args | {"seed": None},
    "seed is empty": lambda args: args | {"seed": " "},
    "seed is the word none": lambda args: args | {"seed": "None"},
    "an unknown argument that is empty": lambda args: args | {"style": ""},
    "names in capitals": lambda args: {name.title().replace("_", ""): value for name, value in args.items()},
    "lists as JSON": lambda args: {
        name: str(value) if isinstance(value, list) else value for name, value in args.items()
    },
    "lists without quotes": lambda args: {
        n: f"[{', '.join(map(str, v))}]" if isinstance(v, list) else v for n, v in args.items()
    },
    "one image as text": lambda args: {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in args.items()
    },
    "choices in capitals": lambda args: {n: v.upper() if n == "theme" else v for n, v in args.items()},
}


def test_there_is_a_right_call_of_every_tool() -> None:
    assert list(RIGHT) == list(TOOLS)


@pytest.mark.parametrize("name", RIGHT)
def test_a_slip_means_the_same_as_the_right_call(toolbox: Toolbox, name: str) -> None:
    right = TOOLS[name].check(RIGHT[name], toolbox.workspace)
    for slip, written in SLIPS.items():
        assert TOOLS[name].check(written(RIGHT[name]), toolbox.workspace) == right, slip


@pytest.mark.parametrize("name", [name for name, args in RIGHT.items() if "image:1" in str(args)])
def test_an_image_is_found_by_every_name_that_surely_means_it(toolbox: Toolbox, name: str) -> None:
    field = next(field for field, value in RIGHT[name].items() if "image:1" in str(value))
    for written in IMAGE_SLIPS:
        found = getattr(TOOLS[name].check(RIGHT[name] | {field: written}, toolbox.workspace), field)
        assert toolbox.images["image:1"] in (found, *(found if isinstance(found, tuple) else ())), written


def test_names_are_files_first_and_ambiguous_ones_are_faults(toolbox: Toolbox, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "lime").save(tmp_path / "image_1.png")
    for path in ("image_1.png", str(tmp_path / "image_1.png"), f"file://{tmp_path}/image_1.png"):
        assert toolbox.workspace.resolve_image(path) == tmp_path / "image_1.png"
    toolbox.images.add(Image.new("RGB", (8, 8), "blue"), label="MY CAT.png")
    assert toolbox.workspace.resolve_image("MY CAT.png") is toolbox.images["image:2"]
    with pytest.raises(ToolRetry, match=r"'My cat.png' does not exist; use image:1 \(my cat.png\), image:2 \(MY"):
        toolbox.run("detect", {"image": "My cat.png", "phrase": "a cat"})


@pytest.mark.parametrize(
    ("name", "args", "fault"),
    [
        ("describe", {"images": ["image:9"]}, "images[0]: there is no image 'image:9'; use image:1 (my cat.png)"),
        ("describe", {"images": {"a": 1}}, "images[0]: an image must be given as text, such as image:1"),
        ("describe", {"images": []}, 'images: [] is not allowed; give a list of texts (at least 1), such as ["image:'),
        ("describe", {}, 'images: it is required; give a list of texts (at least 1), such as ["image:1"]'),
        ("describe", {"images": None}, "images: it is required; give a list of texts (at least 1), such as ["),
        ("detect", {"image": "missing.png"}, "image: 'missing.png' does not exist; use image:1 (my cat.png)"),
        ("detect", {"image": ["image:1", "image:1"]}, "image: 2 values are given; give one image, such as image:1"),
        ("generate", {"size": "16:9"}, 'generate: size "16:9" is not a size in pixels; give width and height, '
         'multiples of 8, such as "width": 512, "height": 288'),
        ("generate", {"seed": "many"}, 'seed: "many" is not allowed; give a whole number of at least 0'),
        ("generate", {"num_inference_steps": 5000}, "num_inference_steps 5000 is not allowed; use a whole number"),
        ("generate", {"prompt": ""}, 'prompt: "" is not allowed; give a text that is not empty'),
        ("generate", {"prompt": ["a", "b"]}, 'prompt: ["a", "b"] is not allowed; give a text that is not empty'),
        ("generate", {"colour": "red"}, "colour: there is no such argument; use prompt, images, seed, width, height"),
        ("edit", {"force": "perhaps"}, 'force: "perhaps" is not allowed; give true or false'),
        ("try_on", {"region": "here"}, 'region[0]: "here" is not allowed; give a whole number'),
        ("make_slides", {"theme": "pink"}, 'theme: "pink" is not allowed; give one of "paper", '),
        ("make_slides", {"num_slides": 0}, "num_slides: 0 is not allowed; give a whole number from 1 to "),
        ("make_slides", {"path": "../deck.pptx"}, "'../deck.pptx' is outside the allowed folders; use a relative path"),
        ("make_slides", {"path": "deck.key"}, "make_slides: 'deck.key' ends in '.key'; use one of .pptx"),
        ("make_slides", {"path": "no/deck.pptx"}, "path: the folder of 'no/deck.pptx' does not exist"),
        ("revise_slide", {"slide": 9}, "revise_slide: there is no slide 9; the deck has slides 1 to 2"),
        ("revise_slide", {"path": "none.pptx"}, "'none.pptx'"),
        ("append_slides", {"more": "and so on"}, "append_slides: slides to append must be Markdown"),
        ("edit_deck", {"orders": [{"kind": "delete", "slide": 9}]}, "order 1 (delete): there is no slide 9"),
        ("edit_deck", {"orders": [{"kind": "merge", "file": "../x.pptx"}]}, "is outside the allowed folders"),
        ("edit_deck", {"orders": [{"kind": "move"}]}, "the order 'move' needs 'slide'"),
        ("tell_story", {"pages": 0}, "pages: 0 is not allowed; give a whole number from 1 to "),
    ],
)  # fmt: skip
def test_a_fault_says_what_is_allowed_in_words_of_json(
    toolbox: Toolbox, tmp_path: Path, name: str, args: dict[str, Any], fault: str
) -> None:
    right = {} if not args or args.get("images", 0) is None else RIGHT[name]
    with pytest.raises(ToolRetry) as caught:
        toolbox.run(name, right | args)
    told = str(caught.value)
    assert fault in told
    assert not re.search(rf"tuple|pydantic|Input|regex|\^|{tmp_path}", told) and told.count(";") <= 1


def test_a_size_may_be_one_argument(seedx: SeedX) -> None:
    for size in ("128x64", "128 × 64", "128px*64px", [128, 64], {"width": "128", "height": 64}):
        image = TOOLS["generate"].run(seedx, {"prompt": "a house", "size": size}).image
        assert image.size == (128, 64)


def test_what_a_text_says_stays_as_it_is(toolbox: Toolbox) -> None:
    for text in ("none", "[1, 2]", " spaces ", "7"):
        args = TOOLS["generate"].check({"prompt": text}, toolbox.workspace)
        assert args.prompt == text
    assert TOOLS["try_on"].check(RIGHT["try_on"] | {"phrase": ""}, toolbox.workspace).phrase == "the clothes"
