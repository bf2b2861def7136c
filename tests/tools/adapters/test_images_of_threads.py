"""Images behind the doors that do not see the messages: kept apart by thread, and never another one after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from agents import Agent, RunContextWrapper
from agents.tool_context import ToolContext
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from PIL import Image
from pydantic import SecretStr

from seedx_sdk import SeedX
from seedx_sdk.imaging import open_image, to_data_uri
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import FolderImages, Toolbox
from seedx_tools.adapters.mcp import http_app, mcp_server
from seedx_tools.adapters.openai import chat_replies, name_uploads, response_outputs
from seedx_tools.adapters.openai_agents import agent_tools
from seedx_tools.adapters.smolagents import agent_tools as smol_tools
from tests.support.mcp_clients import connected, listening

DRAW = {"prompt": "a red house"}


async def by_chat(toolbox: Toolbox, name: str, args: dict[str, Any]) -> str:
    function = SimpleNamespace(name=name, arguments=json.dumps(args))
    return str(chat_replies(toolbox, [SimpleNamespace(id="1", function=function)])[0]["content"])


async def by_response(toolbox: Toolbox, name: str, args: dict[str, Any]) -> str:
    call = SimpleNamespace(type="function_call", call_id="1", name=name, arguments=json.dumps(args))
    return str(response_outputs(toolbox, [call])[0]["output"][0]["text"])


async def by_agents(toolbox: Toolbox, name: str, args: dict[str, Any], **options: Any) -> str:
    context = options.pop("context", None)
    tool = next(tool for tool in agent_tools(toolbox, **options) if tool.name == name)
    run = ToolContext(context, tool_name=name, tool_call_id="1", tool_arguments=json.dumps(args))
    said = await tool.on_invoke_tool(run, json.dumps(args))
    return said if isinstance(said, str) else str(said[0].text)


async def by_smolagents(toolbox: Toolbox, name: str, args: dict[str, Any]) -> str:
    tool = next(tool for tool in smol_tools(toolbox) if tool.name == name)
    try:
        return str(tool(**args))
    except Exception as error:  # smolagents tells the model its text
        return str(error)


async def by_mcp(toolbox: Toolbox, name: str, args: dict[str, Any]) -> str:
    async with Client(mcp_server(toolbox)) as client:
        return str((await client.call_tool(name, args)).content[0].text)  # type: ignore[union-attr]


DOORS = [by_chat, by_response, by_agents, by_smolagents, by_mcp]


def name_in(text: str) -> str:
    return text.partition("The image is ")[2].partition(".")[0]


@pytest.mark.parametrize("door", DOORS)
async def test_an_image_in_memory_is_gone_after_a_restart_and_no_other_has_its_name(
    door: Callable[..., Any], seedx: SeedX
) -> None:
    before, after = Toolbox.of(seedx), Toolbox.of(seedx)
    name = name_in(await door(before, "generate", DRAW))
    assert before.images[name] and len(name) == len("image:r9f1c2ab3")
    assert name_in(await door(before, "edit", {"image": name, "instruction": "make it blue"}))
    other = name_in(await door(after, "generate", DRAW))
    assert other != name
    told = await door(after, "edit", {"image": name, "instruction": "make it blue"})
    assert f"there is no image '{name}'; use {other}" in told


@pytest.mark.parametrize("door", DOORS)
async def test_an_image_in_a_folder_has_its_name_after_a_restart(
    door: Callable[..., Any], seedx: SeedX, tmp_path: Path
) -> None:
    before, after = (Toolbox.of(seedx, images=FolderImages(tmp_path / "images")) for _ in range(2))
    assert name_in(await door(before, "generate", DRAW)) == "image:1"
    told = await door(after, "edit", {"image": "image:1", "instruction": "make it blue"})
    assert name_in(told) == "image:2" and after.images["image:1"] == before.images["image:1"]


async def test_runs_of_agents_have_the_thread_of_their_context(seedx: SeedX, tmp_path: Path) -> None:
    toolbox = Toolbox.of(seedx, images=FolderImages(tmp_path / "images"))

    def of_user(run: RunContextWrapper[Any]) -> str:
        return str(run.context.user)

    alice, bob = ({"thread": of_user, "context": SimpleNamespace(user=user)} for user in ("alice", "bob"))
    assert name_in(await by_agents(toolbox, "generate", DRAW, **alice)) == "image:1"
    told = await by_agents(toolbox, "describe", {"images": ["image:1"]}, **bob)
    assert "there is no image 'image:1'; use a name from an earlier result" in told
    assert toolbox.in_thread("alice").images["image:1"] and not toolbox.in_thread("bob").images
    assert Agent(name="painter", tools=list(agent_tools(seedx, images=FolderImages(tmp_path / "images"), thread="x")))


def test_tools_of_smolagents_have_a_thread(seedx: SeedX, tmp_path: Path) -> None:
    images = FolderImages(tmp_path / "images")
    alice, bob = ({tool.name: tool for tool in smol_tools(seedx, images=images, thread=name)} for name in "ab")
    drawn = alice["generate"](prompt="a red house")
    assert (drawn.name, str(drawn)) == ("image:1", str(drawn)) and "The image is image:1." in str(drawn)
    with pytest.raises(Exception, match="there is no image 'image:1'"):
        bob["describe"](images=["image:1"])
    assert bob["generate"](prompt="a boat").name == "image:1"
    assert alice["final_answer"]("image:1").to_raw() == drawn.to_raw()
    assert alice["final_answer"]("done") == "done"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_no_client_of_mcp_over_http_reaches_the_images_of_another(
    seedx: SeedX, tmp_path: Path, mode: str
) -> None:
    server = mcp_server(Toolbox.of(seedx, roots=[tmp_path]))
    with listening(http_app(server, host="127.0.0.1", keys=(SecretStr("one"), SecretStr("two")))) as url:
        async with connected(url, "one", mode) as alice, connected(url, "two", mode) as bob:
            drawn = await alice.call_tool("generate", DRAW)
            name = drawn.structured_content["image"]
            assert (await alice.read_resource(name)).contents
            with pytest.raises(MCPError, match="there is no image"):
                await bob.read_resource(name)
            told = await bob.call_tool("edit", {"image": name, "instruction": "make it blue"})
            assert told.is_error and "there is no image" in told.content[0].text  # type: ignore[union-attr]
            mine = await alice.call_tool("edit", {"image": name, "instruction": "make it blue"})
            assert not mine.is_error
        if mode == "legacy":  # a session each, also with one key
            async with connected(url, "one", mode) as other:
                assert (await other.call_tool("describe", {"images": [name]})).is_error


async def test_a_folder_keeps_the_images_of_a_key_over_restarts(seedx: SeedX, tmp_path: Path) -> None:
    names: list[str] = []
    for _ in range(2):
        server = mcp_server(seedx, images=FolderImages(tmp_path / "images"))
        with listening(http_app(server, host="127.0.0.1", keys=(SecretStr("one"),))) as url:
            async with connected(url, "one", "auto") as client:
                for name in names:
                    assert not (await client.call_tool("describe", {"images": [name]})).is_error
                names.append((await client.call_tool("generate", DRAW)).structured_content["image"])
    assert len({*names}) == 2


async def test_clients_without_keys_and_sessions_cannot_guess_names(seedx: SeedX, tmp_path: Path) -> None:
    with listening(http_app(mcp_server(Toolbox.of(seedx, roots=[tmp_path])), host="127.0.0.1")) as url:
        async with httpx2.AsyncClient(timeout=60) as http, Client(streamable_http_client(url, http_client=http)) as one:
            name = (await one.call_tool("generate", DRAW)).structured_content["image"]
            told = await one.call_tool("describe", {"images": ["image:1"]})
    assert len(name) == len("image:") + 16 and name not in told.content[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize(("kind", "text"), [("image_url", "text"), ("input_image", "input_text")])
def test_uploads_in_messages_of_openai_have_names_that_outlive_the_process(
    picture: Image.Image, kind: str, text: str
) -> None:
    def image_part(image: Image.Image) -> dict[str, Any]:
        uri = to_data_uri(image)
        return {"type": kind, "image_url": {"url": uri} if kind == "image_url" else uri}

    before, after = (Toolbox.of(SeedX(engine=ScriptedEngine())) for _ in range(2))
    blue = Image.new("RGB", (40, 30), "blue")
    asked = [
        {"role": "system", "content": "You edit images."},
        {"role": "user", "content": [{"type": text, "text": "Compare them."}, image_part(picture), image_part(blue)]},
    ]
    named = name_uploads(before, asked)
    parts = named[1]["content"]
    assert [part["text"] for part in parts if part["type"] == text] == [
        "Compare them.",
        "image:1 (uploaded):",
        "image:2 (uploaded):",
    ]
    assert before.images["image:2"] == blue and name_uploads(before, named) == named
    later = [
        *named,
        {"role": "assistant", "content": "I drew image:7."},
        {"role": "user", "content": [image_part(blue)]},
    ]
    again = name_uploads(after, later)
    assert again[:3] == later[:3] and again[3]["content"][0]["text"] == "image:8 (uploaded):"
    assert after.images["image:1"] == open_image(to_data_uri(picture)) and "image:7" not in after.images
    assert after.run("describe", {"images": ["image:1"]}).text == "a scripted answer about 1 picture(s)"
    shown = {"role": "user", "content": [{"type": text, "text": "image:9:"}, image_part(blue)]}
    assert name_uploads(after, [shown]) == [shown], "what a tool showed has its name"
