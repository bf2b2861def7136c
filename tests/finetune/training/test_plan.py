from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from rich.console import Console
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.profiler import ProfilerActivity, profile
from torch.testing._internal.distributed.fake_pg import FakeStore

from seedx_finetune.stages.example_row import example_row
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.multimodal import MultimodalConfig
from seedx_finetune.training.config import OptimizerConfig, RunConfig, SourceConfig
from seedx_finetune.training.distributed import Processes, compute_dtype, prepare_blocks, shard
from seedx_finetune.training.ema import Average
from seedx_finetune.training.log import PEAK_FLOPS
from seedx_finetune.training.optimizer import Optimizer
from seedx_finetune.training.plan import GB, Plan, plan, plan_table
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.checkpoints.directory import quiet_libraries, save_part, write_config
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.testing.tiny import tiny_llm, tiny_lvlm, tiny_model

ABSENT = Path("no-such-directory")
"""Where weights are missing, a plan is that of the released model."""


def recipe(initial: Path, *, batches: int = 4, ema: float | None = None, **stage: object) -> RecipeConfig:
    return RecipeConfig(
        name="planned",
        stage=MultimodalConfig.model_validate({"initial": CheckpointInitial(directory=initial), **stage}),
        sources=(SourceConfig(name="a", format="llava", path=ABSENT, weight=1),),
        optimizer=OptimizerConfig(steps=1000, ema_decay=ema),
        run=RunConfig(device="cpu", batches_per_update=batches),
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("plan") / "tiny")


def size(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def test_what_stays_in_memory_is_planned_to_the_byte(tiny: Path) -> None:
    config = recipe(tiny, ema=0.99, pack_length=512)
    (planned,) = plan(config, gpus=[1]).memory
    model = config.stage.build().model(torch.device("cpu"), torch.float32)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimizer, average = Optimizer(trained, config.optimizer), Average(trained, 0.99)
    optimizer.clip()  # makes the gradients that are missing
    assert planned.weights == size([*model.parameters(), *model.buffers()])
    assert planned.gradients == size(p.grad for p in trained.values() if p.grad is not None) > 0
    assert planned.optimizer == size(optimizer.tensors.values())
    assert planned.average == size(average.weights.values())
    assert planned.gathered == 0


@pytest.mark.parametrize("checkpointed", [False, True])
def test_the_peak_of_a_pass_is_that_of_the_allocator_of_a_cpu(tiny: Path, checkpointed: bool) -> None:
    config = recipe(tiny, pack_length=1024)
    run = config.run.model_copy(update={"checkpoint_activations": checkpointed})
    (planned,) = plan(config.model_copy(update={"run": run}), gpus=[1]).memory
    stage = config.stage.build()
    model = stage.model(torch.device("cpu"), torch.float32)
    prepare_blocks(stage.blocks(model), run)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(drop)  # type: ignore[no-untyped-call]
    batch = stage.example_batch(run)

    def update() -> None:
        terms = stage.losses(model, batch, torch.Generator())
        torch.stack([term.weight * term.total / term.count for term in terms]).sum().backward()  # type: ignore[no-untyped-call]

    update()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        update()
    now = peak = 0
    for event in sorted(profiler.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    assert planned.activations == pytest.approx(peak, rel=0.1)


def drop(parameter: Tensor) -> None:
    parameter.grad = None


@pytest.fixture
def eight_ranks() -> Iterator[Processes]:
    """The first of eight processes, the others of which are not there."""
    dist.init_process_group("fake", rank=0, world_size=8, store=FakeStore())
    yield Processes(0, 8, torch.device("cpu"), dist.new_group())
    dist.destroy_process_group()


def test_each_gpu_holds_a_shard_as_large_as_planned(tiny: Path, eight_ranks: Processes) -> None:
    config = recipe(tiny, batches=8, ema=0.99, pack_length=512)
    one, eight = plan(config, gpus=[1, 8]).memory
    stage = config.stage.build()
    model = stage.model(torch.device("cpu"), torch.float32)
    shard(model, stage.blocks(model), eight_ranks)
    shards = size(p.to_local() for p in model.parameters() if isinstance(p, DTensor))
    # a row of a matrix is not divided, so that some shards are larger than others
    assert eight.weights - size(model.buffers()) == pytest.approx(shards, rel=0.05)
    assert eight.optimizer == one.optimizer // 8
    assert eight.average == one.average // 8


def test_an_update_of_several_batches_a_gpu_holds_whole_gradients(tiny: Path) -> None:
    config = recipe(tiny, batches=8, pack_length=512)
    memory = {row.gpus: row for row in plan(config, gpus=[1, 2, 3, 8]).memory}
    assert list(memory) == [1, 2, 8]  # three GPUs cannot share eight batches
    assert memory[2].gradients == memory[1].gradients
    assert memory[8].gradients == memory[1].gradients // 8
    assert memory[8].gathered > memory[2].gathered > 0


@pytest.mark.slow
def test_the_released_model_is_planned_without_its_weights() -> None:
    # parameters: tests of the weights' shapes; LoRA of rank 32 has 125.2 M, the projectors 215.1 M
    trained, frozen = (125.2 + 215.1 - 0.6) * 1e6, (13019.2 + 1935.6) * 1e6
    planned = plan(
        recipe(ABSENT, batches=64, pack_length=1024).model_copy(update={"run": RunConfig(batches_per_update=64)})
    )
    assert planned.trained == pytest.approx(trained, rel=0.01)
    assert planned.frozen == pytest.approx(frozen, rel=0.01)
    one, eight = planned.memory[0], planned.memory[3]
    assert one.weights / GB == pytest.approx((2 * frozen + 4 * trained) / GB, rel=0.01)
    assert (one.gradients + one.optimizer) / GB == pytest.approx(12 * trained / GB, rel=0.01)
    assert eight.weights / GB == pytest.approx(one.weights / 8 / GB, rel=0.01)
    # forward 26 GFLOP for each token, the same again for the gradients of what is read, and 4.22 TFLOP for each image
    images = plan_images(1024)
    llm = planned.flops_per_update / 64 - images * 4.22e12
    assert llm / 1024 == pytest.approx(52e9, rel=0.05)
    assert planned.recomputed_share * planned.flops_per_update / 64 / 1024 == pytest.approx(26e9, rel=0.03)


def plan_images(length: int) -> int:
    pixels = example_row(length, cell=448, num_tokens=64).pixels
    assert pixels is not None
    return len(pixels)


def test_hours_follow_from_the_operations_and_the_utilization() -> None:
    planned = Plan(
        name="x", updates=1000, trained=1, frozen=0, samples_per_update=4, flops_per_update=10**18,
        recomputed_share=0.5, memory=(),
    )  # fmt: skip
    assert planned.flops_per_sample == 1e18 / 4
    assert planned.gpu_hours("H100", 0.5) * 3600 == pytest.approx(1000 * 1e18 / PEAK_FLOPS["H100"] / 0.5)
    assert planned.gpu_hours("A100", 0.5) / planned.gpu_hours("H100", 0.5) == pytest.approx(
        PEAK_FLOPS["H100"] / PEAK_FLOPS["A100"]
    )


def test_the_table_has_a_row_for_each_number_of_gpus(tiny: Path) -> None:
    planned = plan(recipe(tiny, batches=4, pack_length=512))
    output = io.StringIO()
    Console(file=output, width=200).print(plan_table(planned, "A100", 0.3))
    text = output.getvalue()
    assert [line.split()[1] for line in text.splitlines() if line.startswith("│")] == ["1", "2", "4"]
    caption = " ".join(text.split("└")[1].split())
    assert f"1,000 updates of {planned.samples_per_update} samples" in caption
    assert "A100 hours at a model FLOPs utilization of 0.30" in caption


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_peak_on_a_gpu_is_within_a_tenth_of_the_plan(tmp_path: Path) -> None:
    """1.3 billion parameters: three layers of the released language model with its embeddings."""
    cut_model(tmp_path / "cut", hidden_size=5120, num_hidden_layers=3, num_attention_heads=40, intermediate_size=13824)
    config = recipe(tmp_path / "cut", batches=2, pack_length=8192).model_copy(
        update={"run": RunConfig(device="cuda", batches_per_update=2)}
    )
    (planned,) = plan(config, gpus=[1]).memory
    device = torch.device("cuda")
    torch.cuda.reset_peak_memory_stats(device)
    make_update(config, device)
    assert planned.total == pytest.approx(torch.cuda.max_memory_allocated(device), rel=0.1)


def cut_model(path: Path, **sizes: int) -> None:
    """Write a checkpoint directory whose language model has these sizes, with as many key-value heads as heads."""
    tiny_model(path)
    config, tokenizer = DirectoryConfig.read(path), Tokenizer.from_pretrained(path / "llm")
    llm = tiny_llm(len(tokenizer), num_key_value_heads=sizes["num_attention_heads"], **sizes).bfloat16()
    lvlm = tiny_lvlm(llm)
    with quiet_libraries():
        llm.save_pretrained(path / "llm")
    projectors = {name: value for name, value in lvlm.state_dict().items() if not name.startswith("llm.")}
    save_part(projectors, path / "projectors" / "model.safetensors", dtype=torch.float32)
    write_config(path, replace(config, lvlm=lvlm.config, files={}))


def make_update(config: RecipeConfig, device: torch.device) -> None:
    """Make an update of `run.batches_per_update` example batches."""
    stage = config.stage.build()
    model = stage.model(device, compute_dtype(config.run, device))
    prepare_blocks(stage.blocks(model), config.run)
    optimizer = Optimizer({name: p for name, p in model.named_parameters() if p.requires_grad}, config.optimizer)
    for _ in range(config.run.batches_per_update):
        terms = stage.losses(model, stage.example_batch(config.run), torch.Generator())
        torch.stack([term.weight * term.total / term.count for term in terms]).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.clip()
    optimizer.update(0)
