"""The stages of the de-tokenizer, on tiny random models."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.data.batches import DenoisingBatch
from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.detokenizer import DetokenizerConfig, DetokenizerStage
from seedx_finetune.stages.detokenizer_model import DenoisingDraws, DetokenizerModel
from seedx_finetune.stages.detokenizer_parts import NewResampler
from seedx_finetune.training.config import RunConfig
from seedx_sdk import SeedX
from seedx_sdk.checkpoints.directory import DirectoryConfig, load_directory, write_config
from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.image_service.worker import DenoiseWorker
from seedx_sdk.model.config import ResamplerConfig
from tests.support.edit_batches import edit_batch

CPU = torch.device("cpu")
NEW = NewResampler(depth=2, dim=32, heads=4, dim_head=8, num_queries=9)


def _stage(model_directory: Path, **settings: Any) -> DetokenizerStage:
    """Return stage 2, or what the settings make of it."""
    defaults: dict[str, Any] = {
        "start": model_directory / "detokenizer_edit",
        "checkpoint_dir": model_directory,
        "condition": True,
        "trained": "unet",
        "batch_size": 4,
        "image_size": 16,
        "drop_features": 0.05,
        "drop_condition": 0.05,
        "drop_both": 0.05,
        "sheet_steps": 2,
    }
    return DetokenizerConfig(**(defaults | settings)).build()


def _stage_1(model_directory: Path, **settings: Any) -> DetokenizerStage:
    first: dict[str, Any] = {"condition": False, "trained": "keys_values", "drop_condition": 0, "drop_both": 0}
    return _stage(model_directory, **(first | settings))


def _hashes(model: DetokenizerModel) -> dict[str, str]:
    return {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in model.state_dict().items()}


def _total(stage: DetokenizerStage, model: DetokenizerModel, batch: DenoisingBatch, seed: int = 0) -> Tensor:
    losses = stage.losses(model, batch, torch.Generator().manual_seed(seed))
    return torch.stack([loss.total for loss in losses]).sum() / sum(loss.count for loss in losses)


def _update(stage: DetokenizerStage, model: DetokenizerModel, batch: DenoisingBatch) -> set[str]:
    """Make one update and return the names of the tensors that it changed."""
    before = _hashes(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    _total(stage, model, batch).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    after = _hashes(model)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("settings", "unet"),
    [
        ({"condition": False, "trained": "keys_values"}, 545_587_200),
        ({"condition": True, "trained": "unet"}, 2_567_475_204),
    ],
)
def test_full_size_trains_the_parameters_of_the_paper(settings: dict[str, Any], unet: int) -> None:
    """Count on the meta device: 545.6 M of keys and values or the widened U-Net, and 61.2 M of the resampler."""
    drops = {"drop_features": 0.1, "drop_condition": 0, "drop_both": 0}
    config = DetokenizerConfig(
        start=Path("no/sdxl"),
        checkpoint_dir=Path("no/model"),
        new_resampler=NewResampler(),
        batch_size=1,
        **settings,
        **drops,
    )
    stage = config.build()
    model = stage.model(torch.device("meta"), torch.bfloat16)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    counts = {
        part: sum(p.numel() for n, p in trained.items() if n.startswith(part)) for part in ("unet.", "resampler.")
    }
    assert counts == {"unet.": unet, "resampler.": 61_245_696}
    assert sum(p.numel() for p in trained.values()) == sum(counts.values())
    assert {p.dtype for p in trained.values()} == {torch.float32}
    assert {p.dtype for p in model.parameters() if not p.requires_grad} == {torch.bfloat16}
    assert model.null_features.shape == (1, 64, 4096)
    assert len(list(stage.blocks(model))) == 48 + 70 + 17  # of the encoder; transformer and residual ones of SDXL


def test_an_update_of_stage_1_changes_keys_values_and_the_resampler(model_directory: Path) -> None:
    stage = _stage_1(model_directory, new_resampler=NEW)
    model = stage.model(CPU, torch.float32)
    names = set(model.state_dict())
    wanted = {
        n for n in names if n.startswith("resampler.") or (n.startswith("unet.") and (".to_k." in n or ".to_v." in n))
    }
    assert (
        len([n for n in wanted if n.startswith("unet.")]) == 2 * 2 * 4
    )  # keys and values, self and cross, of 4 blocks
    assert _update(stage, model, edit_batch(4)) == wanted


def test_an_update_of_stage_2_changes_the_whole_unet(model_directory: Path) -> None:
    stage = _stage(model_directory)
    model = stage.model(CPU, torch.float32)
    wanted = {n for n in model.state_dict() if n.startswith(("unet.", "resampler."))}
    assert _update(stage, model, edit_batch(4)) == wanted


def test_stage_2_widens_stage_1_and_starts_with_its_predictions(model_directory: Path, tmp_path: Path) -> None:
    first = _stage_1(model_directory)
    narrow = first.model(CPU, torch.float32)
    first.export(narrow, tmp_path)
    second = _stage(model_directory, start=tmp_path / "detokenizer")
    wide = second.model(CPU, torch.float32)
    assert wide.unet.conv_in.weight.shape[1] == 2 * narrow.unet.conv_in.weight.shape[1]
    assert torch.equal(wide.unet.conv_in.weight[:, :3], narrow.unet.conv_in.weight)
    assert not wide.unet.conv_in.weight[:, 3:].any()
    assert wide.unet.conv_in.bias is not None and narrow.unet.conv_in.bias is not None
    assert torch.equal(wide.unet.conv_in.bias, narrow.unet.conv_in.bias)
    batch, draws = edit_batch(4), first.draws(edit_batch(4), torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(wide.image_losses(batch, draws), narrow.image_losses(batch, draws))


def test_shares_of_drop_out(model_directory: Path) -> None:
    features, condition = _stage(model_directory).drop_out(10_000, torch.Generator().manual_seed(0))
    counts = [int((features & ~condition).sum()), int((~features & condition).sum()), int((features & condition).sum())]
    assert all(435 < count < 565 for count in counts), counts  # 500, and three standard deviations of 21.8
    features, condition = _stage_1(model_directory, drop_features=0.1).drop_out(
        10_000, torch.Generator().manual_seed(0)
    )
    assert 910 < int(features.sum()) < 1090
    assert not condition.any()


def _seen_by_unet(model: DetokenizerModel, batch: DenoisingBatch, draws: DenoisingDraws) -> dict[str, Tensor]:
    """Return what the U-Net is given."""
    seen: dict[str, Tensor] = {}

    def keep(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        condition = args[0][:, 3:6]
        added = kwargs["added_cond_kwargs"]
        seen.update(condition=condition, tokens=kwargs["encoder_hidden_states"], pooled=added["text_embeds"])
        seen.update(time_ids=added["time_ids"])

    handle = model.unet.register_forward_pre_hook(keep, with_kwargs=True)
    with torch.no_grad():
        model.image_losses(batch, draws)
    handle.remove()
    return seen


def _draws(
    stage: DetokenizerStage, batch: DenoisingBatch, features: list[bool], condition: list[bool]
) -> DenoisingDraws:
    draws = stage.draws(batch, torch.Generator().manual_seed(0))
    return replace(draws, drops_features=torch.tensor(features), drops_condition=torch.tensor(condition))


def test_null_in_training_is_null_in_use(model_directory: Path) -> None:
    """The three branches of guided inference are the inputs that training makes by dropping."""
    stage = _stage(model_directory)
    model = stage.model(CPU, torch.float32)
    one = edit_batch(2)
    edit = replace(
        one,
        names=one.names[1:] * 3,
        sources=one.sources[1:] * 3,
        **{
            field: getattr(one, field)[1:].repeat(3, *(1,) * (getattr(one, field).ndim - 1))
            for field in ("target", "condition", "has_condition", "encoder_view", "sizes", "crops")
        },
    )
    draws = _draws(stage, edit, [False, True, True], [False, False, True])
    trained = _seen_by_unet(model, edit, draws)

    parts = load_directory(model_directory)
    worker = DenoiseWorker(parts, CPU, ServiceMetrics(), lambda _cost_left: None)
    negative = worker._negative_features()
    torch.testing.assert_close(model.null_features, negative)
    used = parts.detokenizer.begin(
        model.features(edit.encoder_view[:1]),
        negative,
        condition_image=Image.fromarray(edit.condition[0].permute(1, 2, 0).numpy()),
        height=16,
        width=16,
        guidance_scale=2.0,
        image_guidance_scale=1.5,
    )
    assert used.branches == 3 and used.condition is not None
    torch.testing.assert_close(trained["tokens"], used.prompt_embeds)
    torch.testing.assert_close(trained["pooled"], used.pooled)
    torch.testing.assert_close(trained["condition"], used.condition)
    assert trained["condition"][:2].any() and not trained["condition"][2].any()


def test_the_null_of_an_ablation_is_that_of_its_language_model(model_directory: Path) -> None:
    """With 16 visual tokens, inference averages the features of the zero image to 16 too."""
    parts = load_directory(model_directory)
    queries = ResamplerConfig.for_queries(16, embed_dim=20, num_heads=4, kv_dim=40)
    parts.config = replace(parts.config, lvlm=replace(parts.config.lvlm, output_resampler=queries))
    negative = DenoiseWorker(parts, CPU, ServiceMetrics(), lambda _cost_left: None)._negative_features()
    model = _stage_1(model_directory, visual_tokens=16).model(CPU, torch.float32)
    torch.testing.assert_close(model.null_features, negative)


def test_a_dropped_condition_is_that_of_an_image_without_one(model_directory: Path) -> None:
    stage = _stage(model_directory)
    model, batch = stage.model(CPU, torch.float32), edit_batch(4)
    seen = _seen_by_unet(model, batch, _draws(stage, batch, [False] * 4, [False, False, False, True]))
    given = [bool(rows.any()) for rows in seen["condition"]]
    assert given == [False, True, False, False]
    assert seen["time_ids"].tolist() == [[32, 32, 0, 8, 16, 16]] * 4


def test_targets_are_scaled_samples_of_the_posterior(model_directory: Path) -> None:
    model, batch = _stage(model_directory).model(CPU, torch.float32), edit_batch(2)
    noise = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    posterior = model.vae.encode(batch.target / 127.5 - 1).latent_dist
    expected = (posterior.mean + posterior.std * noise) * model.vae.config["scaling_factor"]
    torch.testing.assert_close(model.latents(batch.target, noise), expected)


@pytest.mark.parametrize("tokens", [16, 32, 64, 256])
def test_visual_tokens_are_means_of_consecutive_features(model_directory: Path, tokens: int) -> None:
    stage = _stage_1(model_directory, visual_tokens=tokens)
    model, batch = stage.model(CPU, torch.float32), edit_batch(2)
    features, whole = model.features(batch.encoder_view), load_directory(model_directory).visual_encoder
    assert features.shape == (2, tokens, 20)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    expected = whole((batch.encoder_view / 255 - mean) / std)[:, : 256 // tokens].mean(dim=1)
    torch.testing.assert_close(features[:, 0], expected)
    assert torch.isfinite(_total(stage, model, batch))


@pytest.mark.parametrize(("trained", "depth"), [("keys_values", 1), ("unet", 3)])
def test_depth_and_trained_part_of_the_ablations(model_directory: Path, trained: str, depth: int) -> None:
    stage = _stage_1(model_directory, trained=trained, new_resampler=NEW.model_copy(update={"depth": depth}))
    model = stage.model(CPU, torch.float32)
    assert len(model.resampler.layers) == depth
    assert model.unet.conv_out.weight.requires_grad == (trained == "unet")


def test_the_loss_is_a_sum_over_images_with_its_count(model_directory: Path) -> None:
    stage = _stage(model_directory)
    model, batch = stage.model(CPU, torch.float32), edit_batch(5)
    losses = stage.losses(model, batch, torch.Generator().manual_seed(0))
    each = model.image_losses(batch, stage.draws(batch, torch.Generator().manual_seed(0)))
    assert [(loss.term, loss.source, loss.count, loss.weight) for loss in losses] == [
        ("denoising", "pages", 3, 1.0),
        ("denoising", "edits", 2, 1.0),
    ]
    torch.testing.assert_close(losses[0].total, each[0::2].sum())
    torch.testing.assert_close(losses[1].total, each[1::2].sum())
    assert stage.counts(batch) == {"denoising": 5}


def test_an_image_has_the_same_loss_in_any_batch(model_directory: Path) -> None:
    stage = _stage(model_directory)
    model, batch = stage.model(CPU, torch.float32), edit_batch(4)
    draws = stage.draws(batch, torch.Generator().manual_seed(0))
    whole = model.image_losses(batch, draws)
    for row in range(4):
        alone = replace(
            batch,
            names=batch.names[row : row + 1],
            **{
                field: getattr(batch, field)[row : row + 1]
                for field in ("target", "condition", "has_condition", "encoder_view", "sizes", "crops")
            },
        )
        chosen = DenoisingDraws(*(getattr(draws, field)[row : row + 1] for field in DenoisingDraws.__slots__))
        torch.testing.assert_close(model.image_losses(alone, chosen)[0], whole[row])


def test_losses_depend_on_the_generator_alone(model_directory: Path) -> None:
    stage = _stage(model_directory)
    model, batch = stage.model(CPU, torch.float32), edit_batch(4)
    first = _total(stage, model, batch)
    torch.manual_seed(1234)
    assert torch.equal(_total(stage, model, batch), first)
    assert not torch.equal(_total(stage, model, batch, seed=1), first)


def test_mixed_precision_on_a_cpu(model_directory: Path) -> None:
    stage = _stage_1(model_directory)
    model, batch = stage.model(CPU, torch.bfloat16), edit_batch(4)
    loss = _total(stage, model, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    assert all(g is not None and g.dtype == torch.float32 and torch.isfinite(g).all() for g in gradients.values())
    assert {p.dtype for p in model.parameters() if not p.requires_grad} == {torch.bfloat16}
    exact = _total(stage, stage.model(CPU, torch.float32), batch)
    torch.testing.assert_close(loss, exact, rtol=0.02, atol=0)  # bfloat16 has 8 bits


@pytest.mark.parametrize("condition", [False, True])
def test_the_result_draws_in_a_checkpoint_directory(model_directory: Path, tmp_path: Path, condition: bool) -> None:
    stage = _stage(model_directory) if condition else _stage_1(model_directory)
    model = stage.model(CPU, torch.float32)
    _update(stage, model, edit_batch(4))
    shutil.copytree(model_directory, tmp_path / "model", ignore=shutil.ignore_patterns("detokenizer_edit"))
    stage.export(model, tmp_path / "model")
    write_config(tmp_path / "model", DirectoryConfig.read(model_directory))
    loaded = load_directory(tmp_path / "model").detokenizer
    assert loaded.takes_condition_image == condition
    for part in ("unet", "resampler", "vae"):
        saved, trained = getattr(loaded, part).state_dict(), getattr(model, part).state_dict()
        assert all(torch.equal(saved[name], trained[name]) for name in trained)
    assert loaded.scheduler.config["timestep_spacing"] == "leading"
    with SeedX(model=tmp_path / "model") as seedx:
        image = np.asarray(seedx.generate("a house", seed=1, width=64, height=64).image)
    with SeedX(model=model_directory) as untrained:
        before = np.asarray(untrained.generate("a house", seed=1, width=64, height=64).image)
    assert image.shape == (64, 64, 3)
    assert (image != before).any()


def test_a_sheet_shows_condition_target_and_drawing(model_directory: Path, tmp_path: Path) -> None:
    stage = _stage(model_directory)
    model, batch = stage.model(CPU, torch.float32), edit_batch(3)
    for name in ("a.png", "b.png"):
        stage.sample_sheet(model, batch, tmp_path / name, seed=7)
    stage.sample_sheet(model, batch, tmp_path / "c.png", seed=8)
    a, b, c = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png", "c.png"))
    assert a.shape == (3 * 16, 3 * 16, 3)
    assert (a == b).all()
    assert (a[:, :32] == c[:, :32]).all() and (a[:, 32:] != c[:, 32:]).any()
    assert (a[16:32, :16] == batch.condition[1].permute(1, 2, 0).numpy()).all()
    assert (a[:16, 16:32] == batch.target[0].permute(1, 2, 0).numpy()).all()


def test_an_example_batch_is_a_full_one(model_directory: Path) -> None:
    stage = _stage(model_directory)
    batch = stage.example_batch(RunConfig())
    assert batch.target.shape == batch.condition.shape == (4, 3, 16, 16)
    assert batch.encoder_view.shape == (4, 3, 64, 64)
    assert batch.has_condition.all()
    assert torch.isfinite(_total(stage, stage.model(CPU, torch.float32), batch))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"visual_tokens": 48}, "gives 256 features"),
        ({"image_size": 18}, "must be a multiple of 4"),
        ({"drop_features": 0.95}, "add up to 1.05"),
        ({"condition": False}, "set them to 0"),
        ({"checkpoint_dir": Path("no/model")}, "embedding_dim 20, and with the visual encoder .* must be 4096"),
    ],
)
def test_settings_that_do_not_fit_are_refused(model_directory: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _stage(model_directory, **settings)


def test_a_start_without_its_parts_is_refused(model_directory: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    shutil.copytree(model_directory / "detokenizer_edit", start)
    shutil.rmtree(start / "resampler")
    with pytest.raises(ConfigError, match="resampler/config.json cannot be read"):
        _stage(model_directory, start=start)
    assert _stage(model_directory, start=start, new_resampler=NEW).sizes.resampler["depth"] == 2
    scheduler = json.loads((start / "scheduler/scheduler_config.json").read_text())
    (start / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler | {"prediction_type": "sample"}))
    with pytest.raises(ConfigError, match="only 'epsilon' and 'v_prediction'"):
        _stage(model_directory, start=start, new_resampler=NEW)
    with pytest.raises(ConfigError, match="set stage.start to yours"):
        _stage(model_directory, start=tmp_path / "none", checkpoint_dir=tmp_path / "none", image_size=64).model(
            CPU, torch.float32
        )
