"""ChatSeedX in caches, retries, copies and other processes."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.runnables import Runnable
from PIL import Image

from seedx_sdk import DeadlineError, GenerationCancelled, InputError, Message, OverloadedError, SeedX, StreamEvent
from seedx_sdk.engine import Request
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.adapters.langchain import ChatSeedX, seedx_toolkit
from tests.support.children import in_child
from tests.support.stub_server import stub_server

FULL = OverloadedError("full", retry_after=0.01)
OPTIONS: dict[str, Any] = {
    "temperature": 0.5,
    "max_tokens": 7,
    "seed": 4,
    "width": 64,
    "height": 64,
    "num_inference_steps": 3,
    "guidance_scale": 2.0,
    "stop": ["blue"],
}


def scripted(*replies: Message | Exception, **options: Any) -> tuple[ChatSeedX, ScriptedEngine]:
    engine = ScriptedEngine(replies)
    return ChatSeedX(seedx=SeedX(engine=engine), **options), engine


@pytest.mark.parametrize("name", OPTIONS)
def test_a_cache_tells_every_option_apart(name: str) -> None:
    cache, seedx = InMemoryCache(), SeedX(engine=(engine := ScriptedEngine()))
    base = {"width": 128, "height": 128}
    plain = ChatSeedX(seedx=seedx, cache=cache, **base)
    for _ in range(2):
        plain.invoke("Hello")
        plain.invoke("Hello", **{name: OPTIONS[name]})
        ChatSeedX(seedx=seedx, cache=cache, **{**base, name: OPTIONS[name]}).invoke("Hello")
    assert len(engine.requests) == 2


def test_what_is_given_counts_and_not_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDX_API_KEY", "secret")
    assert ChatSeedX().api_key is None
    monkeypatch.setenv("SEEDX_BASE_URL", "http://localhost:8000")
    assert scripted(Message.assistant("a house"))[0].invoke("What?").text == "a house"
    local = ChatSeedX(model="seed-x")
    assert (local.base_url, local.api_key, ChatSeedX().base_url) == (None, None, "http://localhost:8000")
    with pytest.raises(ValueError, match="leave out model, base_url and api_key"):
        ChatSeedX(seedx=SeedX(), base_url="http://localhost:8000")


def test_a_cache_tells_models_and_servers_apart() -> None:
    cache = InMemoryCache()
    for words in ("first", "second"):
        model, engine = scripted(Message.assistant(words), cache=cache)
        assert [model.invoke("Hello").text, model.invoke("Hello").text] == [words, words]
        assert len(engine.requests) == 1
    with stub_server("a stub") as one, stub_server("another") as other:
        for server in (one, other):
            for _ in range(2):  # the same settings share, whatever the key
                model = ChatSeedX(base_url=server.address, api_key="x", cache=cache)
                assert model.invoke("Hello").text == ("a stub" if server is one else "another")
            assert len(server.ports) == 2  # info and one reply


async def test_a_cache_is_asked_by_async_calls_too() -> None:
    model, engine = scripted(cache=InMemoryCache())
    first = await model.ainvoke("Hello", seed=2)
    assert (await model.ainvoke("Hello", seed=2)).text == first.text and len(engine.requests) == 1
    await model.ainvoke("Hello", seed=3)
    assert len(engine.requests) == 2


def test_retries_wait_as_long_as_the_server_says() -> None:
    model, engine = scripted(FULL, FULL, Message.assistant("a house"))
    assert model.invoke("What is there?").text == "a house" and len(engine.requests) == 3
    model, engine = scripted(FULL, max_retries=0)
    with pytest.raises(OverloadedError) as caught:
        model.invoke("What is there?")
    assert caught.value.retry_after == 0.01 and len(engine.requests) == 1
    model, engine = scripted(OverloadedError("full", retry_after=3600))
    with pytest.raises(OverloadedError):
        model.invoke("What is there?")
    model, engine = scripted(OverloadedError("full", retry_after=50), timeout=20)  # no time is left for a retry
    with pytest.raises(OverloadedError):
        model.invoke("What is there?")
    assert len(engine.requests) == 1
    engine = ScriptedEngine([OverloadedError("full", retry_after=50)])
    view = ChatSeedX(seedx=SeedX(engine=engine).with_cancel(lambda: bool(engine.requests)))
    with pytest.raises(GenerationCancelled):
        view.invoke("What is there?")


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_langchains_retries_and_fallbacks_work(asynchronous: bool) -> None:
    async def ask(model: Runnable[Any, Any]) -> str:
        return str((await model.ainvoke("What?") if asynchronous else model.invoke("What?")).text)

    patient: dict[str, Any] = {"retry_if_exception_type": (OverloadedError,), "wait_exponential_jitter": False}
    model, engine = scripted(FULL, FULL, Message.assistant("a house"), max_retries=0)
    assert await ask(model.with_retry(**patient)) == "a house" and len(engine.requests) == 3
    other, _ = scripted(Message.assistant("a boat"))
    for error in (FULL, DeadlineError("late")):
        model, engine = scripted(error, max_retries=0)
        assert await ask(model.with_fallbacks([other], exceptions_to_handle=(type(error),))) in ("a boat", "")
        assert len(engine.requests) == 1
        other, _ = scripted(Message.assistant("a boat"))


class Blocking(ScriptedEngine):
    """Holds each request until it may go on, and each "Hello" until it is told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        self.begun.set()
        self.may_end.wait()
        if request.messages[-1].text == "Hello":  # it came to its turn before it could leave the line
            assert cancel is not None
            while not cancel():
                time.sleep(0.01)
            return
        yield from super().stream(request, cancel)


async def test_a_timeout_counts_the_wait_for_another_threads_turn(picture: Image.Image) -> None:
    engine = Blocking()
    seedx = SeedX(engine=engine)
    thread = threading.Thread(target=seedx.describe, args=(picture,))
    thread.start()
    engine.begun.wait()
    model = ChatSeedX(seedx=seedx, timeout=0.05)
    with pytest.raises(DeadlineError, match="within 0.05 seconds"):
        model.invoke("Hello")
    with pytest.raises(DeadlineError, match="within 0.05 seconds"):
        await model.ainvoke("Hello")
    view = ChatSeedX(seedx=seedx.with_cancel(lambda: True), timeout=60)
    with pytest.raises(GenerationCancelled):
        view.invoke("Hello")
    with pytest.raises(GenerationCancelled):
        await view.ainvoke("Hello")
    engine.may_end.set()
    thread.join()
    assert len(engine.requests) == 1


def test_a_copy_with_other_fields_has_another_client() -> None:
    with stub_server("a stub") as one, stub_server("another") as other:
        model = ChatSeedX(base_url=one.address)
        assert model.invoke("Hello").text == "a stub"
        assert model.model_copy(update={"base_url": other.address}).invoke("Hello").text == "another"
        for same in (model.model_copy(), copy.copy(model), copy.deepcopy(model), model.bind(seed=2)):
            assert same.invoke("Hello").text == "a stub"
        assert len(set(one.ports)) == len(one.ports) - 1  # they share one client, which got the info once


def test_it_is_pickled_by_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    dumps = [pickle.dumps, pytest.importorskip("cloudpickle").dumps]
    with stub_server("a stub") as server:
        monkeypatch.setenv("SEEDX_API_KEY", "here")
        monkeypatch.setenv("SEEDX_BASE_URL", server.address)
        given, found = ChatSeedX(api_key="given", seed=3), ChatSeedX(seed=3)
        assert found.invoke("Hello").text == "a stub"  # has a client with the key
        sent = [(dump(given), dump(found)) for dump in dumps]
        monkeypatch.setenv("SEEDX_API_KEY", "there")
        monkeypatch.delenv("SEEDX_BASE_URL")
        for data in sent:
            assert b"given" in data[0] and b"here" not in data[0] + data[1]
            models = [pickle.loads(one) for one in data]
            assert [model.invoke("Hello").text for model in models] == ["a stub"] * 2
            assert server.keys[-4:] == ["Bearer given"] * 2 + ["Bearer there"] * 2
            assert [(model.seed, model.base_url) for model in models] == [(3, server.address)] * 2
    with pytest.raises(InputError, match="make the client in the worker"):
        pickle.dumps(scripted()[0])


def test_every_tool_travels_with_its_client() -> None:
    with stub_server("a stub") as server:
        kit = seedx_toolkit(SeedX(base_url=server.address))
        image = kit.toolbox.images.add(Image.new("RGB", (8, 8)))
        there = pickle.loads(pickle.dumps(kit))
        assert [tool.name for tool in there.get_tools()] == [tool.name for tool in kit.get_tools()]
        describe = pickle.loads(pickle.dumps(next(tool for tool in kit.get_tools() if tool.name == "describe")))
        assert there.toolbox.images[image].size == (8, 8)
        assert describe.invoke({"images": [image]})[0]["text"] == "a stub"


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked on Windows")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_it_and_the_tools_answer_in_a_forked_child() -> None:
    with stub_server("a stub") as server:
        model = ChatSeedX(base_url=server.address)
        kit = seedx_toolkit(SeedX(base_url=server.address))
        describe = next(tool for tool in kit.get_tools() if tool.name == "describe")
        image = kit.toolbox.images.add(Image.new("RGB", (8, 8)))

        def ask() -> list[str]:
            return [model.invoke("Hello").text, describe.invoke({"images": [image]})[0]["text"]]

        assert ask() == in_child(ask) == ask() == ["a stub", "a stub"]
