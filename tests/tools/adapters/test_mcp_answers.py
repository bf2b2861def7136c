"""The size of answers over the Model Context Protocol: under 1 MiB each, with everything within reach."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ImageContent, ResourceLink, TextContent
from PIL import Image

from seedx_sdk import Message, SeedX
from seedx_sdk.imaging import open_image
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.adapters import mcp as mcp_adapter
from seedx_tools.adapters.mcp import mcp_server
from seedx_tools.adapters.mcp_answers import tool_answer
from seedx_tools.toolbox import Toolbox

MIB = 1 << 20


def noise(width: int, height: int) -> Image.Image:
    """Return an image that no format makes much smaller."""
    return Image.frombytes("RGB", (width, height), random.Random(0).randbytes(width * height * 3))


@pytest.mark.parametrize(("size", "kind"), [((700, 700), "jpeg"), ((300, 300), "png")])
async def test_a_large_image_is_compressed_and_whole_as_a_resource(
    tmp_path: Path, size: tuple[int, int], kind: str
) -> None:
    drawn = noise(*size)
    box = Toolbox.of(SeedX(engine=ScriptedEngine([Message.assistant(drawn)])), roots=[tmp_path])
    async with Client(mcp_server(box)) as client:
        answer = await client.call_tool("generate", {"prompt": "noise"})
        assert len(answer.model_dump_json()) < MIB
        _, shown, link = answer.content
        assert isinstance(shown, ImageContent) and isinstance(link, ResourceLink)
        assert shown.mime_type == f"image/{kind}"
        assert open_image(base64.b64decode(shown.data)).size == size
        (whole,) = (await client.read_resource(link.uri)).contents
        assert open_image(base64.b64decode(whole.blob)) == drawn  # type: ignore[union-attr]


async def test_beside_a_long_text_the_text_is_cut_and_the_image_scaled(tmp_path: Path) -> None:
    drawn = noise(760, 760)
    long = Message.assistant("A word. " * 150_000, drawn)
    box = Toolbox.of(SeedX(engine=ScriptedEngine([long])), roots=[tmp_path])
    async with Client(mcp_server(box)) as client:
        answer = await client.call_tool("generate", {"prompt": "noise"})
    assert not answer.is_error and len(answer.model_dump_json()) < MIB
    text, shown, link = answer.content
    assert isinstance(text, TextContent) and "texts of more than 20000 characters were cut" in text.text
    assert isinstance(link, ResourceLink) and link.uri == answer.structured_content["image"]
    assert isinstance(shown, ImageContent)


@pytest.mark.parametrize(("shape", "expected"), [((200_000,), 1000), ((300, 300), 200), ((50, 50, 50), 10)])
def test_many_short_texts_are_cut_to_fewer(shape: tuple[int, ...], expected: int) -> None:
    data: Any = "point"
    for size in shape:
        data = [data] * size
    outcome = SimpleNamespace(text="Read the deck.", data={"title": "Boats", "slides": data}, image=None)
    answer = tool_answer(outcome)  # type: ignore[arg-type]
    assert len(answer.model_dump_json()) < MIB
    (text,) = answer.content
    assert isinstance(text, TextContent) and "Read the deck.\nWarning: texts of more than 160" in text.text
    assert answer.structured_content is not None and answer.structured_content["title"] == "Boats"
    kept = answer.structured_content["slides"]
    assert len(kept) == expected


async def test_images_have_titles_wherever_they_are_named(seedx: SeedX, tmp_path: Path) -> None:
    async with Client(mcp_server(Toolbox.of(seedx, roots=[tmp_path]))) as client:
        answer = await client.call_tool("generate", {"prompt": "a house"})
        link = answer.content[-1]
        (listed,) = (await client.list_resources()).resources
        (template,) = (await client.list_resource_templates()).resource_templates
    assert isinstance(link, ResourceLink) and template.title == "Image"
    for image in (link, listed):
        assert image.title == f"Image {image.name.partition(':')[2]}"
    audiences = [image.annotations.audience for image in (link, listed, template) if image.annotations is not None]
    assert audiences == [["user", "assistant"]] * 3


async def test_resources_come_in_pages(seedx: SeedX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_adapter, "_PAGE", 3)
    box = Toolbox.of(seedx, roots=[tmp_path])
    names = [box.images.add(Image.new("RGB", (1, 1), (number, 0, 0))) for number in range(4)]
    async with Client(mcp_server(box)) as client:
        first = await client.list_resources()
        assert len(first.resources) == 3
        second = await client.list_resources(cursor=first.next_cursor)
        assert [resource.uri for resource in (*first.resources, *second.resources)] == names
        assert second.next_cursor is None
        with pytest.raises(MCPError, match="there is no page 'x'"):
            await client.list_resources(cursor="x")
