"""What a multimodal stage trains, and that packing and sources change nothing of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from seedx_finetune.data.batches import PackedBatch
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.lora import LoraSettings
from seedx_finetune.stages.multimodal import MultimodalConfig, MultimodalStage
from seedx_finetune.stages.multimodal_model import MultimodalModel
from seedx_finetune.training.config import RunConfig
from seedx_finetune.training.stage import Loss

MakeStage = Callable[..., MultimodalStage]
CPU = torch.device("cpu")
NO_DROPOUT = LoraSettings(rank=4, alpha=4, dropout=0.0)
LORA_LAYERS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def _losses(stage: MultimodalStage, model: MultimodalModel, batch: PackedBatch, seed: int = 0) -> list[Loss]:
    return list(stage.losses(model, batch, torch.Generator().manual_seed(seed)))


def _total(losses: list[Loss]) -> Tensor:
    return torch.stack([loss.weight * loss.total for loss in losses]).sum()


def _gradients(model: MultimodalModel) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def _document(batch: PackedBatch, index: int) -> PackedBatch:
    """Return one of the documents of a row, as a row of its own."""
    start, stop = batch.boundaries[index : index + 2].tolist()
    blocks = {"read": batch.read_mask, "draw": batch.draw_mask}
    ranges = {name: slice(int(m[0, :start].sum()) // 64, int(m[0, :stop].sum()) // 64) for name, m in blocks.items()}
    return replace(
        batch,
        names=batch.names[index : index + 1],
        sources=batch.sources[index : index + 1],
        boundaries=torch.tensor([0, stop - start], dtype=torch.int32),
        read_cells=batch.read_cells[ranges["read"]],
        read_positions=batch.read_positions[ranges["read"]],
        draw_cells=batch.draw_cells[ranges["draw"]],
        **{
            name: getattr(batch, name)[:, start:stop]
            for name in ("input_ids", "labels", "position_ids", "read_mask", "draw_mask")
        },
    )


def test_packed_documents_have_the_losses_and_gradients_of_single_ones(
    make_stage: MakeStage, rows: list[PackedBatch]
) -> None:
    stage = make_stage(lora=NO_DROPOUT, parts=("embeddings", "norms", "resamplers", "patch_positions"), result="merged")
    model = stage.model(CPU, torch.float32)
    packed = _losses(stage, model, rows[0])
    _total(packed).backward()  # type: ignore[no-untyped-call]
    together = _gradients(model)
    model.zero_grad()
    documents = [_document(rows[0], index) for index in range(len(rows[0].names))]
    single = [loss for document in documents for loss in _losses(stage, model, document)]
    _total(single).backward()  # type: ignore[no-untyped-call]
    apart = _gradients(model)
    assert len(documents) == 5
    for loss in packed:
        alike = [other for other in single if (other.term, other.source) == (loss.term, loss.source)]
        assert sum(other.count for other in alike) == loss.count
        torch.testing.assert_close(torch.stack([o.total for o in alike]).sum(), loss.total, rtol=1e-6, atol=1e-5)
    assert together.keys() == apart.keys()
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, apart[name], rtol=1e-5, atol=1e-5 * float(gradient.abs().max()) + 1e-7)


def test_losses_are_those_of_the_reference_forward_pass(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage(lora=None, result="merged", parts=("llm",))
    model = stage.model(CPU, torch.float32)
    row = _document(rows[0], 0)
    lm, regression = _losses(stage, model, row)
    assert row.pixels is not None
    features = model(row).features
    model.lvlm.causal_lm.set_attn_implementation("sdpa")
    model.lvlm.causal_lm.model._forward_pre_hooks.clear()
    reads, draws = len(row.read_cells), len(row.draw_cells)
    expected = model.lvlm(
        row.input_ids,
        row.labels,
        image_embeds=features[torch.cat([row.read_cells, row.draw_cells])],
        ids_cmp_mask=row.read_mask,
        ids_gen_mask=row.draw_mask,
        embeds_cmp_mask=torch.arange(reads + draws) < reads,
        embeds_gen_mask=torch.arange(reads + draws) >= reads,
        patch_positions=torch.cat([row.read_positions, torch.zeros(draws, 2)]),
    )
    torch.testing.assert_close(lm.total / lm.count, expected.lm_loss, rtol=1e-5, atol=0)
    torch.testing.assert_close(regression.total / regression.count, expected.rec_loss, rtol=1e-5, atol=0)
    assert (lm.weight, regression.weight) == (1.0, 6.0)


def test_counts_are_known_from_the_batch_alone(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage()
    model = stage.model(CPU, torch.float32)
    for row in rows[:3]:
        losses, counts = _losses(stage, model, row), stage.counts(row)
        for term in ("lm", "regression"):
            assert sum(loss.count for loss in losses if loss.term == term) == counts[term]
    assert [stage.counts(row)["regression"] for row in rows[:3]] == [4, 0, 4]


def test_labels_are_the_answers(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    tokenizer = make_stage().tokenizer
    learned = set()
    for row in rows:
        for index, source in enumerate(row.sources):
            labels = _document(row, index).labels[0]
            learned.add((source, tokenizer.decode(labels[labels != -100].tolist()).strip()))
    chat = {text for source, text in learned if source == "chat"}
    assert chat == {
        "A red house. On the left.</s>",
        "A dog has four legs.</s>",
        "A tree and the sun.</s>",
        "No, it is yellow.</s>",
    }
    edits = [text for source, text in learned if source == "edits"]
    assert edits
    assert all(text.endswith("<img> </s>") for text in edits)


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({}, {"input_resampler", "output_resampler", "patch_pos_embed"}),
        ({"parts": (), "lora": LoraSettings(rank=4, targets=("q_proj", "v_proj"))}, set()),
        (
            {"parts": ("embeddings", "norms", "patch_positions"), "result": "merged"},
            {"embed_tokens", "lm_head", "input_layernorm", "post_attention_layernorm", "norm", "patch_pos_embed"},
        ),
    ],
)
def test_exactly_the_named_parts_train(
    changes: dict[str, object], whole: set[str], make_stage: MakeStage, rows: list[PackedBatch]
) -> None:
    stage = make_stage(**changes)
    model = stage.model(CPU, torch.float32)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    lora = {name for name in trained if ".lora_" in name}
    targets = set(stage.config.lora.targets) if stage.config.lora else set()
    layers = model.lvlm.causal_lm.config.num_hidden_layers
    assert len(lora) == 2 * layers * len(targets)
    rest = set(trained) - lora
    found = {part for part in whole if any(part in name.split(".") for name in rest)}
    assert found == whole
    assert all(any(part in name.split(".") for part in whole) for name in rest)

    before = _hashes(model)
    optimizer = torch.optim.AdamW(trained.values(), lr=1e-2)
    for row in rows[:2]:  # LoRA's first matrices have a gradient from the second update on
        _total(_losses(stage, model, row)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    after = _hashes(model)
    assert {name for name in before if before[name] != after[name]} == set(trained)


def _hashes(model: MultimodalModel) -> dict[str, str]:
    return {
        name: hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
        for name, value in model.state_dict().items()
    }


def test_every_trained_weight_has_a_gradient_without_images(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage()
    model = stage.model(CPU, torch.float32)
    documents = (_document(row, index) for row in rows for index in range(len(row.names)))
    text = next(document for document in documents if not len(document.read_cells))
    _total(_losses(stage, model, replace(text, pixels=None))).backward()  # type: ignore[no-untyped-call]
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_each_cell_is_encoded_once(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage()
    model = stage.model(CPU, torch.float32)
    seen: list[int] = []
    model.visual_encoder.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    _losses(stage, model, rows[0])
    assert seen == [3]
    assert len(rows[0].read_cells) + len(rows[0].draw_cells) == 14


def test_cached_features_give_the_same_losses(make_stage: MakeStage, rows: list[PackedBatch], tmp_path: Path) -> None:
    stage = make_stage(feature_cache=tmp_path / "features")
    model = stage.model(CPU, torch.float32).eval()
    first = _losses(stage, model, rows[0])
    store = stage._features
    assert store is not None
    kept = store.get_all(rows[0].cell_keys)
    assert kept is not None
    cached = replace(rows[0], pixels=None, features=torch.stack(list(kept.values())))
    assert [(loss.source, loss.total) for loss in _losses(stage, model, cached)] == [
        (loss.source, loss.total) for loss in first
    ]


def test_dropout_depends_on_the_generator_alone(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage(lora=LoraSettings(rank=4, dropout=0.5))
    model = stage.model(CPU, torch.float32)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(1)
    first = _total(_losses(stage, model, rows[0], seed=5))
    torch.manual_seed(2)
    again, other = _total(_losses(stage, model, rows[0], seed=5)), _total(_losses(stage, model, rows[0], seed=6))
    assert first.equal(again)
    assert not first.equal(other)


def test_held_out_losses_agree_with_training_ones(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage()
    model = stage.model(CPU, torch.float32).eval()
    trained = [loss.total for loss in _losses(stage, model, rows[0])]
    with torch.no_grad():
        held_out = [loss.total for loss in _losses(stage, model, rows[0])]
    torch.testing.assert_close(held_out, [total.detach() for total in trained], rtol=1e-6, atol=0)


def test_bfloat16_trains_float32_weights(make_stage: MakeStage, rows: list[PackedBatch]) -> None:
    stage = make_stage(lora=NO_DROPOUT, parts=("embeddings", "norms", "resamplers"), result="merged")
    exact, half = stage.model(CPU, torch.float32), stage.model(CPU, torch.bfloat16)
    assert {p.dtype for p in half.parameters() if p.requires_grad} == {torch.float32}
    assert {p.dtype for p in half.parameters() if not p.requires_grad} == {torch.bfloat16}
    expected, losses = (_losses(stage, model, rows[0]) for model in (exact, half))
    for one, other in zip(losses, expected, strict=True):
        assert one.total.dtype == torch.float32
        torch.testing.assert_close(one.total, other.total, rtol=0.02, atol=0)  # bfloat16 has 8 bits
    _total(losses).backward()  # type: ignore[no-untyped-call]
    assert [name for name, p in half.named_parameters() if p.requires_grad and p.grad is None] == []


def test_a_sheet_shows_samples(make_stage: MakeStage, rows: list[PackedBatch], tmp_path: Path) -> None:
    from PIL import Image

    stage = make_stage()
    stage.sample_sheet(stage.model(CPU, torch.float32).eval(), rows[0], tmp_path / "sheet.png", seed=0)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 1024
        assert sheet.height > 5 * 128


def test_the_example_row_is_full_and_fits_the_model(make_stage: MakeStage) -> None:
    stage = make_stage()
    row = stage.example_batch(RunConfig())
    assert row.input_ids.shape == (1, 1024)
    assert row.boundaries.tolist()[-1] == 1024
    assert stage.counts(row)["regression"] == len(row.draw_cells) > 0
    losses = _losses(stage, stage.model(CPU, torch.float32), row)
    assert all(bool(loss.total.isfinite()) for loss in losses)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora": None, "parts": ()}, "trains nothing"),
        ({"parts": ("embeddings",)}, "an adapter holds LoRA matrices and projectors alone"),
        ({"lora": None}, "an adapter holds LoRA"),
        ({"lora": {"rank": 600}}, "less than or equal to 512"),
        ({"pack_length": 0}, "greater than 0"),
    ],
)
def test_mistakes_fail_before_weights_are_read(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MultimodalConfig(initial=CheckpointInitial(directory=Path("nowhere")), **changes)
