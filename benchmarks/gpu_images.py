"""What `gpu.py` measures of the de-tokenizer: steps and images in every mode, diffusers' own pipeline, memory."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from PIL import Image
from random_models import FAST_STEPS, STEPS, Sizes, image_parts, model_sizes
from results import Row

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.checkpoints.memory_plan import CONTEXT, GB, GRAPH, MemoryOptions, MemoryPlan
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.options import GenerationOptions, Sampler

BATCHES = (1, 4, 8)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is measured on."""

    sizes: Sizes
    device: str
    dtype: torch.dtype
    seed: int
    rounds: int
    is_tiny: bool

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.startswith("cuda")

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def peaks_gb(self) -> tuple[float | None, float | None]:
        """Return the most memory that tensors and the allocator have had since the last call, in GB; None on a CPU."""
        if not self.on_gpu:
            return None, None
        peaks = torch.cuda.max_memory_allocated(self.device) / GB, torch.cuda.max_memory_reserved(self.device) / GB
        torch.cuda.reset_peak_memory_stats(self.device)
        return peaks

    def seconds(self, work: Callable[[], object]) -> float:
        """Return the least time of some rounds, after one that warms up."""
        taken = []
        for _ in range(self.rounds + 1):
            self.synchronize()
            started = time.perf_counter()
            work()
            self.synchronize()
            taken.append(time.perf_counter() - started)
        return min(taken[1:])


def detokenizer(bench: Bench) -> Iterator[Row]:
    """Yield a row for each mode, task and batch; ratios are to the eager step of one image of the same task."""
    modes = {"eager": Placement(cuda_graphs=0)}
    if bench.on_gpu:
        modes["graphs"] = Placement()
    modes["compiled"] = Placement(compile=True)
    first: dict[str, float] = {}
    for mode, placement in modes.items():
        edits = mode != "compiled"  # another compilation, which takes minutes
        parts = image_parts(bench.sizes, bench.device, bench.dtype, seed=bench.seed, edits=edits)
        for batch in BATCHES if edits else BATCHES[:1]:
            for task in ("generate", "edit") if edits else ("generate",):
                steps = 2 if bench.is_tiny else STEPS // batch
                row = _images(bench, parts, placement, task=task, batch=batch, steps=steps, sampler="reference")
                ratio = first.setdefault(task, row["ms a step"]) * batch / row["ms a step"]
                yield {"mode": mode, "task": task, "batch": batch, **row, "speed": ratio}
        row = _images(bench, parts, placement, task="generate", batch=1, steps=FAST_STEPS, sampler="fast")
        ratio = first["generate"] / row["ms a step"]
        yield {"mode": f"{mode}, few steps", "task": "generate", "batch": 1, **row, "speed": ratio}
        del parts
        _free(bench)


def _images(
    bench: Bench, parts: ModelParts, placement: Placement, *, task: str, batch: int, steps: int, sampler: Sampler
) -> dict[str, Any]:
    """Generate one batch after another that warms up, and return what it took."""

    async def run() -> dict[str, Any]:
        limits = ServiceLimits(max_batch=batch, max_queue=batch, max_wait_ms=60_000, step_seconds=600)
        accelerated = placement.compile or placement.num_graphs(torch.device(bench.device)) > 0
        chosen = replace(placement, prepared_batches=(batch,)) if accelerated else placement
        started = time.perf_counter()
        async with LocalImageService(parts, limits=limits, placement=chosen, device=bench.device) as service:
            await _batch(service, task=task, count=batch, steps=2, sampler=sampler)
            first = time.perf_counter() - started
            found = []
            for _ in range(bench.rounds):
                bench.peaks_gb()
                before = dict(service.metrics.seconds)
                await _batch(service, task=task, count=batch, steps=steps, sampler=sampler)
                after = service.metrics.seconds
                found.append({stage: spent - before.get(stage, 0.0) for stage, spent in after.items()})
            assert set(service.metrics.batch_sizes) == {batch}, service.metrics.batch_sizes
        best = min(found, key=lambda stages: stages["denoise"])
        step = best["denoise"] / steps
        whole = FAST_STEPS if sampler == "fast" else STEPS
        allocated, reserved = bench.peaks_gb()
        return {
            "steps": steps,
            "ms a step": step * 1e3,
            "ms to prepare and decode": (best["prepare"] + best["decode"]) * 1e3,
            "s an image": (step * whole + best["prepare"] + best["decode"]) / batch,
            "s to start": first,
            "peak GB": allocated,
            "peak GB of the allocator": reserved,
        }

    return asyncio.run(run())


async def _batch(service: LocalImageService, *, task: str, count: int, steps: int, sampler: Sampler) -> None:
    """Generate images, all in one batch."""
    config, source = service.config, torch.Generator().manual_seed(0)
    width = int(service.parts.detokenizer.resampler.config["embedding_dim"])
    page = Image.new("RGB", (config.image_size, config.image_size), "teal")
    # Few-step sampling has its own number of steps
    options = {"num_inference_steps": steps} if sampler == "reference" else {"sampler": sampler}

    async def one(seed: int) -> None:
        features = torch.randn(1, 64, width, generator=source)
        chosen = GenerationOptions(seed=seed, **options)
        job = ImageJob.resolve(features, chosen, config, condition=page if task == "edit" else None)
        async for _ in service.generate(job):
            pass

    await asyncio.gather(*(one(seed) for seed in range(count)))


def diffusers(bench: Bench) -> Iterator[Row]:
    """Yield the seconds of an image in our pipeline and in diffusers' own, with the same U-Net and VAE, in turn."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    parts = image_parts(bench.sizes, bench.device, bench.dtype, seed=bench.seed)
    ours, steps = parts.detokenizer, 2 if bench.is_tiny else STEPS
    unet, channels = ours.unet, ours.vae.config["latent_channels"]
    with torch.device(bench.device):  # stage 1, which diffusers' pipeline has
        conv = torch.nn.Conv2d(channels, unet.conv_in.out_channels, 3, padding=1, dtype=bench.dtype)
    unet.conv_in = conv.requires_grad_(False)
    unet.register_to_config(in_channels=channels)
    pipeline: Any = StableDiffusionXLPipeline  # its types say nothing of how it is called
    theirs = pipeline(
        vae=ours.vae,
        text_encoder=None,  # the embeddings are given
        text_encoder_2=None,
        tokenizer=None,
        tokenizer_2=None,
        unet=unet,
        scheduler=EulerDiscreteScheduler.from_config(ours.scheduler.config),
        add_watermarker=False,
    )
    theirs.set_progress_bar_config(disable=True)
    source = torch.Generator().manual_seed(bench.seed)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=source).to(bench.device, bench.dtype)

    features = noise(1, 64, ours.resampler.config["embedding_dim"])
    prompt, pooled = ours.encode_condition(features)
    embeddings = {"prompt_embeds": prompt, "negative_prompt_embeds": prompt}
    embeddings |= {"pooled_prompt_embeds": pooled, "negative_pooled_prompt_embeds": pooled}
    side = bench.sizes.image_size
    common: dict[str, Any] = {"height": side, "width": side, "num_inference_steps": steps, "guidance_scale": 7.5}
    pipelines: dict[str, Callable[[], object]] = {
        "ours": partial(ours, features, features, **common),
        "diffusers": partial(theirs, **embeddings, **common),
    }
    found = {name: bench.seconds(run) for name, run in pipelines.items()}
    found = {name: min(bench.seconds(run), found[name]) for name, run in pipelines.items()}  # in turn
    for name, seconds in found.items():
        yield {"pipeline": name, "steps": steps, "s an image": seconds, "ratio": seconds / found["diffusers"]}
    del parts, ours, theirs, unet, pipelines
    _free(bench)


def memory(bench: Bench) -> Iterator[Row]:
    """Yield the memory of the image service as planned, and as it is for the largest batch of edits.

    On a GPU also what is an estimate in the plan: the CUDA context with the code of the kernels, and a CUDA graph. No
    other process may use it meanwhile.
    """
    parts = image_parts(bench.sizes, bench.device, bench.dtype, seed=bench.seed)
    sizes = model_sizes(parts)

    def planned(graphs: int) -> MemoryPlan:
        dtype = str(bench.dtype).removeprefix("torch.")
        options = MemoryOptions(llm_on="elsewhere", dtype=dtype, max_batch=BATCHES[-1], cuda_graphs=graphs)
        return MemoryPlan.make(sizes, options)

    modules = (parts.visual_encoder, parts.lvlm, *parts.detokenizer.components.values())
    tensors = [t for m in modules if isinstance(m, torch.nn.Module) for t in m.state_dict().values()]
    weights = sum(t.nbytes for t in tensors if t.device.type != "meta") / GB
    yield {"what": "weights", "planned GB": planned(0).image_weights / GB, "real GB": weights}
    for graphs in (0, MemoryOptions().cuda_graphs) if bench.on_gpu else (0,):
        what = ", with CUDA graphs" if graphs else ""
        found = _images(
            bench, parts, Placement(cuda_graphs=graphs), task="edit", batch=BATCHES[-1], steps=2, sampler="reference"
        )
        plan = (planned(graphs).image_service - CONTEXT) / GB
        yield {"what": f"peak of {BATCHES[-1]} edits{what}", "planned GB": plan, "real GB": found["peak GB"]}
        if bench.on_gpu:
            held = found["peak GB of the allocator"]
            yield {"what": f"the same with what the allocator holds{what}", "planned GB": plan, "real GB": held}
    if bench.on_gpu:
        _free(bench)
        yield {"what": "CUDA context and code", "planned GB": CONTEXT / GB, "real GB": _beside_tensors(bench)}
        yield {"what": "a CUDA graph", "planned GB": GRAPH / GB, "real GB": _graph_gb(bench, parts)}
    del parts, modules, tensors
    _free(bench)


def _graph_gb(bench: Bench, parts: ModelParts) -> float:
    """Return what a CUDA graph takes beside its tensors: the mean of some that a service captures as it starts."""

    async def run() -> float:
        before, batches = _beside_tensors(bench), (1, 2, 3, 4)
        placement = Placement(prepared_batches=batches)
        async with LocalImageService(parts, placement=placement, device=bench.device):
            return (_beside_tensors(bench) - before) / (2 * len(batches))  # generated and edited

    return asyncio.run(run())


def _beside_tensors(bench: Bench) -> float:
    """Return the GB of the GPU that are in use and not the allocator's."""
    free, total = torch.cuda.mem_get_info(bench.device)
    return (total - free - torch.cuda.memory_reserved(bench.device)) / GB


def _free(bench: Bench) -> None:
    """Give back the memory of what was deleted."""
    gc.collect()
    if bench.on_gpu:
        torch.cuda.empty_cache()
