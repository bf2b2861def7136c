"""The golden cases, and that the runner notices damage."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.unet import size_ids

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
sys.path.insert(0, str(HERE))

run = pytest.importorskip("run", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

pytestmark = [
    # peft reads every attribute of a transformers model, deprecated ones included
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    # The schedulers of diffusers turn tensors into arrays in a way that NumPy 2 is about to change.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]


@pytest.mark.parametrize("kind", sorted(run.KINDS))
def test_golden_cases_of_kind_pass(kind: str) -> None:
    outcomes = run.check_directory(GOLDEN, [kind])
    assert [outcome for outcome in outcomes if outcome.kind == kind], "no case of this kind"
    assert [str(outcome) for outcome in outcomes if not outcome.passed] == []


def _outcome(case: str) -> str:
    return str(run.check_file(GOLDEN / f"{case}.json"))


@pytest.mark.parametrize("case", ["sdxl_size_1", "sdxl_size_2"])
def test_swapped_width_and_height_are_noticed(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Detokenizer.begin

    def swapped_ids(height: int, width: int, *args: Any, **kwargs: Any) -> Tensor:
        return size_ids(width, height, *args, **kwargs)

    def swapped_begin(*args: Any, **kwargs: Any) -> Any:
        return begin(*args, **{**kwargs, "height": kwargs["width"], "width": kwargs["height"]})

    assert _outcome(case).startswith("pass")
    with monkeypatch.context() as patch:
        patch.setattr("seedx_sdk.model.detokenizer.size_ids", swapped_ids)
        assert "time_ids: differs by" in _outcome(case)
    with monkeypatch.context() as patch:
        patch.setattr(Detokenizer, "begin", swapped_begin)
        assert "ValueError: latents have shape" in _outcome(case)


@pytest.mark.parametrize("factor", [0.1, 10])
@pytest.mark.parametrize(("case", "norms"), [("resampler_in_eps", 2), ("vit_eps", 8), ("detok_resampler_eps", 7)])
def test_a_wrong_epsilon_of_any_layer_norm_is_noticed(
    case: str, norms: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in range(norms):
        seen: list[nn.LayerNorm] = []

        def forward(self: nn.LayerNorm, x: Tensor, wrong: int = wrong, seen: list[nn.LayerNorm] = seen) -> Tensor:
            if self not in seen:
                seen.append(self)
            eps = self.eps * factor if seen.index(self) == wrong else self.eps
            return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, eps)

        with monkeypatch.context() as patch:
            patch.setattr(nn.LayerNorm, "forward", forward)
            assert "differs by" in _outcome(case), wrong
        assert len(seen) == norms


@pytest.fixture
def vit_case(tmp_path: Path) -> Path:
    for suffix in (".json", ".safetensors"):
        shutil.copy(GOLDEN / f"vit_b{suffix}", tmp_path)
    names = json.loads((GOLDEN / "manifest.json").read_text())
    listed = {name: entry for name, entry in names.items() if name.startswith("vit_b.")}
    (tmp_path / "manifest.json").write_text(json.dumps(listed))
    return tmp_path


def _problems(directory: Path) -> str:
    return "\n".join(str(outcome) for outcome in run.check_directory(directory) if not outcome.passed)


def test_untouched_copy_passes(vit_case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([str(vit_case)]) == 0
    assert "1 passed, 0 failed" in capsys.readouterr().out


def test_tampered_file_fails_by_its_hash(vit_case: Path) -> None:
    _tamper(vit_case)
    assert "sha256" in _problems(vit_case)
    assert run.main([str(vit_case)]) == 1


def test_tampered_weight_fails_by_its_numbers(vit_case: Path) -> None:
    _tamper(vit_case)
    (vit_case / "manifest.json").unlink()
    record = json.loads((vit_case / "vit_b.json").read_text())
    del record["sha256_safetensors"]
    (vit_case / "vit_b.json").write_text(json.dumps(record))
    assert "embeds: differs by" in _problems(vit_case)


def _tamper(directory: Path) -> None:
    tensors = load_file(directory / "vit_b.safetensors")
    tensors["weights/transformer.resblocks.1.attn.in_proj.weight"] *= 1.1
    save_file(tensors, directory / "vit_b.safetensors")


@pytest.mark.parametrize("name", ["vit_b.json", "vit_b.safetensors"])
def test_missing_file_fails(vit_case: Path, name: str) -> None:
    (vit_case / name).unlink()
    assert f"{name}" in _problems(vit_case)
    assert "missing" in _problems(vit_case)


def test_missing_output_comparison_fails(vit_case: Path) -> None:
    record = json.loads((vit_case / "vit_b.json").read_text())
    record["outputs"]["something_new"] = 1
    (vit_case / "vit_b.json").write_text(json.dumps(record))
    assert "something_new: not compared" in _problems(vit_case)


def test_unknown_kind_fails(vit_case: Path) -> None:
    record = json.loads((vit_case / "vit_b.json").read_text())
    (vit_case / "vit_b.json").write_text(json.dumps(record | {"kind": "telepathy"}))
    assert "unknown kind" in _problems(vit_case)
    assert run.main([str(vit_case), "--kinds", "telepathy"]) == 1


def test_empty_directory_fails(tmp_path: Path) -> None:
    assert run.main([str(tmp_path)]) == 1
