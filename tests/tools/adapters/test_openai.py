"""The tools in OpenAI's client: the real library, whose answers are scripted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall

from seedx_sdk.imaging import open_image
from seedx_tools import TOOLS
from seedx_tools.adapters.openai import chat_replies, chat_tools, response_outputs, response_tools
from seedx_tools.toolbox import Toolbox
from tests.support.tool_calls import CALLS, check_texts


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
