"""Images of LangGraph runs: by thread, over restarts and workers, and their progress in LangGraph's own stream."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.tools import tool as langchain_tool
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from PIL import Image, ImageColor

from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import FolderImages
from seedx_tools.adapters.langchain import PROGRESS_EVENT, SeedXToolkit, seedx_toolkit
from seedx_tools.adapters.langchain_threads import toolbox_of_run
from seedx_tools.image_store import names_in
from tests.support.chat_models import PlayedModel, calls

DONE = AIMessage("Done.")
CAT, BOAT = 1, 5
"""Seeds; the scripted model draws in another color for each."""


def color(seed: int) -> tuple[int, ...]:
    return ImageColor.getrgb(f"hsl({seed * 47 % 360}, 70%, 45%)")


def middle(image: Image.Image) -> object:
    return image.getpixel((64, 64))


def draw(seed: int) -> tuple[str, dict[str, Any]]:
    return "generate", {"prompt": "it", "seed": seed}


def edit(name: str) -> tuple[str, dict[str, Any]]:
    return "edit", {"image": name, "instruction": "make it blue"}


def in_thread(thread: str | None) -> RunnableConfig:
    return {} if thread is None else {"configurable": {"thread_id": thread}}


def answers(
    toolkit: SeedXToolkit,
    *script: AIMessage | Callable[[list[BaseMessage]], AIMessage],
    saver: BaseCheckpointSaver[Any] | None = None,
    thread: str | None = "1",
) -> list[ToolMessage]:
    """Return what the tools answer in one run of an agent."""
    agent = create_agent(PlayedModel(script=[*script, DONE]), toolkit.get_tools(), checkpointer=saver)
    before = agent.get_state(in_thread(thread)).values.get("messages", []) if saver and thread else []
    state = agent.invoke({"messages": [HumanMessage("go on")]}, in_thread(thread))
    return [m for m in state["messages"][len(before) :] if isinstance(m, ToolMessage)]


def name_of(message: ToolMessage) -> str:
    return names_in(message.text)[-1]


def edited_color(engine: ScriptedEngine) -> object:
    return middle([request for request in engine.requests if request.task == "edit"][-1].messages[-1].images[0])


@pytest.fixture
def saver() -> InMemorySaver:
    return InMemorySaver()


@pytest.fixture
def toolkit(seedx: SeedX) -> SeedXToolkit:
    return seedx_toolkit(seedx)


def test_threads_do_not_reach_the_images_of_others(toolkit: SeedXToolkit, saver: InMemorySaver) -> None:
    [mine] = answers(toolkit, calls(draw(CAT)), saver=saver, thread="alice")
    assert name_of(mine) == "image:1"
    for wrong in (edit("image:1"), ("describe", {"images": ["image:1"]})):
        [tried] = answers(toolkit, calls(wrong), saver=saver, thread="bob")
        assert tried.status == "error" and "there is no image 'image:1'" in tried.text
    [his] = answers(toolkit, calls(draw(BOAT)), saver=saver, thread="bob")
    assert name_of(his) == "image:1"
    assert middle(toolkit.images_of("alice")["image:1"]) == color(CAT)
    assert middle(toolkit.images_of("bob")["image:1"]) == color(BOAT)
    assert not toolkit.toolbox.images, "outside of threads nothing was stored"


def test_a_call_outside_a_graph_has_images_of_its_own(toolkit: SeedXToolkit, saver: InMemorySaver) -> None:
    generate = next(tool for tool in toolkit.get_tools() if tool.name == "generate")
    assert "The image is image:1." in generate.invoke({"prompt": "a cat"})[0]["text"]
    assert list(toolkit.toolbox.images) == ["image:1"]
    [tried] = answers(toolkit, calls(edit("image:1")), saver=saver)
    assert tried.status == "error"


@pytest.mark.parametrize("is_async", [False, True])
async def test_after_a_restart_names_mean_what_they_meant(saver: InMemorySaver, is_async: bool) -> None:
    answers(seedx_toolkit(SeedX(engine=ScriptedEngine())), calls(draw(CAT)), saver=saver)
    engine = ScriptedEngine()
    model = PlayedModel(script=[calls(draw(BOAT)), calls(edit("image:1")), DONE])
    agent = create_agent(model, seedx_toolkit(SeedX(engine=engine)).get_tools(), checkpointer=saver)
    given: Any = {"messages": [HumanMessage("go on")]}
    state = await agent.ainvoke(given, in_thread("1")) if is_async else agent.invoke(given, in_thread("1"))
    boat, edited = [m for m in state["messages"] if isinstance(m, ToolMessage)][1:]
    assert name_of(boat) == "image:2" and name_of(edited) == "image:3"
    assert edited_color(engine) == color(CAT), "the artifact in the checkpoint still holds it"


_FIRST_PROCESS = """
import sys
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from tests.tools.adapters.test_langchain_threads import CAT, answers, calls, draw, name_of
from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import FolderImages
from seedx_tools.adapters.langchain import seedx_toolkit
with SqliteSaver.from_conn_string(sys.argv[1] + "/checkpoints.db") as saver:
    for thread, images in (("memory", None), ("folder", FolderImages(sys.argv[1] + "/images"))):
        toolkit = seedx_toolkit(SeedX(engine=ScriptedEngine()), images=images)
        print(name_of(answers(toolkit, calls(draw(CAT)), saver=saver, thread=thread)[0]))
"""


def test_a_thread_goes_on_in_another_process(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", _FIRST_PROCESS, str(tmp_path)]
    first = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert first.stdout.split() == ["image:1", "image:1"], first.stderr
    with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        for thread, images in (("memory", None), ("folder", FolderImages(tmp_path / "images"))):
            engine = ScriptedEngine()
            toolkit = seedx_toolkit(SeedX(engine=engine), images=images)
            boat, edited = answers(toolkit, calls(draw(BOAT)), calls(edit("image:1")), saver=saver, thread=thread)
            assert [name_of(boat), name_of(edited)] == ["image:2", "image:3"]
            assert edited_color(engine) == color(CAT)


def test_a_name_whose_image_is_lost_is_an_error_and_never_another_image(saver: InMemorySaver) -> None:
    before = seedx_toolkit(SeedX(engine=ScriptedEngine()))
    [drawn] = answers(before, calls(draw(CAT)), saver=saver)
    agent = create_agent(PlayedModel(script=[]), before.get_tools(), checkpointer=saver)
    lost = [RemoveMessage(str(drawn.id)), AIMessage("I drew a cat, image:4.")]
    agent.update_state(in_thread("1"), {"messages": lost}, as_node="model")
    after = seedx_toolkit(SeedX(engine=ScriptedEngine()))
    boat, tried, guessed = answers(
        after, calls(draw(BOAT)), calls(edit("image:4")), calls(edit("image:9")), saver=saver
    )
    assert name_of(boat) == "image:5"
    assert (
        tried.status == "error" and "image:4 is gone: it is not stored in this conversation; use image:5" in tried.text
    )
    assert "there is no image 'image:9'" in guessed.text


def test_a_name_in_any_text_is_taken(toolkit: SeedXToolkit) -> None:
    said = AIMessage("Look: image:3", tool_calls=calls(edit("image:8")).tool_calls)
    wrong = ToolMessage("there is no image 'image:8'", tool_call_id="1", status="error")
    messages: list[BaseMessage] = [HumanMessage([{"type": "text", "text": "image:2"}]), said, wrong]
    in_run = toolbox_of_run(toolkit.toolbox, in_thread("1"), messages, None)
    assert in_run.images.add(Image.new("RGB", (8, 8))) == "image:4", "a call and its error may name what never was"


@pytest.mark.parametrize("is_async", [False, True])
async def test_tools_of_one_step_never_share_a_name(toolkit: SeedXToolkit, is_async: bool) -> None:
    seeds = range(6)
    agent = create_agent(PlayedModel(script=[calls(*map(draw, seeds)), DONE]), toolkit.get_tools())
    given: Any = {"messages": [HumanMessage("draw")]}
    state = await agent.ainvoke(given, in_thread("1")) if is_async else agent.invoke(given, in_thread("1"))
    drawn = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    images = toolkit.images_of("1")
    assert {name_of(message) for message in drawn} == {f"image:{number}" for number in range(1, 7)}
    assert [middle(images[name_of(message)]) for message in drawn] == [color(seed) for seed in seeds]


def test_workers_take_turns_on_one_folder(saver: InMemorySaver, tmp_path: Path) -> None:
    engines = [ScriptedEngine(), ScriptedEngine()]
    folder = tmp_path / "images"
    workers = [seedx_toolkit(SeedX(engine=engine), images=FolderImages(folder)) for engine in engines]
    [cat] = answers(workers[0], calls(draw(CAT)), saver=saver)
    [boat] = answers(workers[1], calls(draw(BOAT)), saver=saver)
    [edited] = answers(workers[0], calls(edit("image:2")), saver=saver)
    assert [name_of(message) for message in (cat, boat, edited)] == ["image:1", "image:2", "image:3"]
    assert edited_color(engines[0]) == color(BOAT)


def test_a_run_without_a_thread_has_names_that_others_cannot_guess(toolkit: SeedXToolkit) -> None:
    [drawn] = answers(toolkit, calls(draw(CAT)), thread=None)
    name = name_of(drawn)
    assert len(name) == len("image:") + 16
    [guessed] = answers(toolkit, calls(edit("image:1")), thread=None)
    assert guessed.status == "error" and name not in guessed.text
    [known] = answers(toolkit, calls(edit(name)), thread=None)
    assert known.status == "success", "an application that keeps the messages itself passes them on"
    given = toolkit.images_of(None).add(Image.new("RGB", (64, 64)))
    [told] = answers(toolkit, calls(edit(given)), thread=None)
    assert told.status == "success"


def test_an_agent_inside_another_never_repeats_names_after_a_restart(saver: InMemorySaver) -> None:
    """It sees its own messages only, and these do not mention the images of the outer conversation."""

    def supervisor(seed: int) -> Any:
        painter = create_agent(
            PlayedModel(script=[calls(draw(seed)), lambda messages: AIMessage(messages[-1].text)]),
            seedx_toolkit(SeedX(engine=ScriptedEngine())).get_tools(),
        )

        @langchain_tool
        def ask_painter(task: str) -> str:
            """Ask the painter."""
            return str(painter.invoke({"messages": [HumanMessage(task)]})["messages"][-1].text)

        model = PlayedModel(script=[calls(("ask_painter", {"task": "draw"})), DONE])
        return create_agent(model, [ask_painter], checkpointer=saver)

    for seed in (CAT, BOAT):
        state = supervisor(seed).invoke({"messages": [HumanMessage("go on")]}, in_thread("1"))
    names = [name_of(message) for message in state["messages"] if isinstance(message, ToolMessage)]
    assert len(set(names)) == 2 and all(name.startswith("image:r") for name in names)


def test_a_node_of_ones_own_calls_tools_in_its_thread(toolkit: SeedXToolkit) -> None:
    generate = next(tool for tool in toolkit.get_tools() if tool.name == "generate")

    def node(state: MessagesState) -> dict[str, Any]:  # noqa: ARG001
        return {"messages": [AIMessage(generate.invoke({"prompt": "a cat", "seed": CAT})[0]["text"])]}

    graph = StateGraph(MessagesState).add_node("node", node).add_edge(START, "node").compile()
    state = graph.invoke({"messages": []}, in_thread("1"))
    [name] = names_in(state["messages"][-1].text)
    assert middle(toolkit.images_of("1")[name]) == color(CAT) and not toolkit.toolbox.images
    pieces = list(graph.stream({"messages": []}, in_thread("1"), stream_mode="custom"))
    assert [piece["done"] for piece in pieces] == [1, 2, 3, 4]


def test_a_scope_other_than_the_thread(seedx: SeedX, saver: InMemorySaver) -> None:
    toolkit = seedx_toolkit(seedx, scope=lambda config: str(config["configurable"]["user"]))
    model = PlayedModel(script=[calls(draw(CAT)), DONE, calls(edit("image:1")), DONE, calls(edit("image:1")), DONE])
    agent = create_agent(model, toolkit.get_tools(), checkpointer=saver)
    last = []
    for user, thread in (("alice", "1"), ("alice", "2"), ("bob", "3")):
        config: RunnableConfig = {"configurable": {"thread_id": thread, "user": user}}
        last.append(agent.invoke({"messages": [HumanMessage("go on")]}, config)["messages"][-2])
    assert [message.status for message in last] == ["success", "success", "error"]
    assert list(toolkit.images_of("alice")) == ["image:1", "image:2"] and not toolkit.images_of("bob")


def test_the_chat_model_does_not_see_the_runtime_and_cannot_forge_it(toolkit: SeedXToolkit) -> None:
    forged = {"state": {"messages": []}, "tool_call_id": "1"}
    model = PlayedModel(script=[calls(("generate", {"prompt": "a cat", "runtime": forged})), DONE])
    create_agent(model, toolkit.get_tools()).invoke({"messages": [HumanMessage("go on")]}, in_thread("1"))
    for tool in model.offered:
        assert "runtime" not in str(convert_to_openai_tool(tool)) + str(tool.get_input_schema().model_json_schema())
    assert list(toolkit.images_of("1")) == ["image:1"]
    generate = next(tool for tool in toolkit.get_tools() if tool.name == "generate")
    assert "runtime" in generate.invoke({"prompt": "a cat", "runtime": forged})


async def test_progress_is_in_the_custom_stream_and_once_in_the_events(toolkit: SeedXToolkit) -> None:
    def agent() -> Any:
        return create_agent(PlayedModel(script=[calls(draw(CAT)), DONE]), toolkit.get_tools())

    given = {"messages": [HumanMessage("draw")]}
    expected = [{"tool": "generate", "done": n, "total": 4, "what": "denoising"} for n in (1, 2, 3, 4)]
    for pieces in (
        list(agent().stream(given, stream_mode="custom")),
        [piece async for piece in agent().astream(given, stream_mode="custom")],
    ):
        assert {piece.pop("type") for piece in pieces} == {PROGRESS_EVENT}
        assert {piece.pop("tool_call_id")[:5] for piece in pieces} == {"call-"}
        assert pieces == expected
    events = [event async for event in agent().astream_events(given, version="v2")]
    assert [event["data"] for event in events if event["event"] == "on_custom_event"] == expected
    assert sum(str(event["data"]).count("denoising") for event in events) == 4


def test_toolkits_and_middleware_travel_to_other_processes() -> None:
    toolkit = seedx_toolkit(SeedX(base_url="http://localhost:8000"))
    tool, middleware = pickle.loads(pickle.dumps((toolkit.get_tools()[0], toolkit.get_middleware())))
    assert tool.name == "describe" and middleware.attach("hi", [], thread="1").text == "hi"
