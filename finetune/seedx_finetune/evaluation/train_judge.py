"""Train and calibrate the judge: `python -m seedx_finetune.evaluation.train_judge [OUTPUT] [--steps N]`.

Pages are drawn on the fly from all 128 color-kind pairs (the judge must know them all) with their own seed. The
thresholds are chosen on pages and prompts of another seed, and both go into the metadata of one safetensors file.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from tqdm import tqdm

from seedx_finetune.evaluation.judge import WEIGHTS, JudgeNet, Maps
from seedx_finetune.evaluation.judge_pages import Batch, make_batch

SEED = 20_061
"""Seed of the training pages; the calibration uses the next one."""
STEPS = 2000
BATCH_SIZE = 32
LEARNING_RATE = 3e-3
_SAVE_EVERY = 100


def train(checkpoint: Path, *, steps: int = STEPS, seed: int = SEED) -> JudgeNet:
    """Train the network, or go on from the checkpoint, and return it with its averaged weights.

    Args:
        checkpoint: Where the state is kept while training; a line of losses is appended beside it every 50 steps.
        steps: Optimizer updates of `BATCH_SIZE` pages.
        seed: Seed of the weights and of every page.
    """
    torch.manual_seed(seed)
    network = JudgeNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    state = {"network": network, "average": average, "optimizer": optimizer, "schedule": schedule}
    start = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        start = saved.pop("step")
        for name, part in state.items():
            part.load_state_dict(saved[name])
    network.train()
    started = time.monotonic()
    for step in tqdm(range(start, steps), initial=start, total=steps, desc="judge"):
        batch = make_batch(np.random.default_rng((seed, step)), BATCH_SIZE)
        losses = judge_losses(network(batch.pages.contiguous(memory_format=torch.channels_last)), batch)
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        if (step + 1) % 50 == 0:
            line = {"step": step + 1, "seconds": round(time.monotonic() - started, 1)}
            line |= {name: round(value.item(), 4) for name, value in losses.items()}
            with checkpoint.with_suffix(".jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
        if (step + 1) % _SAVE_EVERY == 0:
            partial = checkpoint.with_suffix(".part")
            torch.save({"step": step + 1} | {name: part.state_dict() for name, part in state.items()}, partial)
            partial.replace(checkpoint)
    trained = JudgeNet()
    trained.load_state_dict(average.module.state_dict())
    return trained.eval()


def judge_losses(maps: Maps, batch: Batch) -> dict[str, Tensor]:
    """Focal loss of the heat map; kind, color, box at the supervised cells; background. Each is a scalar."""
    center, heat = maps.center, batch.heat
    chance = center.sigmoid()
    is_peak = heat == 1
    hit = (F.logsigmoid(center) * (1 - chance) ** 2)[is_peak].sum()
    miss = (F.logsigmoid(-center) * chance**2 * (1 - heat) ** 4)[~is_peak].sum()
    at = batch.page, slice(None), batch.row, batch.column
    count = max(len(batch.page), 1)
    return {
        "center": -(hit + miss) / max(int(is_peak.sum()), 1),
        "kind": F.cross_entropy(maps.kind[at], batch.kind, reduction="sum") / count,
        "color": F.cross_entropy(maps.color[at], batch.color, reduction="sum") / count,
        "box": F.smooth_l1_loss(maps.box[at], batch.box, beta=0.1, reduction="sum") / count,
        "background": 0.3 * F.cross_entropy(maps.background, batch.background),
    }


def save(network: JudgeNet, path: Path, metadata: dict[str, str]) -> None:
    """Write the weights (half precision) and the thresholds to one safetensors file."""
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    partial = path.with_suffix(".part")
    partial.write_bytes(to_bytes(weights, metadata))
    partial.replace(path)


def main() -> None:
    """Train, calibrate and write the judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--checkpoint", type=Path, default=Path("judge.pt"))
    arguments = parser.parse_args()
    from seedx_finetune.evaluation.judge_check import calibrate  # it needs a trained judge, training doesn't need it

    network = train(arguments.checkpoint, steps=arguments.steps)
    thresholds = calibrate(network, seed=SEED + 1)
    metadata = {"steps": str(arguments.steps), "batch_size": str(BATCH_SIZE), "seed": str(SEED)}
    save(network, arguments.output, metadata | {name: f"{value:.3f}" for name, value in thresholds.items()})


if __name__ == "__main__":
    main()
