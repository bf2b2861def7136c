"""Files that the Markdown of slides names: those of the allowed folders and the images of the thread, and no others."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")

from mcp import Client
from PIL import Image
from pptx import Presentation
from pptx.shapes.picture import Picture
from pptx.shapes.placeholder import PlaceholderPicture

from seedx_sdk import SeedX
from seedx_sdk.imaging import to_data_uri
from seedx_tools.adapters.langchain import seedx_toolkit
from seedx_tools.adapters.mcp import mcp_server
from seedx_tools.toolbox import Toolbox

RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a picture and a link to one outside."""
    folder = tmp_path / "root"
    folder.mkdir()
    Image.new("RGB", (640, 480), RED).save(folder / "house.png")
    Image.new("RGB", (640, 480), BLUE).save(tmp_path / "secret.png")
    os.symlink(tmp_path / "secret.png", folder / "link.png")
    (folder / "sales.csv").write_text("year,sales\n2024,3\n2025,4\n")
    return folder


def outline(*names: str) -> str:
    slides = (f"## Slide {number}\n- A point\n![a house]({name})\n" for number, name in enumerate(names))
    return "# T\n" + "".join(slides)


def colors(path: Path) -> list[object]:
    """Return a pixel of each picture of a deck, in order."""
    shapes = [shape for slide in Presentation(str(path)).slides for shape in slide.shapes]
    blobs = [shape.image.blob for shape in shapes if isinstance(shape, Picture | PlaceholderPicture)]
    return [Image.open(BytesIO(blob)).convert("RGB").getpixel((5, 5)) for blob in blobs]


def run(toolbox: Toolbox, name: str, **arguments: Any) -> tuple[str, ...]:
    return toolbox.run(name, {"path": "deck.pptx", "pictures": False, **arguments}).result.warnings


def test_files_of_the_roots_and_images_by_name_are_used_and_nothing_outside(seedx: SeedX, root: Path) -> None:
    toolbox, outside = Toolbox.of(seedx, roots=[root]), root.parent / "secret.png"
    toolbox.images.add(Image.new("RGB", (640, 480), BLUE))
    refused = ("link.png", "../secret.png", str(outside), f"file://{outside}")
    text = outline("house.png", "image:1", "sales.csv", *refused)
    warnings = run(toolbox, "make_slides", prompt_or_outline=text)
    assert colors(root / "deck.pptx") == [RED, BLUE]
    assert len(warnings) == len(refused)
    for warning, name in zip(warnings, refused, strict=True):
        assert f"'{name}' is outside the allowed folders; use image:1, a path" in warning


def test_all_tools_that_take_markdown_use_them(seedx: SeedX, root: Path) -> None:
    toolbox = Toolbox.of(seedx, roots=[root])
    toolbox.images.add(Image.new("RGB", (640, 480), BLUE))
    run(toolbox, "make_slides", prompt_or_outline="# T\n## One\n- p\n")
    assert run(toolbox, "append_slides", more="## More\n![a house](house.png)\n") == ()
    assert run(toolbox, "revise_slide", slide=2, change="## New\n- p\n![a house](image:1)\n") == ()
    order = {"kind": "insert", "after": 1, "content": "## Before\n- p\n![a house](house.png)\n"}
    assert run(toolbox, "edit_deck", orders=[order]) == ()
    assert sorted(map(str, colors(root / "deck.pptx"))) == sorted(map(str, [BLUE, RED, RED]))


async def test_over_mcp_and_langchain_where_names_in_images_come_before_files(seedx: SeedX, root: Path) -> None:
    arguments = {"prompt_or_outline": outline("house.png"), "path": "deck.pptx", "pictures": False}
    async with Client(mcp_server(Toolbox.of(seedx, roots=[root]))) as client:
        assert not (await client.call_tool("make_slides", arguments)).is_error
    assert colors(root / "deck.pptx") == [RED]
    (root / "deck.pptx").unlink()
    tools = {tool.name: tool for tool in seedx_toolkit(seedx, roots=[root]).get_tools()}
    blue = to_data_uri(Image.new("RGB", (640, 480), BLUE))
    await tools["make_slides"].ainvoke({**arguments, "images": {"house.png": blue}})
    assert colors(root / "deck.pptx") == [BLUE]
