"""Training starts from a checkpoint directory, or from a plain Llama with new tokens and resamplers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seedx_finetune.data.batches import Position
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.initial import CheckpointInitial, LlamaInitial
from seedx_finetune.stages.lora import LoraSettings
from seedx_finetune.stages.multimodal import MultimodalConfig, MultimodalStage
from seedx_finetune.training.config import RunConfig
from seedx_sdk.checkpoints.directory import load_visual_encoder
from seedx_sdk.testing.tiny import tiny_llm

MakeStage = Callable[..., MultimodalStage]
PIECES = 768
"""Of the tokenizer, in front of the added tokens."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a Llama that knows text alone."""
    directory = tmp_path_factory.mktemp("llama")
    torch.manual_seed(0)
    tiny_llm(PIECES).save_pretrained(directory)
    return directory


@pytest.fixture
def llama(plain: Path, model_directory: Path) -> Callable[..., LlamaInitial]:
    def make(**changes: Any) -> LlamaInitial:
        settings = {"llm": plain, "tokenizer": model_directory / "llm", "heads": 4, **changes}
        return LlamaInitial(**{"visual_encoder": model_directory / "visual_encoder", **settings})

    return make


def test_a_plain_llama_gets_rows_for_new_tokens(llama: Callable[..., LlamaInitial], model_directory: Path) -> None:
    lvlm, encoder = llama().load(torch.float32)
    inputs, outputs = lvlm.causal_lm.model.embed_tokens.weight, lvlm.causal_lm.lm_head.weight
    assert inputs.shape[0] == outputs.shape[0] == PIECES + 330
    torch.testing.assert_close(inputs[PIECES:], inputs[:PIECES].mean(dim=0).expand(330, -1))
    torch.testing.assert_close(outputs[PIECES:], 3 * outputs[:PIECES].mean(dim=0).expand(330, -1))
    expected = load_visual_encoder(model_directory).state_dict()
    assert all(value.equal(expected[name]) for name, value in encoder.state_dict().items())
    again, _ = llama().load(torch.float32)
    assert lvlm.input_resampler.query.equal(again.input_resampler.query)


@pytest.mark.parametrize(("num_tokens", "depth"), [(16, 1), (32, 1), (64, 3)])
def test_numbers_of_tokens_and_depths_can_be_compared(
    num_tokens: int, depth: int, llama: Callable[..., LlamaInitial], sources: tuple[SourceConfig, ...], tmp_path: Path
) -> None:
    initial = llama(num_tokens=num_tokens, output_depth=depth)
    stage = MultimodalConfig(initial=initial, result="merged", pack_length=700, merged_dtype="float32").build()
    model = stage.model(torch.device("cpu"), torch.float32)
    batches = stage.batches(sources, RunConfig(seed=1), start=Position(), rank=0, world=1)
    row = next(row for row in batches if len(row.draw_cells))
    assert int(row.draw_mask.sum()) == num_tokens * len(row.draw_cells) > 0
    losses = stage.losses(model, row, torch.Generator().manual_seed(0))
    torch.stack([loss.total for loss in losses]).sum().backward()  # type: ignore[no-untyped-call]
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is not None for p in trained)
    assert [loss.term for loss in losses].count("regression") == 1
    stage.export(model, tmp_path / "result")
    assert CheckpointInitial(directory=tmp_path / "result").describe().num_tokens == num_tokens


def test_more_tokens_than_the_vocabulary_names_are_refused(llama: Callable[..., LlamaInitial]) -> None:
    with pytest.raises(ConfigError, match="no names for 256 image tokens"):
        MultimodalConfig(initial=llama(num_tokens=256), result="merged").build()
    with pytest.raises(ConfigError, match="does not divide the encoder's 256 features"):
        MultimodalConfig(initial=llama(num_tokens=48), result="merged").build()


def test_what_is_missing_is_named_before_weights_are_read(tmp_path: Path, llama: Callable[..., LlamaInitial]) -> None:
    stage = MultimodalConfig(initial=CheckpointInitial(directory=tmp_path / "none")).build()
    with pytest.raises(ConfigError, match="stage.initial.directory is '.*none', which does not exist"):
        stage.model(torch.device("cpu"), torch.float32)
    with pytest.raises(ConfigError, match="stage.initial.llm is"):
        llama(llm=tmp_path / "none").load(torch.float32)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, llama: Callable[..., LlamaInitial]) -> None:
    tiny_llm(PIECES + 400).save_pretrained(tmp_path / "larger")
    with pytest.raises(ConfigError, match="names 1098 tokens, but .* has 1168"):
        llama(llm=tmp_path / "larger").load(torch.float32)


def test_the_released_sizes_are_planned_without_weights() -> None:
    nowhere = Path("nowhere")
    initial = LlamaInitial(llm=nowhere, tokenizer=nowhere, visual_encoder=nowhere)
    stage = MultimodalConfig(
        initial=initial, parts=("embeddings", "norms", "resamplers", "patch_positions"), result="merged"
    ).build()
    model = stage.model(torch.device("meta"), torch.bfloat16)
    trained = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    sizes = {
        "lora": sum(n for name, n in trained.items() if ".lora_" in name),
        "embeddings": sum(n for name, n in trained.items() if "embed_tokens" in name or "lm_head" in name),
        "norms": sum(n for name, n in trained.items() if "norm" in name.split(".")[-2] and name.startswith("lvlm.llm")),
        "input": sum(n for name, n in trained.items() if "input_resampler" in name),
        "output": sum(n for name, n in trained.items() if "output_resampler" in name),
        "positions": trained["lvlm.patch_pos_embed"],
    }
    assert sizes == {
        "lora": 125_173_760,
        "embeddings": 2 * 32330 * 5120,
        "norms": 81 * 5120,
        "input": 126_197_760,
        "output": 88_375_296,
        "positions": 4 * 5120,
    }
    assert sum(trained.values()) == sum(sizes.values())
    assert len(list(stage.blocks(model))) == 40
    assert sum(p.numel() for p in model.visual_encoder.parameters()) == 1_934_562_048
    assert stage.config.lora == LoraSettings()


def test_operations_are_about_those_that_were_counted_at_full_size() -> None:
    stage = MultimodalConfig(initial=CheckpointInitial(directory=Path("nowhere"))).build()
    row = stage.example_batch(RunConfig())
    amounts = stage.amounts(row)
    assert amounts.tokens == 8192
    assert amounts.images == len(row.cell_keys) == 46
    # counted by torch's FlopCounterMode: 53 GFLOP a token of the language model, 4.22 TFLOP a cell
    assert amounts.flops == pytest.approx(8192 * 53e9 + 46 * 4.22e12, rel=0.03)
