"""The adaptation of a de-tokenizer to regressed features, on tiny random models and once on nano."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.adapt_detokenizer import AdaptationModel, AdaptDetokenizerConfig, AdaptDetokenizerStage
from seedx_finetune.training.config import RunConfig
from seedx_finetune.world import caption, render, sample_scene
from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.imaging import to_png
from seedx_sdk.model.detokenizer import Detokenizer
from tests.support.adapters import adapter_package
from tests.support.small_book import indexed

CPU = torch.device("cpu")


def _stage(model_directory: Path, **settings: Any) -> AdaptDetokenizerStage:
    defaults: dict[str, Any] = {
        "start": model_directory / "detokenizer_edit",
        "checkpoint_dir": model_directory,
        "condition": True,
        "trained": "keys_values",
        "image_size": 16,
        "pack_length": 1024,
        "sheet_steps": 2,
    }
    return AdaptDetokenizerConfig(**(defaults | settings)).build()


def _rows(stage: AdaptDetokenizerStage, sources: tuple[SourceConfig, ...], count: int = 1) -> list[PackedBatch]:
    return list(islice(stage.batches(sources, RunConfig(seed=1), start=Position(), rank=0, world=1), count))


def _losses(stage: AdaptDetokenizerStage, model: AdaptationModel, row: PackedBatch, seed: int = 0) -> Tensor:
    losses = stage.losses(model, row, torch.Generator().manual_seed(seed))
    return torch.stack([loss.total for loss in losses]).sum()


def _without_images(row: PackedBatch, stage: AdaptDetokenizerStage) -> PackedBatch:
    return replace(
        row,
        draw_mask=torch.zeros_like(row.draw_mask),
        draw_cells=row.draw_cells[:0],
        drawn=replace(stage.example_images(0), sources=()),
    )


def test_features_are_those_of_the_language_model_under_teacher_forcing(
    model_directory: Path, sources: tuple[SourceConfig, ...]
) -> None:
    """Each document of a packed row gives what it gives alone, in the model as it is loaded for use."""
    stage = _stage(model_directory)
    model = stage.model(CPU, torch.float32)
    row = next(row for row in _rows(stage, sources, 4) if len(row.draw_cells) > 1 and row.pixels is not None)
    assert row.drawn is not None and row.pixels is not None
    assert len(row.drawn.names) == len(row.draw_cells)
    regressed = model.multimodal.regressed(row)
    assert regressed is not None

    lvlm = load_directory(model_directory).lvlm
    cells = model.encoder(
        (row.pixels.float() / 255 - torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None])
        / torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    )
    read, alone = 0, []
    for begin, end in zip(row.boundaries.tolist(), row.boundaries[1:].tolist(), strict=False):
        document = slice(begin, end)
        blocks = int(row.read_mask[0, document].sum()) // 64
        if row.draw_mask[0, document].any():
            embeds = lvlm.embed(
                row.input_ids[:, document],
                cells[row.read_cells[read : read + blocks]],
                row.read_mask[:, document],
                patch_positions=row.read_positions[read : read + blocks],
            )
            alone.append(lvlm.regress(lvlm.run_llm(embeds)[:, row.draw_mask[0, document]]))
        read += blocks
    torch.testing.assert_close(regressed, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_losses_are_those_of_the_regressed_features_and_nothing_is_dropped(
    model_directory: Path, sources: tuple[SourceConfig, ...]
) -> None:
    stage = _stage(model_directory)
    model, (row,) = stage.model(CPU, torch.float32), _rows(stage, sources)
    assert row.drawn is not None
    draws = stage.draws(row.drawn, torch.Generator().manual_seed(0))
    assert not draws.drops_features.any() and not draws.drops_condition.any()
    each = model.image_losses(row.drawn, draws, model.multimodal.regressed(row))
    losses = stage.losses(model, row, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.stack([loss.total for loss in losses]).sum(), each.sum())
    assert sum(loss.count for loss in losses) == stage.counts(row)["denoising"] == len(row.draw_cells) > 0
    assert {loss.source for loss in losses} == {"edits"}


def test_an_update_changes_keys_values_and_the_resampler(
    model_directory: Path, sources: tuple[SourceConfig, ...]
) -> None:
    stage = _stage(model_directory)
    model, (row,) = stage.model(CPU, torch.float32), _rows(stage, sources)
    before = _hashes(model)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    _losses(stage, model, row).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    after = _hashes(model)
    wanted = {
        name
        for name in before
        if name.startswith("resampler.") or (name.startswith("unet.") and (".to_k." in name or ".to_v." in name))
    }
    assert {name for name in before if before[name] != after[name]} == wanted


def _hashes(model: AdaptationModel) -> dict[str, str]:
    return {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in model.state_dict().items()}


def test_a_row_without_images_runs_the_same_blocks_and_adds_nothing(
    model_directory: Path, sources: tuple[SourceConfig, ...]
) -> None:
    stage = _stage(model_directory)
    model, (row,) = stage.model(CPU, torch.float32), _rows(stage, sources)
    ran: list[int] = []
    blocks = list(stage.blocks(model))
    for number, block in enumerate(blocks):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    _losses(stage, model, row)
    assert sorted(ran) == list(range(len(blocks)))
    with_images = list(ran)
    ran.clear()
    empty = _without_images(row, stage)
    (loss,) = stage.losses(model, empty, torch.Generator().manual_seed(0))
    assert ran == with_images
    assert (loss.total.item(), loss.count, stage.counts(empty)) == (0.0, 0, {"denoising": 0})
    loss.total.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters() if p.requires_grad)


def test_a_specialist_regresses_its_own_features(
    model_directory: Path, sources: tuple[SourceConfig, ...], tmp_path: Path
) -> None:
    adapter = adapter_package(tmp_path / "adapter", model_directory, rank=4, seed=1, std=0.2)
    base, special = _stage(model_directory), _stage(model_directory, specialist=adapter)
    (row,) = _rows(base, sources)
    regressed = [stage.model(CPU, torch.float32).multimodal.regressed(row) for stage in (base, special)]
    assert regressed[0] is not None and regressed[1] is not None
    assert (regressed[0] - regressed[1]).abs().mean() > 0.01


def test_the_result_is_a_part_of_a_checkpoint_directory(
    model_directory: Path, sources: tuple[SourceConfig, ...], tmp_path: Path
) -> None:
    stage = _stage(model_directory)
    model, (row,) = stage.model(CPU, torch.bfloat16), _rows(stage, sources)
    _losses(stage, model, row).backward()  # type: ignore[no-untyped-call]
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.data.add_(parameter.grad, alpha=-0.1)
    stage.export(model, tmp_path)
    saved = Detokenizer.from_pretrained(tmp_path / "detokenizer_edit")
    start = Detokenizer.from_pretrained(model_directory / "detokenizer_edit")
    for part in ("unet", "resampler", "vae"):
        old = getattr(start, part).state_dict()
        for name, value in getattr(saved, part).state_dict().items():
            trained = part == "resampler" or ".to_k." in name or ".to_v." in name
            expected = getattr(model, part).state_dict()[name] if trained and part != "vae" else old[name]
            assert torch.equal(value, expected), (part, name)


def test_a_sheet_shows_what_is_drawn_of_regressed_features(
    model_directory: Path, sources: tuple[SourceConfig, ...], tmp_path: Path
) -> None:
    stage = _stage(model_directory)
    model, (row,) = stage.model(CPU, torch.float32), _rows(stage, sources)
    assert row.drawn is not None
    stage.sample_sheet(model, row, tmp_path / "a.png", seed=1)
    stage.sample_sheet(model, _without_images(row, stage), tmp_path / "none.png", seed=1)
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    assert sheet.shape == (16 * min(8, len(row.drawn.names)), 48, 3)
    assert (sheet[:16, 16:32] == row.drawn.target[0].permute(1, 2, 0).numpy()).all()
    assert np.asarray(Image.open(tmp_path / "none.png")).shape == (16, 48, 3)


def test_full_size_trains_the_parameters_of_stage_1() -> None:
    """Beside the language model of 13 B, on the meta device."""
    config = AdaptDetokenizerConfig(
        start=Path("no/detokenizer"), checkpoint_dir=Path("no/model"), condition=False, trained="keys_values"
    )
    stage = config.build()
    model = stage.model(torch.device("meta"), torch.bfloat16)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 545_587_200 + 61_245_696
    assert len(list(stage.blocks(model))) == 40 + 70 + 17
    example = stage.example_batch(RunConfig())
    assert example.drawn is not None
    assert example.drawn.target.shape[0] == len(example.draw_cells) == stage.counts(example)["denoising"] > 0


def test_another_number_of_visual_tokens_is_refused(model_directory: Path) -> None:
    with pytest.raises(ConfigError, match="regresses 64 features of an image; set it to that"):
        _stage(model_directory, visual_tokens=32)


def test_nano_draws_an_image_best_of_what_is_regressed_for_it(tmp_path: Path) -> None:
    """The features of a row stand beside the images of their own documents."""
    rng = np.random.default_rng(3)
    with tarfile.open(tmp_path / "pages.tar", "w") as tar:
        for number in range(64):
            scene = sample_scene(rng)
            for suffix, data in (("png", to_png(render(scene, 128))), ("txt", caption(scene, rng).encode())):
                member = tarfile.TarInfo(f"{number}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    options = {"read_share": 0.0, "instruct": True, "requests": [["Generate an image:", ""]], "min_side": 0}
    source = indexed("pages", "captions", tmp_path, **options)
    stage = _stage(NANO, start=NANO / "detokenizer_edit", image_size=128, pack_length=512)
    model, (row,) = stage.model(CPU, torch.float32), _rows(stage, (source,))
    assert row.drawn is not None and len(set(row.drawn.names)) == len(row.drawn.names) > 2
    regressed = model.multimodal.regressed(row)
    assert regressed is not None
    draws = stage.draws(row.drawn, torch.Generator().manual_seed(0))
    with torch.no_grad():
        own, others = (model.image_losses(row.drawn, draws, f).mean() for f in (regressed, regressed.roll(1, dims=0)))
    assert own < 0.95 * others
