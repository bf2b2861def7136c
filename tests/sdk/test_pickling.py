"""Clients travel by their settings: to Ray and joblib workers, spawned processes, copies."""

from __future__ import annotations

import copy
import functools
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_sdk import AsyncSeedX, InputError, SeedX, errors
from seedx_sdk.settings import ClientSettings
from seedx_sdk.testing import ScriptedEngine
from tests.support.stub_server import stub_server

Dumps = Callable[[object], bytes]
CLIENTS: list[Callable[..., SeedX | AsyncSeedX]] = [SeedX, AsyncSeedX, lambda **given: SeedX(**given).as_async()]


@pytest.fixture(params=["pickle", "cloudpickle"])
def dumps(request: pytest.FixtureRequest) -> Dumps:
    made: Dumps = pytest.importorskip(request.param).dumps
    return made


@pytest.mark.parametrize("make", CLIENTS)
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"model": "/models/seed-x", "device": "cuda:1", "dtype": "bfloat16"},
        {"base_url": "http://localhost:8000", "api_key": "secret", "max_retries": 0},
    ],
)
def test_a_client_is_pickled_by_its_settings(
    make: Callable[..., SeedX | AsyncSeedX], given: dict[str, Any], dumps: Dumps
) -> None:
    seedx = make(**given)
    there = pickle.loads(dumps(seedx))
    assert type(there) is type(seedx)
    assert there.settings == seedx.settings and there.settings.identity == seedx.settings.identity
    assert {name: getattr(there.settings, name) for name in given} == given
    assert "secret" not in repr(there.settings) and "secret" not in str(there.settings.identity)


def test_a_model_directory_travels_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(SeedX("seed-x"))
    monkeypatch.chdir("/")
    assert pickle.loads(sent).settings.model == tmp_path / "seed-x"


@pytest.mark.parametrize("make", CLIENTS)
def test_a_client_over_an_engine_says_what_to_send(make: Callable[..., SeedX | AsyncSeedX], dumps: Dumps) -> None:
    seedx = make(engine=ScriptedEngine())
    with pytest.raises(InputError, match="make the client in the worker, or send one made with base_url or model"):
        dumps(seedx)
    view = SeedX().with_cancel(lambda: False)
    with pytest.raises(InputError, match="send the client itself, and call with_cancel in the worker"):
        dumps(view)


def test_a_subclass_keeps_what_it_adds(dumps: Dumps) -> None:
    class Named(SeedX):
        def __init__(self, name: str) -> None:
            super().__init__(base_url="http://localhost:8000")
            self.name = name

    named = Named("mine")
    assert named.with_cancel(lambda: False).name == "mine"
    state = named.__getstate__()
    there = Named.__new__(Named)
    there.__setstate__(pickle.loads(dumps(state)))
    assert (there.name, there.settings) == ("mine", named.settings)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_share_the_loaded_model(duplicate: Callable[[object], object], picture: Image.Image) -> None:
    seedx = SeedX(engine=ScriptedEngine())
    for client in (seedx, seedx.as_async(), seedx.with_cancel(lambda: False), AsyncSeedX()):
        assert duplicate(client) is client
    (held,) = copy.deepcopy([seedx])
    assert held.describe(picture).text == "a scripted answer about 1 picture(s)"


def test_a_spawned_process_answers_with_a_client_that_was_sent(picture: Image.Image) -> None:
    with stub_server("a stub") as server, _spawned() as pool:
        seedx = SeedX(base_url=server.address, api_key="secret")
        assert seedx.describe(picture).text == "a stub"  # its connections stay here
        assert pool.submit(methodcaller("describe", picture), seedx).result().text == "a stub"
        refused = pool.submit(methodcaller("describe", picture), SeedX(engine=ScriptedEngine()))
        with pytest.raises(InputError, match="make the client in the worker"):
            refused.result()
    assert set(server.keys) == {"Bearer secret"} and len(set(server.ports)) == 2


@pytest.mark.nightly
def test_a_spawned_process_loads_the_model_of_a_client_that_was_sent(nano: SeedX) -> None:
    draw = methodcaller("generate", "a red house", num_inference_steps=1)
    with _spawned() as pool:
        there, here = pool.submit(draw, nano).result(), draw(nano)
    assert there.image.tobytes() == here.image.tobytes()


def test_every_error_comes_back_from_a_worker() -> None:
    made: list[errors.SeedXError] = [
        errors.OverloadedError("full", retry_after=7.0),
        errors.MissingExtraError("local", "torch"),
    ]
    kinds = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]
    special = {type(error) for error in made}
    for error in [*made, *(kind("words") for kind in kinds if kind not in special)]:
        there = pickle.loads(pickle.dumps(error))
        assert type(there) is type(error) and (str(there), vars(there)) == (str(error), vars(error))


def test_identities_tell_models_apart_and_the_same_settings_not(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(name, encoding="utf-8")
    engine = ScriptedEngine()
    different = [
        ClientSettings(),
        ClientSettings(device="cpu"),
        ClientSettings(dtype="float32"),
        ClientSettings(model=tmp_path / "one"),
        ClientSettings(model=tmp_path / "two"),
        ClientSettings(model=tmp_path / "three"),
        ClientSettings(base_url="http://localhost:8000"),
        ClientSettings(base_url="http://localhost:8001"),
        ClientSettings(engine=engine),
        ClientSettings(engine=engine),
    ]
    seen = [settings.identity for settings in different]
    assert all(identity not in seen[:number] for number, identity in enumerate(seen))
    same = [ClientSettings(model=str(tmp_path / "one")), ClientSettings(base_url="http://localhost:8000/", api_key="x")]
    assert [settings.identity for settings in same] == [seen[3], seen[6]]
    (tmp_path / "one" / "config.json").write_text("trained on", encoding="utf-8")
    assert different[3].identity != seen[3]


@pytest.mark.parametrize("wrong", [-1, 1.5, None])
def test_retries_are_counted_in_whole_numbers(wrong: Any) -> None:
    with pytest.raises(InputError, match="max_retries .* is not allowed; use a whole number, 0 or more"):
        SeedX(base_url="http://localhost:8000", max_retries=wrong)


_spawned = functools.partial(ProcessPoolExecutor, 1, multiprocessing.get_context("spawn"))
