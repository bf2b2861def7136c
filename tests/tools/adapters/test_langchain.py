"""The tools in LangChain: its own conformance suites, a LangGraph agent, and calls that a model gets wrong."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from langgraph.checkpoint.memory import InMemorySaver
from PIL import Image
from pptx import Presentation

from seedx_sdk import Detection, EditedImage, GeneratedImage, InputError, ModelError, OverloadedError, SeedX
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import open_image, to_data_uri, to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import TOOLS, Deck, ToolFailed, ToolRetry
from seedx_tools.adapters.langchain import PROGRESS_EVENT, SeedXToolkit, seedx_toolkit
from seedx_tools.toolbox import Toolbox
from seedx_tools.workspace import Workspace

OUTLINE = "# Our house\n\n## What is there\n- A red house\n- A green tree\n"
EXAMPLES: dict[str, dict[str, Any]] = {
    "describe": {"images": ["image:1"]},
    "detect": {"image": "image:1", "phrase": "the red house"},
    "generate": {"prompt": "a red house", "num_inference_steps": 2},
    "edit": {"image": "image:1", "instruction": "make the house blue", "num_inference_steps": 2, "force": True},
    "try_on": {"person": "image:1", "garment": "image:1", "region": [0, 0, 16, 16]},
    "save_image": {"image": "image:1", "path": "saved.png"},
    "make_slides": {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False},
    "revise_slide": {"path": "deck.pptx", "slide": 2, "change": "## New\n- A point", "pictures": False},
    "append_slides": {"path": "deck.pptx", "more": "## More\n- A point", "pictures": False},
    "read_deck": {"path": "deck.pptx"},
    "edit_deck": {"path": "deck.pptx", "orders": [{"kind": "duplicate", "slide": 2}]},
    "tell_story": {"prompt": "a red cat", "pages": 1},
}


class _Standard:
    name: str
    toolkit: SeedXToolkit

    @pytest.fixture(autouse=True)
    def _open(self, toolkit: SeedXToolkit, picture: Image.Image) -> None:
        if self.name == "try_on":  # nano has no such specialist
            toolkit = seedx_toolkit(SeedX(engine=ScriptedEngine()), roots=["."])
        if self.name in ("revise_slide", "append_slides", "read_deck", "edit_deck"):
            toolkit.toolbox.run("make_slides", EXAMPLES["make_slides"])
        self.toolkit = toolkit
        toolkit.toolbox.images.add(picture)

    @property
    def tool_constructor(self) -> BaseTool:
        return next(tool for tool in self.toolkit.get_tools() if tool.name == self.name)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


for _name in TOOLS:
    for _suite in (ToolsUnitTests, ToolsIntegrationTests):
        _title = f"Test_{_name}_{_suite.__name__}"
        globals()[_title] = type(_title, (_Standard, _suite), {"name": _name})


@pytest.fixture
def toolkit(nano: SeedX, tmp_path: Path) -> SeedXToolkit:
    return seedx_toolkit(nano, roots=[tmp_path])


@pytest.fixture
def scripted(seedx: SeedX, tmp_path: Path) -> SeedXToolkit:
    return seedx_toolkit(seedx, roots=[tmp_path], handle_tool_error=False)


def tool(toolkit: SeedXToolkit, name: str) -> BaseTool:
    return next(tool for tool in toolkit.get_tools() if tool.name == name)


def call(toolkit: SeedXToolkit, name: str, **args: Any) -> ToolMessage:
    message = tool(toolkit, name).invoke({"type": "tool_call", "id": "1", "name": name, "args": args})
    assert isinstance(message, ToolMessage)
    return message


class _ScriptedModel(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **_kwargs: Any) -> _ScriptedModel:
        assert [tool.name for tool in tools] == list(TOOLS)
        return self


def script(*calls: tuple[str, dict[str, Any]]) -> Iterator[AIMessage]:
    for number, (name, args) in enumerate(calls):
        yield AIMessage("", tool_calls=[{"type": "tool_call", "id": f"call-{number}", "name": name, "args": args}])
    yield AIMessage("All done.")


def test_an_agent_looks_finds_edits_and_makes_a_deck(toolkit: SeedXToolkit, tmp_path: Path) -> None:
    images = toolkit.images_of("1")
    scene = "a red house and a green tree in a meadow"
    drawn = toolkit.toolbox.run("generate", {"prompt": scene, "num_inference_steps": 8, "seed": 7}).image
    assert drawn is not None and images.add(drawn) == "image:1"
    model = _ScriptedModel(
        messages=script(
            ("describe", {"images": ["image:1"]}),
            ("detect", {"image": "image:1", "phrase": "the red house"}),
            ("edit", {"image": "image:9", "instruction": "make the house blue"}),
            ("edit", {"image": "image:1", "instruction": "make the house blue", "num_inference_steps": 4}),
            ("make_slides", {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False}),
        )
    )
    agent = create_agent(model, toolkit.get_tools(), checkpointer=InMemorySaver())
    thread: RunnableConfig = {"configurable": {"thread_id": "1"}}
    state = agent.invoke({"messages": [HumanMessage("Look at image:1.")]}, thread)
    looked, found, mistaken, edited, deck = (m for m in state["messages"] if isinstance(m, ToolMessage))
    assert "house" in looked.text and looked.artifact.text in looked.text
    assert isinstance(found.artifact, Detection) and found.artifact.boxes and "red house" in found.text
    assert mistaken.status == "error" and "use image:1, image:2" in mistaken.text
    assert isinstance(edited.artifact, EditedImage)
    assert images[edited.content[1]["id"]] is edited.artifact.image  # type: ignore[index]
    assert isinstance(deck.artifact, Deck) and deck.artifact.path == tmp_path / "deck.pptx"
    assert [slide.shapes.title.text for slide in Presentation(str(deck.artifact.path)).slides][0] == "Our house"
    assert state["messages"][-1].text == "All done."
    kept = [m for m in agent.get_state(thread).values["messages"] if isinstance(m, ToolMessage)]
    assert EditedImage.model_validate(kept[3].artifact) == edited.artifact, "a checkpoint keeps what artifacts hold"


def test_the_content_is_short_and_the_artifact_whole(toolkit: SeedXToolkit) -> None:
    message = call(toolkit, "generate", prompt="a red house", width=776, height=64, num_inference_steps=1)
    text, picture = list(message.content)
    assert isinstance(text, dict) and isinstance(picture, dict)
    assert text["text"].startswith(
        "Generated an image of 776x64 pixels with seed 0.\nThe image is image:1.\nWarning: 776x64"
    )
    assert (picture["type"], picture["mime_type"], picture["id"]) == ("image", "image/png", "image:1")
    assert open_image(base64.b64decode(picture["base64"])).size == (768, 63)
    assert isinstance(message.artifact, GeneratedImage) and message.artifact.image is not None
    assert message.artifact.image.size == (776, 64)


def test_a_chat_model_that_cannot_see_gets_only_names(nano: SeedX) -> None:
    message = call(seedx_toolkit(nano, show_images=False), "generate", prompt="a red house", num_inference_steps=1)
    assert [block["type"] for block in message.content] == ["text"]  # type: ignore[index]


def test_images_are_given_as_path_data_uri_name_block_or_allowed_url(
    seedx: SeedX, engine: ScriptedEngine, tmp_path: Path, picture: Image.Image
) -> None:
    async def public(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    network = httpx.MockTransport(lambda _request: httpx.Response(200, content=to_png(picture)))
    fetcher = ImageFetcher(["example.org"], max_bytes=10_000, resolve=public, transport=network)
    toolkit = seedx_toolkit(Toolbox(seedx, workspace=Workspace(roots=[tmp_path], fetcher=fetcher)))
    picture.save(tmp_path / "page.png")
    data = base64.b64encode(to_png(picture)).decode()
    for given in (
        "page.png",
        str(tmp_path / "page.png"),
        to_data_uri(picture),
        toolkit.toolbox.images.add(picture),
        "https://example.org/page.png",
        {"type": "image", "base64": data, "mime_type": "image/png"},
        {"type": "image", "url": "https://example.org/page.png"},
        {"type": "image", "file_id": "image:1"},
        {"type": "image_url", "image_url": {"url": to_data_uri(picture)}},
        picture,
    ):
        call(toolkit, "detect", image=given, phrase="the rectangle")
        assert engine.requests[-1].messages[-1].images == (picture,)


BLOCK = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        (
            "detect",
            {"image": "image:1", "phrase": "x", "zoom": 2},
            "zoom: there is no such argument; use image, ",
        ),
        ("detect", {"image": 3, "phrase": "x"}, "image: an image must be given as text, such as image:1"),
        ("detect", {"phrase": "x"}, "image: it is required; give a text, such as"),
        ("generate", {"prompt": "x", "seed": "many"}, 'seed: "many" is not allowed; give a whole number'),
        ("detect", {"image": "image:7", "phrase": "x"}, "image: there is no image 'image:7'; use image:1"),
        ("detect", {"image": "missing.png", "phrase": "x"}, "'missing.png' does not exist; use image:1"),
        ("detect", {"image": "/etc/passwd", "phrase": "x"}, "image: '/etc/passwd' is outside the allowed folders"),
        ("detect", {"image": "../page.png", "phrase": "x"}, "outside the allowed folders"),
        ("detect", {"image": "link/passwd", "phrase": "x"}, "outside the allowed folders"),
        ("detect", {"image": "https://example.org/a.png", "phrase": "x"}, "fetches no images from 'example.org'"),
        ("detect", {"image": "file:///etc/passwd", "phrase": "x"}, "outside the allowed folders"),
        ("detect", {"image": "a\0b", "phrase": "x"}, "outside the allowed folders"),
        (
            "detect",
            {"image": BLOCK | {"url": "https://a.org"}, "phrase": "x"},
            "exactly one of base64, url and file_id",
        ),
        ("detect", {"image": {"type": "image"}, "phrase": "x"}, "exactly one of base64, url and file_id"),
        ("detect", {"image": {"type": "audio"}, "phrase": "x"}, "of type 'audio' is not an image"),
        ("detect", {"image": BLOCK, "phrase": "x"}, "not a readable image"),
        ("describe", {"images": ["image:1", "image:8"]}, "images[1]: there is no image 'image:8'"),
        ("make_slides", {"prompt_or_outline": "x", "path": "/tmp/deck.pptx"}, "path: '/tmp/deck.pptx' is outside"),
        ("make_slides", {"prompt_or_outline": "x", "path": "a.pptx", "template": "/x.pptx"}, "template: '/x.pptx'"),
        ("tell_story", {"prompt": "x", "path": "../story.pdf"}, "path: '../story.pdf' is outside"),
    ],
)
def test_an_invalid_call_is_an_exception_that_says_how_to_fix_it(
    scripted: SeedXToolkit, picture: Image.Image, tmp_path: Path, name: str, args: dict[str, Any], words: str
) -> None:
    scripted.toolbox.images.add(picture)
    os.symlink("/etc", tmp_path / "link")
    with pytest.raises(ToolException) as caught:
        call(scripted, name, **args)
    assert words in str(caught.value) and str(caught.value).endswith(". Fix the arguments and call again.")
    assert isinstance(caught.value.__cause__, ToolRetry)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1"])
def test_a_url_to_a_private_address_is_rejected_also_after_a_redirect(
    seedx: SeedX, tmp_path: Path, address: str
) -> None:
    async def resolve(host: str, _port: int) -> list[str]:
        return [address] if host == "inner.org" else ["93.184.216.34"]

    def redirect(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "93.184.216.34"
        return httpx.Response(302, headers={"location": "http://inner.org/secret"})

    transport = httpx.MockTransport(redirect)
    fetcher = ImageFetcher(["*.org"], max_bytes=10_000, resolve=resolve, transport=transport)
    toolkit = seedx_toolkit(Toolbox(seedx, workspace=Workspace(roots=[tmp_path], fetcher=fetcher)))
    for url in ("http://inner.org/a.png", "http://outer.org/a.png"):
        message = call(toolkit, "detect", image=url, phrase="x")
        assert message.status == "error" and "'inner.org' is in a private network" in message.text


def test_the_error_of_a_failing_model_says_not_to_repeat_the_call(tmp_path: Path) -> None:
    broken = SeedX(engine=ScriptedEngine([ModelError("out of memory"), ModelError("out of memory")]))
    message = call(seedx_toolkit(broken, roots=[tmp_path]), "generate", prompt="a house")
    assert (message.status, message.text) == ("error", "generate: out of memory. Do not repeat the same call.")
    with pytest.raises(ToolException) as caught:
        call(seedx_toolkit(broken, roots=[tmp_path], handle_tool_error=False), "generate", prompt="a house")
    assert isinstance(caught.value.__cause__, ToolFailed)
    full = SeedX(engine=ScriptedEngine([OverloadedError("the queue is full", retry_after=3.0)]))
    message = call(seedx_toolkit(full, roots=[tmp_path]), "generate", prompt="a house")
    assert message.text == "generate: the queue is full. Call again after 3 seconds."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_and_leaves_nothing(
    scripted: SeedXToolkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr("pptx.presentation.Presentation.save", full)
    with pytest.raises(ToolException, match="No space left on device"):
        call(scripted, "make_slides", prompt_or_outline=OUTLINE, path="deck.pptx", pictures=False)
    assert list(tmp_path.iterdir()) == []


async def test_progress_is_a_custom_event(toolkit: SeedXToolkit) -> None:
    found = tool(toolkit, "generate").astream_events({"prompt": "a red house", "num_inference_steps": 3}, version="v2")
    events = [event["data"] async for event in found if event["event"] == "on_custom_event"]
    assert events == [{"tool": "generate", "done": n, "total": 3, "what": "denoising"} for n in (1, 2, 3)]
    assert PROGRESS_EVENT == "seedx_progress"


async def test_cancelling_stops_the_model_and_the_next_call_works(toolkit: SeedXToolkit) -> None:
    done: list[int] = []

    class Canceller(AsyncCallbackHandler):
        async def on_custom_event(self, name: str, data: Any, **_kwargs: Any) -> None:
            assert name == PROGRESS_EVENT
            done.append(data["done"])
            task.cancel()

    generate = tool(toolkit, "generate")
    args = {"prompt": "a red house", "num_inference_steps": 200}
    task = asyncio.create_task(generate.ainvoke(args, {"callbacks": [Canceller()]}))
    with pytest.raises(asyncio.CancelledError):
        await task
    content = await generate.ainvoke({"prompt": "a red house", "num_inference_steps": 1})
    assert content[0]["text"].startswith("Generated") and done == [1]


def test_a_single_string_is_the_first_argument(scripted: SeedXToolkit) -> None:
    assert tool(scripted, "generate").invoke("a red house")[0]["text"].startswith("Generated an image")


def test_a_toolkit_holds_the_tools_that_were_asked_for(seedx: SeedX) -> None:
    assert [tool.name for tool in seedx_toolkit(seedx, tools=["edit", "detect"]).get_tools()] == ["edit", "detect"]
    with pytest.raises(ToolRetry, match="there is no tool 'draw'; use one of describe"):
        seedx_toolkit(seedx, tools=["draw"])


def test_a_toolbox_brings_its_own_limits(seedx: SeedX) -> None:
    with pytest.raises(InputError, match="a toolbox has its tools, roots, image_hosts and images"):
        seedx_toolkit(Toolbox(seedx), roots=["/"])
