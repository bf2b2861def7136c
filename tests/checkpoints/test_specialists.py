"""Trained adapters become specialists of a checkpoint directory, or models of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import IA3Config
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from seedx_sdk import InputError, ModelError, OutputPathError, SeedX, SpecialistMissingError, WeightsMissingError
from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.checkpoints.directory import load_directory, write_config
from seedx_sdk.checkpoints.info import read_directory
from seedx_sdk.checkpoints.specialists import add_specialist, merge_specialist
from seedx_sdk.cli.main import app
from seedx_sdk.testing.tiny import tiny_model
from tests.support.adapters import adapter_package

TOLERANCE = 1e-3
"""Largest difference of a logit between an adapter and the model that it was merged into."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def model(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "model"))


@pytest.fixture
def package(base: Path, tmp_path: Path) -> Path:
    return adapter_package(tmp_path / "package", base, rank=4, seed=1, std=0.3)


def files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def logits(directory: Path, specialist: str | None = None) -> torch.Tensor:
    """Return what the model says after a text and an image."""
    parts = load_directory(directory)
    lvlm = parts.lvlm if specialist is None else parts.specialists[specialist]
    text = parts.tokenizer.encode("a red house beside a green tree")
    image = lvlm.embed_images(torch.linspace(-1, 1, 256 * 20).view(1, 256, 20), torch.tensor([[0.5, 0.5]]))
    embeds = torch.cat([lvlm.embed(torch.tensor([text])), image.flatten(0, 1)[None]], dim=1)
    found: torch.Tensor = lvlm.causal_lm(inputs_embeds=embeds).logits
    return found


def test_a_package_becomes_a_specialist_that_is_verified(model: Path, package: Path) -> None:
    before = DirectoryConfig.read(model)
    assert add_specialist(model, package, "try_on") == ()
    after = DirectoryConfig.read(model)
    assert set(after.files) - set(before.files) == {
        "specialists/try_on/adapter_config.json",
        "specialists/try_on/adapter_model.safetensors",
        "specialists/try_on/projectors/model.safetensors",
    }
    assert after.revision != before.revision
    info = read_directory(model)
    assert info.specialists == ("try_on",) and "try_on" in info.tasks
    assert (logits(model) - logits(model, "try_on")).abs().max() > 0.1
    with SeedX(model=model) as seedx:
        assert seedx.info.specialists == ("try_on",)
    with pytest.raises(OutputPathError, match="exists already"):
        add_specialist(model, package, "try_on")


def test_merged_weights_answer_as_the_adapter_does(model: Path, package: Path, tmp_path: Path) -> None:
    add_specialist(model, package, "try_on")
    add_specialist(model, package, "story")
    before = files(model)
    merge_specialist(model, "try_on", tmp_path / "merged")
    assert files(model) == before
    assert files(tmp_path / "merged") == {name for name in before if not name.startswith("specialists/")}
    merged, adapted = logits(tmp_path / "merged"), logits(model, "try_on")
    assert (merged - adapted).abs().max() < TOLERANCE < (logits(model) - adapted).abs().max()
    config = DirectoryConfig.read(tmp_path / "merged")
    assert (config.name, config.merged, config.prompts) == ("seed-x-tiny-try_on", "try_on", "instruct")
    with SeedX(model=tmp_path / "merged") as seedx:
        assert seedx.info.specialists == ("try_on",) and "try_on" in seedx.info.tasks
    with pytest.raises(SpecialistMissingError, match="no specialist 'edit'; its specialists: story, try_on"):
        merge_specialist(model, "edit", tmp_path / "other")


def test_the_types_of_the_weights_are_kept(model: Path, package: Path, tmp_path: Path) -> None:
    weights = model / "llm" / "model.safetensors"
    save_file({k: v.bfloat16() for k, v in load_file(weights).items()}, weights, metadata={"format": "pt"})
    write_config(model, DirectoryConfig.read(model))
    add_specialist(model, package, "edit")
    merge_specialist(model, "edit", tmp_path / "merged")
    merged = load_file(tmp_path / "merged" / "llm" / "model.safetensors")
    assert {value.dtype for value in merged.values()} == {torch.bfloat16}
    changed = [name for name, value in load_file(weights).items() if not torch.equal(value, merged[name])]
    assert len(changed) == 2 * 7 and all(name.endswith("_proj.weight") for name in changed)


def _setting(name: str, value: object) -> Callable[[Path], None]:
    def change(package: Path) -> None:
        path = package / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))

    return change


def _weights(part: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def apply(package: Path) -> None:
        state = load_file(package / part)
        change(state)
        save_file(state, package / part, metadata={"format": "pt"})

    return apply


ADAPTER, PROJECTORS = "adapter_model.safetensors", "projectors/model.safetensors"
UP = "base_model.model.model.layers.1.mlp.up_proj"


@pytest.mark.parametrize(
    ("spoil", "kind", "message"),
    [
        (_setting("modules_to_save", ["lm_head"]), ModelError, "has modules_to_save, which vLLM cannot serve"),
        (_setting("use_dora", True), ModelError, "has use_dora"),
        (_setting("rank_pattern", {"q_proj": 2}), ModelError, "has rank_pattern"),
        (_setting("r", 513), ModelError, "has rank 513; at most 512"),
        (_setting("r", 8), ModelError, r"trained on another model: .* A \(4, \d+\)"),
        (
            lambda package: IA3Config(target_modules=["q_proj"]).save_pretrained(str(package)),
            ModelError,
            "is a IA3Config; only LoRA",
        ),
        (
            _weights(ADAPTER, lambda s: s.update({"base_model.model.lm_head.weight": torch.ones(2)})),
            ModelError,
            "only LoRA",
        ),
        (_weights(ADAPTER, lambda s: s.pop(f"{UP}.lora_A.weight")), ModelError, "trained on another model"),
        (
            _weights(ADAPTER, lambda s: s.update({f"{UP.replace('.1.', '.9.')}.lora_A.weight": torch.ones(4, 40)})),
            ModelError,
            "has no model.layers.9.mlp.up_proj.weight",
        ),
        (
            _weights(PROJECTORS, lambda s: s.pop("output_resampler.query")),
            ModelError,
            "'output_resampler.query' differs",
        ),
        (lambda package: (package / PROJECTORS).unlink(), WeightsMissingError, "holds no weights"),
        (
            lambda package: (package / "adapter_config.json").unlink(),
            WeightsMissingError,
            "adapter_config.json is missing",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_and_nothing_is_written(
    spoil: Callable[[Path], None], kind: type[Exception], message: str, model: Path, package: Path, tmp_path: Path
) -> None:
    spoil(package)
    before = files(tmp_path)
    with pytest.raises(kind, match=message):
        add_specialist(model, package, "try_on")
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["", "../llm", "a/b", "-x", "x" * 65])
def test_a_name_is_that_of_a_directory(name: str, model: Path, package: Path) -> None:
    with pytest.raises(InputError, match="is not allowed; use up to 64 letters"):
        add_specialist(model, package, name)


def test_the_command_takes_a_finished_run(model: Path, package: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(package, run / "model")
    into = ("export", str(run), "--into", str(model))
    assert "give one with --name" in CliRunner().invoke(app, into).stderr.replace("\n", " ")
    (run / "recipe.json").write_text('{"name": "slides"}')
    assert CliRunner().invoke(app, into).stdout == f"{model / 'specialists' / 'slides'}\n"
    assert CliRunner().invoke(app, (*into, "--name", "mine")).exit_code == 0
    assert read_directory(model).specialists == ("mine", "slides")
    merged = CliRunner().invoke(app, (*into, "--name", "try_on", "--merge", str(tmp_path / "merged")))
    assert merged.stdout == f"{tmp_path / 'merged'}\n" and read_directory(tmp_path / "merged").specialists == (
        "try_on",
    )
    assert read_directory(model).specialists == ("mine", "slides")
    nothing = CliRunner().invoke(app, ("export", str(tmp_path), "--into", str(model), "--name", "x"))
    assert nothing.exit_code == 1 and "holds no adapter_config.json" in " ".join(nothing.stderr.split())
