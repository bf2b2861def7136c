"""How the U-Net and the VAE's decoder run: as they are, compiled, or from CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import torch
from PIL import Image

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.compiled import CompiledModules
from seedx_sdk.engine.image_service.cuda_graphs import cuda_recorder, free_cached_memory
from seedx_sdk.engine.image_service.graphed_unet import GraphedUNet
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.model.unet import NoisePredictor, predict_noise
from seedx_sdk.options import GenerationOptions

__all__ = ["Acceleration", "prepared_batches"]


class Acceleration:
    """What makes denoising and decoding faster, between the start and the end of a service.

    Args:
        parts: A placed model.
        placement: Whether to compile, and how many graphs to keep.
        device: Where.
        max_batch: Images of the model's own size in the largest batch.
        preparing: Entered around each capture.
    """

    def __init__(
        self,
        parts: ModelParts,
        placement: Placement,
        device: torch.device,
        *,
        max_batch: int,
        preparing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        detokenizer = parts.detokenizer
        self.without_graphs: NoisePredictor = partial(predict_noise, detokenizer.unet)
        """Runs the U-Net itself."""
        self.predict: NoisePredictor = self.without_graphs
        """Runs the U-Net as fast as it can."""
        self._device = device
        self._graphs: GraphedUNet | None = None
        self._modules = CompiledModules()
        if placement.compile:
            self._modules.replace(detokenizer.unet)
            self._modules.replace(detokenizer.vae.decoder)
        if max_graphs := placement.num_graphs(device):
            branches = 3 if detokenizer.takes_condition_image else 2
            side = parts.config.image_size
            largest = max(max_batch * side**2, *(width * height for width, height in placement.sizes(side)))
            self.predict = self._graphs = GraphedUNet(
                self.without_graphs,
                cuda_recorder(device),
                max_graphs=max_graphs,
                max_cells=branches * largest // detokenizer.vae_scale_factor**2,
                preparing=preparing,
            )

    def compiling(self) -> AbstractContextManager[None]:
        """Compile for what is computed inside the block, if the placement says so."""
        return self._modules.compiling()

    def free(self) -> bool:
        """Free the memory of the graphs, which are captured again at their next use; return whether there was any."""
        held = self._graphs is not None and self._graphs.clear()
        if self._device.type == "cuda":
            free_cached_memory()
        return held

    def close(self) -> None:
        """Leave the model as it was, and free the graphs."""
        self._modules.restore()
        self.free()


def prepared_batches(
    parts: ModelParts, placement: Placement, device: torch.device, max_batch: int
) -> list[list[ImageJob]]:
    """Return the batches for which a service prepares itself; none if there is nothing to prepare.

    The largest is the first, since smaller graphs find room in its memory. If there are more than graphs, the smallest
    are left, which gain most.
    """
    max_graphs = placement.num_graphs(device)
    if not placement.compile and not max_graphs:
        return []
    config, edits = parts.config, [False, True] if parts.detokenizer.takes_condition_image else [False]
    queries, dim = config.lvlm.output_resampler.num_queries, parts.detokenizer.resampler.config["embedding_dim"]
    features = torch.zeros(1, queries, dim)
    batches = []
    for width, height in placement.sizes(config.image_size):
        options = GenerationOptions(width=width, height=height, num_inference_steps=1)
        for edit in edits:
            image = Image.new("RGB", (width, height)) if edit else None
            job = ImageJob.resolve(features, options, config, condition=image)
            job.check(parts.detokenizer, config)
            batches += [[job] * n for n in placement.batches(job.most_together(max_batch, config.image_size))]
    batches.sort(key=lambda jobs: len(jobs) * (2 + (jobs[0].condition is not None)) * jobs[0].cost, reverse=True)
    return batches if placement.compile else batches[-max_graphs:]
