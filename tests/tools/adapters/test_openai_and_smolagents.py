"""The tools in OpenAI's client, the OpenAI Agents SDK and smolagents: the real libraries with scripted models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import agents
import httpx2
import pytest
from agents import Agent, Model, ModelResponse, Runner, Usage
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from PIL import Image
from pptx import Presentation
from smolagents import ChatMessage, CodeAgent, MessageRole, ToolCallingAgent
from smolagents import Model as SmolModel
from smolagents.agent_types import AgentImage
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction

from seedx_sdk import SeedX
from seedx_sdk.imaging import open_image
from seedx_tools import TOOLS, FolderImages
from seedx_tools.adapters.openai import chat_replies, chat_tools, response_outputs, response_tools
from seedx_tools.adapters.openai_agents import agent_tools
from seedx_tools.adapters.smolagents import agent_tools as smol_tools
from seedx_tools.toolbox import Toolbox

OUTLINE = "# Our house\n\n## What is there\n- A red house\n"
CALLS: list[tuple[str, Any]] = [
    ("describe", {"images": ["image:1"]}),
    ("detect", {"image": "image:1", "phrase": "the red house"}),
    ("edit", {"image": "image:9", "instruction": "make the house blue"}),
    ("edit", {"image": "image:1", "instruction": "make the house blue", "num_inference_steps": 2}),
    ("make_slides", {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False}),
]
"""Describe, detect, fail, edit, and make a deck."""


@pytest.fixture
def toolbox(nano: SeedX, tmp_path: Path) -> Toolbox:
    box = Toolbox.of(nano, roots=[tmp_path], images=FolderImages(tmp_path / "images"))
    drawn = nano.generate("a red house and a green tree in a meadow", seed=7, num_inference_steps=8).image
    assert drawn is not None
    box.images.add(drawn)
    return box


def check_texts(texts: list[str], tmp_path: Path) -> None:
    looked, found, mistaken, edited, saved = texts
    assert "house" in looked and "red house: x0 y0 x1 y1" in found
    assert "there is no image 'image:9'; use image:1, image:2" in mistaken
    assert "The image is image:3." in edited and f"Saved 2 slides as {tmp_path / 'deck.pptx'}" in saved
    assert len(Presentation(str(tmp_path / "deck.pptx")).slides) == 2


def scripted_openai(requests: list[dict[str, Any]], answers: list[dict[str, Any]]) -> OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(json.loads(request.content))
        return httpx2.Response(200, json=answers[len(requests) - 1])

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(api_key="none", base_url="http://model.invalid/v1", http_client=http)


def completion(message: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None, **message}}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice]}


def test_chat_completions(toolbox: Toolbox, tmp_path: Path) -> None:
    calls = [
        {"id": str(number), "type": "function", "function": {"name": name, "arguments": json.dumps(args)}}
        for number, (name, args) in enumerate(CALLS)
    ]
    requests: list[dict[str, Any]] = []
    answers = [completion({"tool_calls": [call]}) for call in calls] + [completion({"content": "All done."})]
    client, messages = scripted_openai(requests, answers), list[Any]([{"role": "user", "content": "Look at image:1."}])
    tools: Any = chat_tools(toolbox)
    while True:
        reply = client.chat.completions.create(model="scripted", messages=messages, tools=tools)
        message = reply.choices[0].message
        if not message.tool_calls:
            break
        messages += [message, *chat_replies(toolbox, message.tool_calls)]
    assert message.content == "All done."
    assert [tool["function"]["name"] for tool in requests[0]["tools"]] == list(TOOLS)
    assert requests[0]["tools"][1]["function"]["parameters"] == TOOLS["detect"].schema()["parameters"]
    sent = requests[-1]["messages"]
    check_texts([message["content"] for message in sent if message["role"] == "tool"], tmp_path)
    shown = [
        message["content"] for message in sent if message["role"] == "user" and isinstance(message["content"], list)
    ]
    assert [parts[0]["text"] for parts in shown] == ["image:2:", "image:3:", "image:4:"]
    assert open_image(shown[1][1]["image_url"]["url"]) == toolbox.images["image:3"]


def test_responses(toolbox: Toolbox, tmp_path: Path) -> None:
    output = [
        {"type": "function_call", "id": f"f{n}", "call_id": str(n), "name": name, "arguments": json.dumps(args)}
        for n, (name, args) in enumerate(CALLS)
    ]
    base = {"id": "1", "object": "response", "created_at": 0, "model": "scripted", "tools": [], "tool_choice": "auto"}
    answer = {**base, "parallel_tool_calls": True, "output": output}
    requests: list[dict[str, Any]] = []
    client = scripted_openai(requests, [answer, {**answer, "output": []}])
    tools: Any = response_tools(toolbox)
    items: list[Any] = [{"role": "user", "content": "Look at image:1."}]
    response = client.responses.create(model="scripted", input=items, tools=tools)
    items += [*response.output, *response_outputs(toolbox, response.output)]
    client.responses.create(model="scripted", input=items, tools=tools)
    outputs = [item for item in requests[1]["input"] if item.get("type") == "function_call_output"]
    assert [item["call_id"] for item in outputs] == ["0", "1", "2", "3", "4"]
    check_texts([item["output"][0]["text"] for item in outputs], tmp_path)
    assert [len(item["output"]) for item in outputs] == [1, 2, 1, 2, 2]
    assert open_image(outputs[3]["output"][1]["image_url"]) == toolbox.images["image:3"]
    assert len(response_outputs(toolbox, response.output[1:2], show_images=False)[0]["output"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{", "the arguments are not valid JSON"),
        ("[" * 200_000, "the arguments are not valid JSON"),
        ('{"seed": ' + "1" * 5000 + "}", "the arguments are not valid JSON"),
        ("[1]", "the arguments are not a JSON object"),
        ("", "image: it is required"),
    ],
)
def test_the_model_is_told_what_is_wrong_with_its_arguments(toolbox: Toolbox, arguments: str, message: str) -> None:
    call = ResponseFunctionToolCall(type="function_call", call_id="1", name="detect", arguments=arguments)
    (output,) = response_outputs(toolbox, [call])
    assert output["output"][0]["text"].startswith("Error: detect: ") and message in output["output"][0]["text"]


class _ScriptedModel(Model):
    def __init__(self) -> None:
        self.inputs: list[Any] = []

    async def get_response(self, *_args: Any, **kwargs: Any) -> ModelResponse:
        self.inputs.append(kwargs["input"])
        number = len(self.inputs) - 1
        output: list[Any]
        if number < len(CALLS):
            name, args = CALLS[number]
            call = ResponseFunctionToolCall(
                type="function_call", call_id=str(number), name=name, arguments=json.dumps(args)
            )
            output = [call]
        else:
            said = ResponseOutputText(type="output_text", text="All done.", annotations=[])
            output = [
                ResponseOutputMessage(id="1", type="message", role="assistant", status="completed", content=[said])
            ]
        return ModelResponse(output=output, usage=Usage(), response_id=None)

    def stream_response(self, *_args: Any, **_kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


async def test_openai_agents(toolbox: Toolbox, tmp_path: Path) -> None:
    agents.set_tracing_disabled(True)
    model = _ScriptedModel()
    agent = Agent(name="painter", model=model, tools=list(agent_tools(toolbox)))
    result = await Runner.run(agent, "Look at image:1.")
    assert result.final_output == "All done."
    outputs = [item["output"] for item in model.inputs[-1] if item.get("type") == "function_call_output"]
    check_texts([out if isinstance(out, str) else out[0]["text"] for out in outputs], tmp_path)
    assert outputs[3][1]["type"] == "input_image"
    assert open_image(outputs[3][1]["image_url"]) == toolbox.images["image:3"]


class _SmolScript(SmolModel):  # type: ignore[misc]  # smolagents ships no types
    """Answers from a script: code, or a tool call."""

    def __init__(self, *script: str | tuple[str, dict[str, Any]]) -> None:
        super().__init__(model_id="scripted")
        self.script, self.seen = list(script), list[Any]()

    def generate(self, messages: Any, **_kwargs: Any) -> ChatMessage:
        self.seen.append(messages)
        step = self.script[len(self.seen) - 1]
        if isinstance(step, str):
            return ChatMessage(role=MessageRole.ASSISTANT, content=f"<code>\n{step}\n</code>")
        function = ChatMessageToolCallFunction(name=step[0], arguments=step[1])
        call = ChatMessageToolCall(id=str(len(self.seen)), type="function", function=function)
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


def test_a_code_agent_of_smolagents_passes_images_on(toolbox: Toolbox, tmp_path: Path) -> None:
    model = _SmolScript(
        'print(describe(images=["image:1"]))\nprint(detect(image="image:1", phrase="the red house"))',
        'edit(image="image:9", instruction="make the house blue")',
        'blue = edit(image="image:1", instruction="make the house blue", num_inference_steps=2)\n'
        "print(describe(images=[blue], question='what color is the house?'))\n"
        'print(detect(image=blue, phrase="the house"))\n'
        f"print(make_slides(prompt_or_outline={OUTLINE!r}, path='deck.pptx', pictures=False))\n"
        "final_answer(blue)",
    )
    agent = CodeAgent(tools=smol_tools(toolbox), model=model, verbosity_level=0, max_steps=4)
    answer = agent.run("Look at image:1, make it blue and write a deck.")
    assert isinstance(answer, AgentImage) and answer.to_raw() == toolbox.images["image:3"]
    first, second, third = (step for step in agent.memory.steps if hasattr(step, "observations"))
    assert "red house: x0 y0 x1 y1" in first.observations
    assert "there is no image 'image:9'" in str(second.error)
    assert f"Saved 2 slides as {tmp_path / 'deck.pptx'}" in third.observations


def test_a_tool_calling_agent_of_smolagents(toolbox: Toolbox) -> None:
    model = _SmolScript(
        ("generate", {"prompt": "a red house", "width": 127, "height": 64}),
        ("generate", {"prompt": "a red house", "num_inference_steps": 2, "seed": None}),
        ("detect", {"image": "image:2", "phrase": "the red house", "seed": "7"}),
        ("describe", {"images": "image_2"}),
        ("final_answer", {"answer": "image:2"}),
    )
    agent = ToolCallingAgent(tools=smol_tools(toolbox), model=model, verbosity_level=0, max_steps=6)
    answer = agent.run("Draw a red house.")
    assert isinstance(answer, AgentImage) and answer.to_raw().size == (128, 128)
    wrong, drawn, found, looked, _last = (step for step in agent.memory.steps if hasattr(step, "observations"))
    assert "multiple of 8" in str(wrong.error)
    assert "The image is image:2." in drawn.observations and "128x128" in found.observations
    assert "house" in looked.observations


def test_smolagents_knows_every_argument(toolbox: Toolbox) -> None:
    *smols, _final_answer = smol_tools(toolbox)
    for smol in smols:
        assert list(smol.inputs) == list(TOOLS[smol.name].schema()["parameters"]["properties"])
        assert smol.output_type == ("image" if smol.name in ("generate", "edit", "try_on") else "string")
    detect = smols[1]
    assert detect(image=AgentImage(Image.new("RGB", (64, 64))), phrase="a house", sanitize_inputs_outputs=True)
