"""ChatSeedX over HTTP passes the same tests as in process and gives the same replies."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.imaging import to_png
from seedx_tools.adapters.langchain import ChatSeedX


class TestOverHttp(ChatModelIntegrationTests):
    address: str

    @pytest.fixture(autouse=True)
    def _open(self, nano_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the test image that the suite fetches from the network."""
        self.address = nano_server
        page = to_png(Image.new("RGB", (64, 48), "white"))
        monkeypatch.setattr(httpx, "get", lambda *_args, **_kwargs: httpx.Response(200, content=page))

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatSeedX

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"base_url": self.address, "num_inference_steps": 2}

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def has_tool_calling(self) -> bool:
        return False  # that needs a server on vLLM: tests/serve/test_vllm_server.py

    @property
    def has_structured_output(self) -> bool:
        return False


def test_a_server_gives_the_same_reply_as_the_model_in_process(nano_server: str) -> None:
    here, there = (
        ChatSeedX(seedx=SeedX(), num_inference_steps=2),
        ChatSeedX(base_url=nano_server, num_inference_steps=2),
    )
    mine, other = (model.invoke("Draw a red house.") for model in (here, there))
    assert mine.content == other.content and mine.usage_metadata == other.usage_metadata is not None
