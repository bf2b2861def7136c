"""Adapter packages and merged models compute what the trainer computed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from seedx_finetune.data.batches import PackedBatch
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.lora import LoraSettings
from seedx_finetune.stages.multimodal import MultimodalStage
from seedx_finetune.stages.multimodal_model import MultimodalModel
from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.model.lvlm import LVLM

MakeStage = Callable[..., MultimodalStage]
SMALL = LoraSettings(rank=4, alpha=8, dropout=0.0)


def _trained(stage: MultimodalStage) -> MultimodalModel:
    """Return the model with weights that all differ from the initial ones."""
    model = stage.model(torch.device("cpu"), torch.float32).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model


@torch.no_grad()
def _computed(lvlm: LVLM, row: PackedBatch, features: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    """Return the logits of the first document, and the features of the first image that it draws."""
    stop = int(row.boundaries[1])
    ids, read, draw = (t[:, :stop] for t in (row.input_ids, row.read_mask, row.draw_mask))
    count = int(read.sum()) // 64
    embeds = lvlm.embed(ids, features[row.read_cells[:count]], read, patch_positions=row.read_positions[:count])
    hidden = lvlm.run_llm(embeds, **options)
    return lvlm.logits(hidden), lvlm.regress(hidden[draw][None])


def _of_trainer(model: MultimodalModel, row: PackedBatch) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    with torch.no_grad():
        features = model(row).features
    assert features is not None
    stop = int(row.boundaries[1])
    options = {"position_ids": row.position_ids[:, :stop], "boundaries": row.boundaries[:2]}
    return features, _computed(model.lvlm, row, features, **options)


def test_adapter_and_merged_model_compute_as_the_trainer(
    make_stage: MakeStage, model_directory: Path, rows: list[PackedBatch], tmp_path: Path
) -> None:
    adapting = make_stage(lora=SMALL)
    trained = _trained(adapting)
    features, expected = _of_trainer(trained, rows[0])
    adapting.export(trained, tmp_path / "adapter")
    make_stage(lora=SMALL, result="merged", merged_dtype="float32").export(trained, tmp_path / "merged")

    parts = load_directory(model_directory, specialists={"tuned": tmp_path / "adapter"})
    merged = load_directory(tmp_path / "merged")
    for lvlm in (parts.specialists["tuned"], merged.lvlm):
        torch.testing.assert_close(_computed(lvlm, rows[0], features), expected, rtol=1e-3, atol=1e-3)
    before = _computed(parts.lvlm, rows[0], features)
    assert not torch.allclose(before[0], expected[0], atol=0.1)


def test_an_adapter_holds_lora_and_projectors_alone(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage(lora=SMALL)
    stage.export(_trained(stage), tmp_path / "adapter")
    files = sorted(path.relative_to(tmp_path / "adapter").as_posix() for path in (tmp_path / "adapter").rglob("*.*"))
    assert files == ["adapter_config.json", "adapter_model.safetensors", "projectors/model.safetensors"]
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["modules_to_save"]) == (4, 8, None)
    assert config["base_model_name_or_path"] is None
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert len(adapter) == 2 * 2 * 7
    assert all(name.endswith((".lora_A.weight", ".lora_B.weight")) for name in adapter)
    projectors = load_file(tmp_path / "adapter" / "projectors" / "model.safetensors")
    assert {name.split(".")[0] for name in projectors} == {"input_resampler", "output_resampler", "patch_pos_embed"}


def test_a_merged_model_keeps_what_was_not_trained(
    make_stage: MakeStage, model_directory: Path, tmp_path: Path
) -> None:
    stage = make_stage(lora=SMALL, parts=("embeddings", "norms", "resamplers", "patch_positions"), result="merged")
    model = _trained(stage)
    embeddings = model.lvlm.causal_lm.lm_head.weight.detach().clone()
    stage.export(model, tmp_path / "merged")
    old, new = (DirectoryConfig.read(directory).files for directory in (model_directory, tmp_path / "merged"))
    same = {name for name in old if old[name] == new.get(name)}
    assert {name.split("/")[0] for name in same} == {"llm", "visual_encoder", "detokenizer_edit"}
    changed = {name for name in old if name not in same}
    assert changed == {"llm/model.safetensors", "llm/config.json", "projectors/model.safetensors"}
    stored = load_file(tmp_path / "merged" / "llm" / "model.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.bfloat16}
    torch.testing.assert_close(stored["lm_head.weight"], embeddings.bfloat16())


def test_a_merged_model_can_be_trained_further(make_stage: MakeStage, rows: list[PackedBatch], tmp_path: Path) -> None:
    stage = make_stage(lora=SMALL, result="merged")
    stage.export(_trained(stage), tmp_path / "merged")
    again = make_stage(initial=CheckpointInitial(directory=tmp_path / "merged"))
    losses = again.losses(again.model(torch.device("cpu"), torch.float32), rows[0], torch.Generator())
    assert all(bool(loss.total.isfinite()) for loss in losses)
