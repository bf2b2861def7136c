"""The tools in smolagents: the real library with a scripted model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image
from smolagents import ChatMessage, CodeAgent, MessageRole, Model, ToolCallingAgent
from smolagents.agent_types import AgentImage
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction

from seedx_tools import TOOLS
from seedx_tools.adapters.smolagents import agent_tools
from seedx_tools.toolbox import Toolbox
from tests.support.tool_calls import OUTLINE


class _ScriptedModel(Model):  # type: ignore[misc]  # smolagents ships no types
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


def test_a_code_agent_passes_images_on(toolbox: Toolbox, tmp_path: Path) -> None:
    model = _ScriptedModel(
        'print(describe(images=["image:1"]))\nprint(detect(image="image:1", phrase="the red house"))',
        'edit(image="image:9", instruction="make the house blue")',
        'blue = edit(image="image:1", instruction="make the house blue", num_inference_steps=2)\n'
        "print(describe(images=[blue], question='what color is the house?'))\n"
        'print(detect(image=blue, phrase="the house"))\n'
        f"print(make_slides(prompt_or_outline={OUTLINE!r}, path='deck.pptx', pictures=False))\n"
        "final_answer(blue)",
    )
    agent = CodeAgent(tools=agent_tools(toolbox), model=model, verbosity_level=0, max_steps=4)
    answer = agent.run("Look at image:1, make it blue and write a deck.")
    assert isinstance(answer, AgentImage) and answer.to_raw() == toolbox.images["image:3"]
    first, second, third = (step for step in agent.memory.steps if hasattr(step, "observations"))
    assert "red house: x0 y0 x1 y1" in first.observations
    assert "there is no image 'image:9'" in str(second.error)
    assert f"Saved 2 slides as {tmp_path / 'deck.pptx'}" in third.observations


def test_a_tool_calling_agent(toolbox: Toolbox) -> None:
    model = _ScriptedModel(
        ("generate", {"prompt": "a red house", "width": 127, "height": 64}),
        ("generate", {"prompt": "a red house", "num_inference_steps": 2, "seed": None}),
        ("detect", {"image": "image:2", "phrase": "the red house", "seed": "7"}),
        ("describe", {"images": "image_2"}),
        ("final_answer", {"answer": "image:2"}),
    )
    agent = ToolCallingAgent(tools=agent_tools(toolbox), model=model, verbosity_level=0, max_steps=6)
    answer = agent.run("Draw a red house.")
    assert isinstance(answer, AgentImage) and answer.to_raw().size == (128, 128)
    wrong, drawn, found, looked, _last = (step for step in agent.memory.steps if hasattr(step, "observations"))
    assert "multiple of 8" in str(wrong.error)
    assert "The image is image:2." in drawn.observations and "128x128" in found.observations
    assert "house" in looked.observations


def test_smolagents_knows_every_argument(toolbox: Toolbox) -> None:
    *smols, _final_answer = agent_tools(toolbox)
    for smol in smols:
        assert list(smol.inputs) == list(TOOLS[smol.name].schema()["parameters"]["properties"])
        assert smol.output_type == ("image" if smol.name in ("generate", "edit", "try_on") else "string")
    detect = smols[1]
    assert detect(image=AgentImage(Image.new("RGB", (64, 64))), phrase="a house", sanitize_inputs_outputs=True)
