"""What `seedx deploy` rejects before it starts anything, and errors that cross processes."""

from __future__ import annotations

import pickle
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("ray", reason="Ray is not installed: pip install 'seedx-sdk[ray]'")

from ray import serve
from ray.serve.config import HTTPOptions

from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.errors import InputError, OverloadedError, SeedXError
from seedx_sdk.serve.ray import cli, cluster
from seedx_sdk.serve.ray.options import DeployOptions

NOWHERE = Path("/nowhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detokenizers", "many"], "a number, such as 2, or a range, such as 1..8"),
        (["--detokenizers", "4..2"], "with the minimum first"),
        (["--backbone", "transformers", "--tensor-parallel", "2"], "use 1, or more on vllm"),
        (["--host", "0.0.0.0"], "SEEDX_API_KEYS"),
        (["--specialist", "edit"], "NAME=DIR"),
        (["--model", "/nowhere"], "no config.json"),
    ],
)
def test_invalid_options_are_rejected(monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.delenv("SEEDX_API_KEYS", raising=False)
    monkeypatch.setattr(cli, "json_log", nullcontext)
    app = typer.Typer()
    app.command()(cli.deploy)
    with pytest.raises(SeedXError, match=message):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.parametrize("numbers", [{"backbones": 0}, {"detokenizers": (0, 1)}, {"tensor_parallel": 0}])
def test_invalid_numbers_are_rejected(numbers: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cannot be deployed|is not possible"):
        DeployOptions(model=NOWHERE, backbone="vllm", **numbers)


def test_ray_reserves_cpus_for_the_maximum_of_replicas() -> None:
    options = DeployOptions(model=NOWHERE, backbone="vllm", backbones=2, detokenizers=(1, 4), tensor_parallel=3)
    assert options.backbone_bundle == {"CPU": 3} and options.num_cpus == 10
    on_gpus = replace(options, served=EngineOptions(device="cuda"))
    assert on_gpus.backbone_bundle == {"CPU": 1, "GPU": 3} and on_gpus.num_cpus == 6


def test_an_overload_error_keeps_its_retry_after_between_processes() -> None:
    error = pickle.loads(pickle.dumps(OverloadedError("full", retry_after=2.5)))
    assert type(error) is OverloadedError and (str(error), error.retry_after) == ("full", 2.5)


@pytest.mark.parametrize(
    ("current", "deployed"), [(("0.0.0.0", 8000), False), (("127.0.0.1", 80), False), (None, True)]
)
def test_a_cluster_that_listens_elsewhere_is_not_updated(
    monkeypatch: pytest.MonkeyPatch, current: tuple[str, int] | None, deployed: bool
) -> None:
    runs: list[Any] = []
    host, port = current or ("127.0.0.1", 8000)
    answer = SimpleNamespace(http_config=HTTPOptions(host=host, port=port))
    monkeypatch.setattr(serve, "start", lambda **_: None)
    monkeypatch.setattr(serve, "run", lambda app, **_: runs.append(app))
    monkeypatch.setattr(cluster, "_get_global_client", lambda: answer)
    monkeypatch.setattr(cluster, "_joined", lambda _: True)
    outcome = nullcontext() if deployed else pytest.raises(InputError, match=rf"{host}:{port} .*serve shutdown")
    with outcome:
        options = DeployOptions(model=NOWHERE, backbone="transformers")
        cluster.run(options, host="127.0.0.1", port=8000, address="auto")
    assert len(runs) == deployed
