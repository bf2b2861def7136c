"""The whole recipe of the shipped model, a few updates of each stage: one command makes a directory that answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedx_finetune.__main__ import app
from seedx_finetune.nano import stages
from seedx_finetune.nano.run import Run
from seedx_finetune.world import render
from seedx_sdk import SeedX


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::UserWarning")  # PEFT about saved embeddings, with no bearing on the result
def test_one_command_trains_every_stage_and_writes_a_model_that_answers(tmp_path: Path) -> None:
    work, output = tmp_path / "work", tmp_path / "model"
    arguments = ["nano", "--work", str(work), "--output", str(output), "--share", "0.0005"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert f"to {output}" in result.output
    logs = {path.parent.name for path in work.glob("*/log.jsonl")}
    assert logs == {
        *("vae", "vae_things", "vae_noisy"),
        *("visual_encoder_patches", "visual_encoder_code", "visual_encoder"),
        *("language_model", "lvlm_pretrain", "lvlm_instruct", "lvlm_questions", "lvlm_finding", "lvlm_settled", "edit"),
        *("detokenizer_resampler", "detokenizer_1", "detokenizer_2", "detokenizer_2_predicted"),
    }
    page = stages.make_corpus(Run(work, 0.0005)).scenes[0]
    seedx = SeedX(model=output)
    assert seedx.info.name == "seed-x-nano"
    picture = seedx.edit(render(page), "make the house blue", num_inference_steps=2).image
    assert picture.size == (128, 128)
    shipped = sum(path.stat().st_size for path in output.rglob("*.safetensors"))
    assert shipped <= 40e6


def test_a_share_of_a_run_keeps_what_every_stage_needs(tmp_path: Path) -> None:
    assert Run(tmp_path).count(1200) == 1200
    assert Run(tmp_path, 0.25).count(1200) == 300
    assert Run(tmp_path, 0.0005).count(400) == 1
    assert Run(tmp_path, 0.0005).count(10_000, least=64) == 64
