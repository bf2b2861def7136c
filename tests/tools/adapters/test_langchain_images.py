"""The middleware: images of users, tools and chat models have names, and only the latest are shown."""

from __future__ import annotations

import base64
import re
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.tools import tool as langchain_tool
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import to_data_uri, to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.adapters.langchain import SeedXToolkit, seedx_toolkit
from tests.support.chat_models import PlayedModel, calls

DONE = AIMessage("Done.")
THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}
EDIT = ("edit", {"image": "image:1", "instruction": "make it blue"})
DRAW = ("generate", {"prompt": "a cat", "seed": 1})


def photo(seed: int = 0, side: int = 96) -> Image.Image:
    """Noise, which no format makes small."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def data(image: Image.Image) -> str:
    return base64.b64encode(to_png(image)).decode()


def upload(image: Image.Image, text: str = "make it blue", **extra: Any) -> HumanMessage:
    block = {"type": "image", "base64": data(image), "mime_type": "image/png", **extra}
    return HumanMessage([{"type": "text", "text": text}, block])


def shown(message: BaseMessage) -> int:
    """Return how many images a message shows."""
    return sum(isinstance(block, dict) and block["type"] == "image" for block in message.content)


def has_pixels(value: object) -> bool:
    return bool(re.search(r"base64|data:image|\\x89PNG|[A-Za-z0-9+/]{400}", str(value)))


@pytest.fixture
def toolkit(seedx: SeedX) -> SeedXToolkit:
    return seedx_toolkit(seedx)


@pytest.fixture
def saver() -> InMemorySaver:
    return InMemorySaver()


def agent_of(toolkit: SeedXToolkit, *script: Any, saver: InMemorySaver | None = None, **options: Any) -> Any:
    """Return an agent with the middleware, and its chat model as `model`."""
    model = PlayedModel(script=[*script, DONE], profile=options.pop("profile", None))
    tools = [*toolkit.get_tools(), *options.pop("tools", [])]
    middleware = [toolkit.get_middleware(**options.pop("shows", {})), *options.pop("others", [])]
    agent: Any = create_agent(model, tools, middleware=middleware, checkpointer=saver)
    return agent, model


@pytest.mark.parametrize("is_async", [False, True])
async def test_tools_reach_an_upload_by_the_name_that_the_chat_model_is_told(
    toolkit: SeedXToolkit, engine: ScriptedEngine, saver: InMemorySaver, is_async: bool
) -> None:
    agent, model = agent_of(toolkit, calls(EDIT), saver=saver)
    given = {"messages": [upload(photo(), extras={"filename": "IMG_1234.JPG"})]}
    state = await agent.ainvoke(given, THREAD) if is_async else agent.invoke(given, THREAD)
    asked, _, edited, _ = state["messages"]
    assert asked.text == 'make it blue\nAttached image: image:1 ("IMG_1234.JPG").'
    assert edited.status == "success" and "The image is image:2." in edited.text
    assert engine.requests[-1].messages[-1].images == (photo(),)
    assert edited.artifact["image"] == "image:2" and edited.artifact["seed"] == 0
    assert not has_pixels(state["messages"]) and not has_pixels(agent.get_state(THREAD))
    images = toolkit.images_of("1")
    assert images["IMG_1234.JPG"] == photo() and list(images) == ["image:1", "image:2"]
    [first, second] = model.seen
    assert [shown(message) for message in first] == [1] and [shown(message) for message in second] == [1, 0, 1]
    assert first[0].content[-1]["base64"] == data(photo())


BLOCKS: list[dict[str, Any]] = [
    {"type": "image", "base64": data(photo()), "mime_type": "image/png"},
    {"type": "image", "source_type": "base64", "data": data(photo()), "mime_type": "image/png"},
    {"type": "image_url", "image_url": {"url": to_data_uri(photo())}},
    {"type": "image_url", "image_url": to_data_uri(photo())},
    {"type": "input_image", "image_url": to_data_uri(photo())},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data(photo())}},
    {"type": "file", "base64": data(photo()), "mime_type": "image/png", "filename": "cat.png"},
    {"type": "image", "url": to_data_uri(photo())},
]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_upload_is_read_in_the_forms_of_all_providers(toolkit: SeedXToolkit, block: dict[str, Any]) -> None:
    agent, _ = agent_of(toolkit)
    state = agent.invoke({"messages": [HumanMessage([block])]}, THREAD)
    assert "image:1" in state["messages"][0].text and not has_pixels(state)
    assert toolkit.images_of("1")["image:1"] == photo()


def test_checkpoints_stay_small_over_five_photos(toolkit: SeedXToolkit, saver: InMemorySaver) -> None:
    agent, _ = agent_of(toolkit, *[step for _ in range(5) for step in (calls(DRAW), DONE)][:-1], saver=saver)
    images = toolkit.get_middleware()
    for number in range(5):
        agent.invoke({"messages": [images.attach("and this?", [photo(number, 512)], thread="1")]}, THREAD)
    latest = saver.get_tuple(THREAD)
    assert latest is not None and len(saver.serde.dumps_typed(latest.checkpoint)[1]) < 20_000
    everything = saver.serde.dumps_typed([list(item) for item in saver.list(THREAD)])[1]
    assert len(everything) < 1_000_000 < 5 * len(to_png(photo(0, 512)))
    assert not has_pixels(everything), "no checkpoint of the history has any"
    assert len(toolkit.images_of("1")) == 10


@pytest.mark.parametrize("durability", ["sync", "exit"])
def test_an_upload_in_a_message_is_in_no_later_checkpoint(
    toolkit: SeedXToolkit, saver: InMemorySaver, durability: str
) -> None:
    agent, _ = agent_of(toolkit, calls(EDIT), saver=saver)
    agent.invoke({"messages": [upload(photo())]}, THREAD, durability=durability)
    with_pixels = [has_pixels(saver.serde.dumps_typed(item.checkpoint)[1]) for item in saver.list(THREAD)]
    assert not with_pixels[0] and with_pixels[-1] is (durability == "sync"), "LangGraph saves the input itself"


def test_what_the_checkpoints_hold_without_the_middleware(toolkit: SeedXToolkit, saver: InMemorySaver) -> None:
    agent: Any = create_agent(PlayedModel(script=[calls(DRAW), DONE]), toolkit.get_tools(), checkpointer=saver)
    agent.invoke({"messages": [upload(photo())]}, THREAD)
    latest = saver.get_tuple(THREAD)
    assert latest is not None and has_pixels(saver.serde.dumps_typed(latest.checkpoint)[1])


def test_only_the_latest_images_are_shown(toolkit: SeedXToolkit) -> None:
    agent, model = agent_of(toolkit, *[calls(DRAW)] * 3, shows={"show": 2})
    agent.invoke({"messages": [upload(photo())]}, THREAD)
    assert [[shown(message) for message in seen] for seen in model.seen] == [
        [1],
        [1, 0, 1],
        [0, 0, 1, 0, 1],
        [0, 0, 0, 0, 1, 0, 1],
    ]
    assert "image:1" in model.seen[-1][0].text, "it can still be named"
    agent, model = agent_of(seedx_toolkit(toolkit.toolbox, show_images=False), calls(DRAW))
    agent.invoke({"messages": [upload(photo())]}, THREAD)
    assert [[shown(message) for message in seen] for seen in model.seen] == [[0], [0, 0, 0]]


@pytest.mark.parametrize("by_profile", [False, True])
def test_images_of_tools_follow_in_one_user_message(toolkit: SeedXToolkit, by_profile: bool) -> None:
    options: dict[str, Any] = {"profile": {"image_tool_message": False}} if by_profile else {}
    shows = {} if by_profile else {"in_user_message": True}
    agent, model = agent_of(toolkit, calls(DRAW, DRAW), calls(DRAW), shows=shows, **options)
    state = agent.invoke({"messages": [HumanMessage("draw three")]}, THREAD)
    assert [message.type for message in model.seen[1]] == ["human", "ai", "tool", "tool", "human"]
    assert [shown(message) for message in model.seen[1]] == [0, 0, 0, 0, 2]
    assert [message.type for message in model.seen[2]] == [
        *("human", "ai", "tool", "tool", "human"),
        *("ai", "tool", "human"),
    ]
    assert set(model.seen[1][-1].text.split()) == {"image:1:", "image:2:"}
    assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "tool", "ai", "tool", "ai"]


def test_images_of_other_tools_and_of_the_chat_model_have_names_too(
    toolkit: SeedXToolkit, engine: ScriptedEngine
) -> None:
    @langchain_tool
    def screenshot() -> list[dict[str, Any]]:
        """Take a screenshot."""
        return [{"type": "text", "text": "The screen."}, BLOCKS[0]]

    @langchain_tool
    def camera(name: str) -> Command[Any]:
        """Take a photo."""
        return Command(update={"messages": [ToolMessage([BLOCKS[2]], tool_call_id=name, name="camera")]})

    by_id = calls(("camera", {"name": "x"}))
    by_id.tool_calls[0]["args"]["name"] = by_id.tool_calls[0]["id"]
    made = AIMessage([{"type": "text", "text": "Look:"}, BLOCKS[0]], tool_calls=calls(EDIT).tool_calls)
    agent, model = agent_of(toolkit, calls(("screenshot", {})), by_id, made, tools=[screenshot, camera])
    state = agent.invoke({"messages": [HumanMessage("go")]}, THREAD)
    texts = [message.text for message in state["messages"] if message.text][1:-2]
    assert texts == ["The screen.\nThe image is image:1.", "\nThe image is image:2.", "Look:\nThe image is image:3."]
    assert not has_pixels(state) and state["messages"][-2].status == "success"
    assert [shown(message) for message in model.seen[-1]] == [0, 0, 1, 0, 1, 0, 1, 1]
    assert model.seen[-1][-1].type == "human", "an AI message shows nothing, so its image follows the results"
    assert engine.requests[-1].messages[-1].images == (photo(),)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "image", "base64": "AAAA", "mime_type": "image/png"}, "not a readable image"),
        ({"type": "image", "base64": "AAAA", "url": "https://a.org"}, "exactly one of base64, url and file_id"),
        ({"type": "image", "url": "https://a.org/cat.png"}, "fetches no images from 'a.org'"),
        ({"type": "image", "file_id": "file-123"}, "'file-123' is not known here"),
        ({"type": "image", "url": "cat.png"}, "'cat.png' is not known here"),
        ({"type": "image", "file_id": "image:8"}, "there is no image 'image:8'"),
    ],
)
def test_an_upload_that_cannot_be_read_is_said_once(
    seedx: SeedX, saver: InMemorySaver, tmp_path: Path, block: dict[str, Any], words: str
) -> None:
    photo().save(tmp_path / "cat.png")
    toolkit = seedx_toolkit(seedx, roots=[tmp_path])
    agent, _ = agent_of(toolkit, calls(DRAW), saver=saver)
    state = agent.invoke({"messages": [HumanMessage([{"type": "text", "text": "blue"}, block])]}, THREAD)
    said = state["messages"][0].text
    assert words in said and said.count("An attached image cannot be used by tools") == 1
    assert len(toolkit.images_of("1")) == 1, "only what was drawn"


def test_a_user_cannot_pass_an_image_off_as_another(toolkit: SeedXToolkit, saver: InMemorySaver) -> None:
    agent, _ = agent_of(toolkit, calls(DRAW), DONE, saver=saver)
    agent.invoke({"messages": [HumanMessage("draw")]}, THREAD)
    drawn = toolkit.images_of("1")["image:1"]
    agent.invoke({"messages": [upload(photo(), id="image:1", extras={"filename": "image:1"})]}, THREAD)
    images = toolkit.images_of("1")
    assert images["image:1"] == drawn and images["image:2"] == photo()


@pytest.mark.parametrize("mode", ["batched", "per_call"])
@pytest.mark.parametrize("is_first", [False, True])
def test_edits_are_approved_changed_and_rejected(
    toolkit: SeedXToolkit, engine: ScriptedEngine, saver: InMemorySaver, mode: Any, is_first: bool
) -> None:
    if mode == "per_call" and "interrupt_mode" not in signature(HumanInTheLoopMiddleware).parameters:
        pytest.skip("older than langchain 1.5")
    choice: Any = {} if mode == "batched" else {"interrupt_mode": mode}
    review = HumanInTheLoopMiddleware(interrupt_on={"edit": True}, **choice)
    order = [toolkit.get_middleware(), review]
    model = PlayedModel(script=[calls(EDIT)] * 3 + [DONE])
    agent: Any = create_agent(
        model, toolkit.get_tools(), middleware=order if is_first else order[::-1], checkpointer=saver
    )
    state = agent.invoke({"messages": [upload(photo())]}, THREAD)
    other = {"name": "edit", "args": {"image": "image:1", "instruction": "make it green"}}
    decisions: list[dict[str, Any]] = [
        {"type": "approve"},
        {"type": "edit", "edited_action": other},
        {"type": "reject", "message": "leave it"},
    ]
    for decision in decisions:
        [pause] = state["__interrupt__"]
        named = (pause.value if mode == "per_call" else pause.value["action_requests"][0])["args"]["image"]
        assert toolkit.images_of("1")[named] == photo(), "the reviewer sees what is about to change"
        answer = {pause.id: decision} if mode == "per_call" else {"decisions": [decision]}
        state = agent.invoke(Command(resume=answer), THREAD)
    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [message.status for message in results] == ["success", "success", "error"]
    assert "image:2" in results[0].text and "image:3" in results[1].text and "leave it" in results[2].text
    assert [request.messages[-1].text for request in engine.requests] == ["make it blue", "make it green"]
    assert not has_pixels(state["messages"]) and results[1].artifact["image"] == "image:3"


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_thread_from_before_the_middleware_keeps_its_names(saver: InMemorySaver, is_restarted: bool) -> None:
    toolkit = seedx_toolkit(SeedX(engine=ScriptedEngine()))
    detect = ("detect", {"image": "image:1", "phrase": "the cat"})
    model = PlayedModel(script=[calls(DRAW), calls(detect), DONE])
    create_agent(model, toolkit.get_tools(), checkpointer=saver).invoke({"messages": [HumanMessage("draw")]}, THREAD)
    cat, found = (toolkit.images_of("1")[f"image:{number}"] for number in (1, 2))
    engine = ScriptedEngine()
    if is_restarted:
        toolkit = seedx_toolkit(SeedX(engine=engine))
    agent, _ = agent_of(toolkit, calls(EDIT), saver=saver)
    state = agent.invoke({"messages": [HumanMessage("blue")]}, THREAD)
    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [message.artifact.get("image", message.artifact.get("annotated")) for message in results] == [
        "image:1",
        "image:2",
        "image:3",
    ]
    images = toolkit.images_of("1")
    assert (images["image:1"], images["image:2"]) == (cat, found) and list(images) == ["image:1", "image:2", "image:3"]
    assert not has_pixels(state)
    plain: Any = create_agent(PlayedModel(script=[calls(EDIT), DONE]), toolkit.get_tools(), checkpointer=saver)
    assert plain.invoke({"messages": [HumanMessage("again")]}, THREAD)["messages"][-2].status == "success"


def test_an_image_that_is_gone_is_said_to_the_chat_model_and_the_tools(saver: InMemorySaver) -> None:
    agent, _ = agent_of(seedx_toolkit(SeedX(engine=ScriptedEngine())), calls(DRAW), saver=saver)
    agent.invoke({"messages": [HumanMessage("draw")]}, THREAD)
    agent, model = agent_of(seedx_toolkit(SeedX(engine=ScriptedEngine())), calls(EDIT), calls(DRAW), saver=saver)
    state = agent.invoke({"messages": [HumanMessage("blue")]}, THREAD)
    tried, drawn = [message for message in state["messages"] if isinstance(message, ToolMessage)][1:]
    assert "image:1 is no longer stored." in model.seen[0][2].text
    assert tried.status == "error" and "image:1 is gone" in tried.text and "The image is image:2." in drawn.text


def test_attached_images_have_names_and_labels(toolkit: SeedXToolkit) -> None:
    images = toolkit.get_middleware()
    message = images.attach("compare", [("a.png", photo(1)), ('b\n"x".png', to_png(photo(2)))], thread="1")
    assert message.text == """compare\nAttached image: image:1 ("a.png").\nAttached image: image:2 ("b 'x'.png")."""
    assert toolkit.images_of("1").labels == {"a.png": "image:1", "b 'x'.png": "image:2"}
    agent, model = agent_of(toolkit)
    agent.invoke({"messages": [message]}, THREAD)
    assert shown(model.seen[0][0]) == 2
    with pytest.raises(ImageError):
        images.attach("this", [photo(3), b"none"], thread="1")
    assert len(toolkit.images_of("1")) == 2


def test_a_result_with_many_images_has_a_name_for_each(toolkit: SeedXToolkit) -> None:
    agent, _ = agent_of(toolkit, calls(("tell_story", {"prompt": "a red cat", "pages": 2})))
    state = agent.invoke({"messages": [HumanMessage("a story")]}, THREAD)
    told = state["messages"][2]
    names = [page["image"] for page in told.artifact["pages"]]
    images = toolkit.images_of("1")
    assert len(set(names)) == 2 and set(images) == {"image:1", *names} and "The image is image:1." in told.text
    assert images[names[0]].size == (128, 128) and not has_pixels(state)
