"""How the options of `seedx serve` reach the engine, without serving."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.errors import DeviceMemoryError, InputError
from seedx_sdk.http.api_keys import read_keys
from seedx_sdk.serve import cli
from seedx_sdk.serve.settings import ServerSettings


class Stopped:
    """A server that does not serve."""

    def __init__(self, app: Any, **settings: Any) -> None: ...

    def run_until_signal(self) -> None: ...


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[EngineOptions]:
    """The options of the engines that would be opened."""
    options_seen: list[EngineOptions] = []
    monkeypatch.setattr(cli, "DrainingServer", Stopped)
    monkeypatch.setattr(cli, "json_log", nullcontext)
    monkeypatch.setattr(cli, "open_local", lambda _checkpoint_dir, options: options_seen.append(options))

    class Opening:
        def __init__(self, open_engine: Any) -> None:
            open_engine()

    monkeypatch.setattr(cli, "SupervisedEngine", Opening)
    return options_seen


def serve(*options: str) -> Any:
    app = typer.Typer()
    app.command()(cli.serve)
    return CliRunner().invoke(app, ["--backbone", "transformers", *options])


def test_options_reach_the_engine(opened: list[EngineOptions]) -> None:
    for options in ([], ["--dtype", "bfloat16", "--step-seconds", "20"]):
        assert serve(*options).exit_code == 0
    assert [(options.dtype, options.limits.step_seconds) for options in opened] == [(None, 300), ("bfloat16", 20)]


def test_memory_options_reach_the_engine(opened: list[EngineOptions]) -> None:
    assert serve("--max-batch", "2").exit_code == 0
    assert opened[-1].limits.max_batch == 2 and opened[-1].torch_dtype == torch.float32
    answer = serve("--kv-cache-gb", "2", "--quantization", "fp8")
    assert "--kv-cache-gb and --quantization need vLLM" in str(answer.exception) and len(opened) == 1
    assert "offloading frees GPU memory" in str(serve("--offload", "--device", "cpu").exception)


def test_placement_options_reach_the_engine(opened: list[EngineOptions]) -> None:
    given = ("--compile", "--prepare-size", "192x96", "--prepare-batch", "1", "--channels-last", "--tile-side", "512")
    assert serve("--device", "cpu", *given).exit_code == 0
    assert opened[-1].placement == Placement(
        compile=True, prepared_sizes=((192, 96),), prepared_batches=(1,), channels_last=True, tile_side=512
    )
    for wrong, cure in (
        (("--cuda-graphs", "4"), "CUDA graphs need a GPU"),
        (("--prepare-size", "192"), "such as 1344x768"),
        (("--prepare-batch", "2"), "nothing to prepare on 'cpu'"),
        (("--tile-side", "100"), "multiple of 64"),
        (("--offload", "--compile"), "choose one of the two"),
    ):
        assert cure in str(serve("--device", "cpu", *wrong).exception)
    assert len(opened) == 1


def test_a_gpu_is_served_in_bfloat16(opened: list[EngineOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (20 << 30, 24 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 9))
    assert serve("--offload").exit_code == 0
    assert opened[-1].torch_device.type == "cuda" and opened[-1].torch_dtype == torch.bfloat16
    assert opened[-1].placement.offload
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (1 << 30, 24 << 30))
    assert isinstance(serve().exception, DeviceMemoryError) and len(opened) == 1


def test_options_of_vllm_reach_it(monkeypatch: pytest.MonkeyPatch, opened: list[EngineOptions]) -> None:
    pytest.importorskip("vllm", exc_type=ImportError)
    seen: list[VLLMOptions] = []
    monkeypatch.setattr(cli, "open_vllm", lambda _checkpoint_dir, _options, vllm: seen.append(vllm))
    given = ("--kv-cache-gb", "2", "--quantization", "fp8", "--max-model-len", "512", "--enforce-eager")
    assert serve("--backbone", "vllm", *given).exit_code == 0 and not opened
    chosen = {"kv_cache_bytes": 2 * 10**9, "quantization": "fp8", "max_model_len": 512, "enforce_eager": True}
    assert seen == [VLLMOptions(block_size=32, **chosen)]  # type: ignore[arg-type]


def test_limits_of_a_step_reach_vllm(monkeypatch: pytest.MonkeyPatch, opened: list[EngineOptions]) -> None:
    pytest.importorskip("vllm", exc_type=ImportError)
    seen: list[Any] = []
    monkeypatch.setattr(cli, "open_vllm", lambda _checkpoint_dir, options, vllm: seen.append((options, vllm)))
    assert serve("--backbone", "vllm", "--step-seconds", "20").exit_code == 0 and not opened
    ((options, vllm),) = seen
    assert options.limits.step_seconds == vllm.step_seconds == 20
    assert vllm == VLLMOptions(step_seconds=20, block_size=32, kv_cache_bytes=1 << 30)


@pytest.mark.parametrize(
    "options", [["--dtype", "float64"], ["--port", "70000"], ["--step-seconds", "0"], ["--reply-seconds", "0"]]
)
def test_invalid_options_are_usage_errors(opened: list[EngineOptions], options: list[str]) -> None:
    assert serve(*options).exit_code == 2 and not opened


def test_a_link_to_the_file_of_keys_stays_a_link(
    opened: list[EngineOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mounted file is replaced by changing where a link leads; what it led to is then deleted."""
    settings: list[ServerSettings] = []
    monkeypatch.setattr(cli, "create_app", lambda _engine, given: settings.append(given))
    (tmp_path / "first.toml").write_text('[keys.alice]\nkey = "a"\n')
    link = tmp_path / "keys.toml"
    link.symlink_to("first.toml")
    monkeypatch.chdir(tmp_path)
    assert serve("--api-keys-file", "keys.toml").exit_code == 0 and opened
    assert [given.api_keys_file for given in settings] == [link]


def test_keys_are_read_without_white_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDX_API_KEYS", " first,second ,, \n")
    assert [key.get_secret_value() for key in read_keys("0.0.0.0")] == ["first", "second"]
    monkeypatch.setenv("SEEDX_API_KEYS", " , ")
    assert read_keys("127.0.0.1") == ()
    with pytest.raises(InputError, match="can be reached by others"):
        read_keys("0.0.0.0")
