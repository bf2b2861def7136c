"""Client programs that people have, each against a server: LangChain's, litellm, `llm` and OpenAI's for Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from PIL import Image
from pydantic import SecretStr

from seedx_sdk import Message
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, Serve

PAGE = Image.new("RGB", (64, 48), "red")
ASK = [
    SystemMessage("Be brief."),
    HumanMessage(
        [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": to_data_uri(PAGE)}}]
    ),
]
NODE = Path(__file__).parents[1] / "openai_js"


def drawing(replies: int) -> Scripted:
    return Scripted(ScriptedEngine([Message.assistant("a house", PAGE)] * replies))


def test_langchain_openai(serve: Serve) -> None:
    engine = drawing(3)
    address = f"{serve(engine)}/v1"
    model = ChatOpenAI(model="scripted", base_url=address, api_key=SecretStr("none"), max_retries=0)
    answer = model.invoke(ASK)
    assert (answer.text, answer.response_metadata["finish_reason"]) == ("a house", "stop")
    request = engine.scripted.requests[0]
    assert request.messages[0].text == "Be brief. what is it?"
    assert request.messages[0].images[0].tobytes() == PAGE.tobytes()
    assert "".join(chunk.text for chunk in model.stream(ASK)) == "a house"
    parts = model.bind(extra_body={"content_format": "parts"}).invoke(ASK)
    assert [part["type"] for part in parts.content if isinstance(part, dict)] == ["text", "image_url"]
    again = model.invoke([*ASK, parts, HumanMessage("and now?")])
    assert again.text and engine.scripted.requests[-1].messages[1].images[0].tobytes() == PAGE.tobytes()


LITELLM_AND_OPENAI = ("litellm==1.110.2", "openai==3.57.0")
LITELLM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import litellm
litellm.suppress_debug_info = True
address, url = sys.argv[1:]
asked = [{"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": url}]}]
about = {"model": "openai/scripted", "api_base": address, "api_key": "none", "num_retries": 0}
message = litellm.completion(messages=asked, **about).choices[0].message
images = [image for chunk in litellm.completion(messages=asked, stream=True, **about) if chunk.choices
          for image in getattr(chunk.choices[0].delta, "images", None) or []]
litellm.completion(messages=[*asked, message.model_dump(), *asked], stop=["tree"], drop_params=True, **about)
drawn = litellm.image_generation(prompt="a house", n=2, size="64x64", quality="auto", **about)
try:
    litellm.completion(messages=asked, temperature=9, **about)
except litellm.BadRequestError as error:
    refused = str(error)
print(json.dumps([message.content, message.images, images, [len(i.b64_json) > 99 for i in drawn.data], refused]))
"""


@pytest.mark.nightly  # litellm pins the versions of what it needs, so it has an environment of its own
def test_litellm_and_openai_3(serve: Serve, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    output([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *LITELLM_AND_OPENAI])
    engine = drawing(3)
    content, whole, streamed, drawn, refused = json.loads(
        output([python, "-c", LITELLM, f"{serve(engine)}/v1", to_data_uri(PAGE)], LITELLM_LOCAL_MODEL_COST_MAP="1")
    )
    assert content == "a house" and [image["image_url"]["url"] for image in whole] == [to_data_uri(PAGE)]
    assert streamed == whole and drawn == [True, True] and "temperature" in refused
    history = engine.scripted.requests[2].messages
    assert history[1].images[0].tobytes() == PAGE.tobytes() and engine.scripted.requests[2].options.stop == ("tree",)


@pytest.mark.nightly
def test_the_llm_command(serve: Serve, tmp_path: Path) -> None:
    command = shutil.which("llm", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if command is None:
        pytest.skip("llm is not installed: pip install 'seedx-sdk[dev]'")
    engine = drawing(2)
    models = [{"model_id": "seedx", "model_name": "scripted", "api_base": f"{serve(engine)}/v1", "vision": True}]
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models), encoding="utf-8")
    PAGE.save(tmp_path / "page.png")
    asked = [command, "-m", "seedx", "-s", "Be brief.", "-a", str(tmp_path / "page.png"), "--key", "none", "what?"]
    for arguments in (asked, [*asked, "--no-stream"]):
        assert output(arguments, LLM_USER_PATH=str(tmp_path)).strip() == "a house"
    for request in engine.scripted.requests:
        assert request.messages[0].text == "Be brief. what?" and request.messages[0].images[0].size == PAGE.size


@pytest.mark.nightly  # it installs a package of npm
def test_openai_for_node(serve: Serve, tmp_path: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js 20 or newer is not installed")
    folder = Path(shutil.copytree(NODE, tmp_path / "client"))
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    engine = drawing(3)
    PAGE.save(folder / "page.png")
    said = json.loads(output(["node", "client.mjs", f"{serve(engine)}/v1"], cwd=folder))
    assert said["whole"] == {"content": "a house", "images": [to_data_uri(PAGE)]}
    assert said["streamed"] == said["helper"] == said["whole"]
    assert said["again"] == "a scripted answer about 0 picture(s)"
    assert engine.scripted.requests[3].messages[1].images[0].tobytes() == PAGE.tobytes()
    assert said["generated"] == [2, "webp"] and said["events"] == ["image_generation.completed"]
    assert said["edited"] == 1 and said["models"] == ["scripted"]
    assert said["refused"] == [400, "invalid_value", "image"]


def output(command: list[str], *, cwd: Path | None = None, **env: Any) -> str:
    """Return what a program prints.

    Raises:
        AssertionError: If it fails.
    """
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
