"""The MCP server, driven by the SDK's own client: in process, over stdio and HTTP, in both protocol versions."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import ImageContent, ResourceLink, TextContent
from PIL import Image
from pydantic import SecretStr

from seedx_sdk import ModelError, SeedX
from seedx_sdk.imaging import open_image, to_data_uri
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import TOOLS, FolderImages, ImageStore
from seedx_tools.adapters.mcp import http_app, mcp_server
from seedx_tools.toolbox import Toolbox
from tests.support.mcp_clients import connected, listening

OUTLINE = "# Our house\n\n## What is there\n- A red house\n"


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def toolbox(seedx: SeedX, root: Path) -> Toolbox:
    return Toolbox.of(seedx, roots=[root])


async def test_tools_are_listed_with_the_schemas_of_arguments_and_results(seedx: SeedX, tmp_path: Path) -> None:
    async with Client(mcp_server(toolbox(seedx, tmp_path))) as client:
        listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == list(TOOLS)
    for tool in listed:
        assert tool.input_schema == TOOLS[tool.name].schema()["parameters"]
        assert tool.output_schema is not None and "data-uri" not in str(tool.output_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
    hints = {tool.name: tool.annotations for tool in listed}
    assert all(hint is not None and hint.title and hint.open_world_hint is False for hint in hints.values())
    assert [name for name, hint in hints.items() if hint and hint.read_only_hint] == ["describe", "detect", "read_deck"]
    writing = {name for name, hint in hints.items() if hint and hint.destructive_hint}
    assert writing >= {"make_slides", "tell_story", "save_image"} and writing.isdisjoint({"generate", "edit", "try_on"})


async def test_images_are_listed_over_stdio_and_secret_over_http(seedx: SeedX, tmp_path: Path) -> None:
    async with Client(mcp_server(toolbox(seedx, tmp_path))) as client:
        assert client.server_capabilities.resources is not None
        assert (await client.list_resources()).resources == []
        drawn = (await client.call_tool("generate", {"prompt": "a red house"})).structured_content
        assert drawn is not None
        assert [resource.uri for resource in (await client.list_resources()).resources] == [drawn["image"]]
    with listening(http_app(mcp_server(toolbox(seedx, tmp_path)), host="127.0.0.1")) as url:
        async with connected(url, "any", "auto") as other:
            await other.call_tool("generate", {"prompt": "a red house"})
            assert (await other.list_resources()).resources == []


async def test_try_on_answers_where_the_model_can_and_says_how_to_train_it_elsewhere(
    tmp_path: Path, picture: Image.Image
) -> None:
    arguments = {"person": "image:1", "garment": "image:1", "region": [0, 0, 16, 16]}
    able = ScriptedEngine().info
    answers = []
    for info in (able, able.model_copy(update={"specialists": ()})):
        box = toolbox(SeedX(engine=ScriptedEngine(info=info)), tmp_path)
        box.images.add(picture)
        async with Client(mcp_server(box)) as client:
            answers.append(await client.call_tool("try_on", arguments))
    dressed, refused = answers
    assert dressed.structured_content is not None and dressed.structured_content["region"]["pixels"] == [0, 0, 16, 16]
    assert refused.is_error and isinstance(refused.content[0], TextContent)
    assert "seedx train try_on" in refused.content[0].text


async def test_every_tool_answers_with_text_and_in_its_schema(
    nano: SeedX, tmp_path: Path, picture: Image.Image, mode: str
) -> None:
    box = toolbox(nano, tmp_path)
    box.images.add(picture)
    calls: dict[str, dict[str, Any]] = {
        "describe": {"images": ["image:1"]},
        "detect": {"image": "image:1", "phrase": "the red house"},
        "generate": {"prompt": "a red house", "num_inference_steps": 2},
        "edit": {"image": "image:1", "instruction": "make it blue", "num_inference_steps": 2, "force": True},
        "save_image": {"image": "image:1", "path": "saved.png"},
        "make_slides": {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False},
        "revise_slide": {"path": "deck.pptx", "slide": 2, "change": "## New\n- A point", "pictures": False},
        "append_slides": {"path": "deck.pptx", "more": "## More\n- A point", "pictures": False},
        "read_deck": {"path": "deck.pptx"},
        "edit_deck": {"path": "deck.pptx", "orders": [{"kind": "duplicate", "slide": 2}]},
        "tell_story": {"prompt": "a red cat", "pages": 1},
    }
    async with Client(mcp_server(box), mode=mode) as client:
        schemas: dict[str, Any] = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        for name, args in calls.items():
            answer = await client.call_tool(name, args)
            assert not answer.is_error and isinstance(answer.content[0], TextContent)
            jsonschema.validate(answer.structured_content, schemas[name] or False)
            assert "base64" not in str(answer.structured_content)
        drawn = await client.call_tool("generate", calls["generate"])
        text, shown, link = drawn.content
        assert isinstance(link, ResourceLink) and link.uri == drawn.structured_content["image"]
        assert isinstance(shown, ImageContent) and shown.mime_type == "image/png"
        name = drawn.structured_content["image"]
        assert isinstance(text, TextContent) and f"The image is {name}." in text.text
        (whole,) = (await client.read_resource(name)).contents
        assert open_image(base64.b64decode(whole.blob)) == box.images[name]  # type: ignore[union-attr]
        assert open_image(base64.b64decode(shown.data)) == box.images[name]
        with pytest.raises(MCPError, match="there is no image 'image:999'"):
            await client.read_resource("image:999")
    assert (tmp_path / "deck.pptx").is_file()


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("draw", {}, "there is no tool 'draw'; use one of describe, detect"),
        ("generate", {}, "prompt: it is required; give a text"),
        ("generate", {"prompt": "x", "hue": "red"}, "hue: there is no such argument; use prompt, images, seed, width"),
        (
            "generate",
            {"prompt": "x", "num_inference_steps": "few"},
            'num_inference_steps: "few" is not allowed; give a whole number from 1 to 1000, such as 1',
        ),
        ("detect", {"image": "image:9", "phrase": "x"}, "there is no image 'image:9'"),
        ("detect", {"image": "/etc/passwd", "phrase": "x"}, "outside the allowed folders"),
        ("detect", {"image": "http://127.0.0.1/a.png", "phrase": "x"}, "fetches no images from '127.0.0.1'"),
        ("make_slides", {"prompt_or_outline": "x", "path": "/tmp/x.pptx"}, "outside the allowed folders"),
    ],
)
async def test_an_invalid_call_is_an_error_result_for_the_model(
    seedx: SeedX, tmp_path: Path, name: str, args: dict[str, Any], words: str, mode: str
) -> None:
    async with Client(mcp_server(toolbox(seedx, tmp_path)), mode=mode) as client:
        answer = await client.call_tool(name, args)
    assert answer.is_error and isinstance(answer.content[0], TextContent) and words in answer.content[0].text


async def test_a_failing_model_is_an_error_result(tmp_path: Path) -> None:
    broken = SeedX(engine=ScriptedEngine([ModelError("out of memory")]))
    async with Client(mcp_server(toolbox(broken, tmp_path))) as client:
        answer = await client.call_tool("generate", {"prompt": "a house"})
    assert answer.is_error and answer.content[0].text == "generate: out of memory"  # type: ignore[union-attr]


async def progress_then_cancel(client: Client) -> None:
    """Generate in a few steps and check the progress; start a long generation, cancel it, and generate again."""
    steps: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, total, message))

    await client.call_tool("generate", {"prompt": "a red house", "num_inference_steps": 3}, progress_callback=note)
    assert steps == [(1, 3, "denoising"), (2, 3, "denoising"), (3, 3, "denoising")]
    steps.clear()
    with anyio.CancelScope() as scope:

        async def leave(progress: float, total: float | None, message: str | None) -> None:
            await note(progress, total, message)
            scope.cancel()

        await client.call_tool(
            "generate", {"prompt": "a red house", "num_inference_steps": 200}, progress_callback=leave
        )
    assert scope.cancelled_caught
    answer = await client.call_tool("generate", {"prompt": "a red house", "num_inference_steps": 1})
    assert not answer.is_error and len(steps) < 200


async def test_progress_and_cancellation(nano: SeedX, tmp_path: Path, mode: str) -> None:
    async with Client(mcp_server(toolbox(nano, tmp_path)), mode=mode) as client:
        await progress_then_cancel(client)


async def test_the_command_on_stdio(tmp_path: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=[
            *("-m", "seedx_sdk", "mcp", "--root", str(tmp_path), "--tool", "generate", "--tool", "make_slides"),
            *("--images", str(tmp_path / "images")),
        ],
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
    )
    async with Client(command) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["generate", "make_slides"]
        await progress_then_cancel(client)
        args = {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False}
        assert not (await client.call_tool("make_slides", args)).is_error
    assert (tmp_path / "deck.pptx").is_file()
    assert ImageStore(FolderImages(tmp_path / "images"))["image:1"].size == (128, 128)


async def test_over_http_with_keys(nano: SeedX, tmp_path: Path, mode: str) -> None:
    server = mcp_server(toolbox(nano, tmp_path))
    with listening(http_app(server, host="127.0.0.1", keys=(SecretStr("one"), SecretStr("two")))) as url:
        async with connected(url, "two", mode) as client:
            await progress_then_cancel(client)
            drawn = await client.call_tool("generate", {"prompt": "a red house", "num_inference_steps": 1})
            name = drawn.structured_content["image"]
            assert len(name) == len("image:") + 16
            guessed = await client.call_tool("describe", {"images": ["image:1"]})
            assert guessed.is_error and name not in guessed.content[0].text  # type: ignore[union-attr]
        async with httpx2.AsyncClient() as http:
            for headers in ({}, {"Authorization": "Bearer three"}, {"Authorization": "Basic two"}):
                assert (await http.post(url, json={}, headers=headers)).status_code == 401
            strange = {"Authorization": "Bearer two", "Host": "evil.example.org"}
            assert (await http.post(url, json={}, headers=strange)).status_code == 421


def test_a_data_uri_is_accepted(seedx: SeedX, tmp_path: Path, picture: Image.Image) -> None:
    outcome = toolbox(seedx, tmp_path).run("describe", {"images": [to_data_uri(picture)]})
    assert (outcome.text, outcome.image) == ("a scripted answer about 1 picture(s)", None)
