"""The image service as a reply sees it, whether it runs in this process or in replicas elsewhere.

Shapes: N cells of an image's grid, Q image tokens per image, D LLM width, K width of image features.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.types import ImageProgress

__all__ = ["ImageEventStream", "ImageService"]


class ImageEventStream(Protocol):
    """The events of one image job: progress, and last the image."""

    def __aiter__(self) -> AsyncIterator[ImageProgress | Image.Image]:
        """Iterate over the events."""
        ...

    async def aclose(self) -> None:
        """Cancel the job, unless it is finished."""
        ...


class ImageService(Protocol):
    """Encodes and generates the images of many replies at once; `LocalImageService` does so on one device."""

    @property
    def config(self) -> DirectoryConfig:
        """The config of the model."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of its language model."""
        ...

    @property
    def specialists(self) -> Collection[str]:
        """Names of its specialists."""
        ...

    @property
    def takes_condition_image(self) -> bool:
        """Whether it takes a condition image, and so can edit."""
        ...

    @property
    def metrics(self) -> ServiceMetrics | None:
        """Its counters; None if it counts in other processes."""
        ...

    async def encode(
        self, image: Image.Image, *, grids: Sequence[str], model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Return the (N + 1, Q, D) embeddings of an image; see `LocalImageService.encode`."""
        ...

    async def regress(
        self, hidden_states: Tensor, *, model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Return the (Q, K) features of hidden states (Q, D); see `LocalImageService.regress`."""
        ...

    async def embed(self, features: Tensor, *, model: str | None = None, deadline: float | None = None) -> Tensor:
        """Return the (1, Q, D) embeddings of regressed features (Q, K); see `LocalImageService.embed`."""
        ...

    def generate(self, job: ImageJob) -> ImageEventStream:
        """Return the events of a job; see `LocalImageService.generate`."""
        ...

    async def out_of_domain_warning(self, image: Image.Image) -> str | None:
        """Return a warning if the image is unlike the training data, otherwise None."""
        ...

    async def check(self) -> None:
        """Return if it works.

        Raises:
            ServiceError: If it does not.
        """
        ...
