"""The tools in the OpenAI Agents SDK: the real library with a scripted model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import agents
from agents import Agent, Model, ModelResponse, Runner, Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from seedx_sdk.imaging import open_image
from seedx_tools.adapters.openai_agents import agent_tools
from seedx_tools.toolbox import Toolbox
from tests.support.tool_calls import CALLS, check_texts


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
