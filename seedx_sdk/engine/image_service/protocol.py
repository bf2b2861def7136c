"""The seam between the reply and whatever reads and draws pictures: in this process, or replicas elsewhere.

Shapes: N cells of a picture's grid, Q image tokens per picture, D LLM width, K width of image features.
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

__all__ = ["ImageEvents", "ImageService"]


class ImageEvents(Protocol):
    """The events of one drawing: progress, and last the picture."""

    def __aiter__(self) -> AsyncIterator[ImageProgress | Image.Image]:
        """Iterates over the events."""
        ...

    async def aclose(self) -> None:
        """Gives the picture up, if it is not finished."""
        ...


class ImageService(Protocol):
    """Reads and draws the pictures of many replies at once. `LocalImageService` is it on one device."""

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
        """Whether it draws after a picture, and so can edit."""
        ...

    @property
    def metrics(self) -> ServiceMetrics | None:
        """What it counts; None if it counts in other processes."""
        ...

    async def read(
        self, picture: Image.Image, *, grids: Sequence[str], model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Returns the (N + 1, Q, D) embeddings of a picture; see `LocalImageService.read`."""
        ...

    async def regress(
        self, hidden_states: Tensor, *, model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Returns the (Q, K) features of hidden states (Q, D); see `LocalImageService.regress`."""
        ...

    def draw(self, job: ImageJob) -> ImageEvents:
        """Returns the events of a drawing; see `LocalImageService.draw`."""
        ...

    async def unfamiliar(self, picture: Image.Image) -> str | None:
        """Returns a warning when the picture is unlike all that the model was trained on."""
        ...

    async def check(self) -> None:
        """Returns if it works.

        Raises:
            ServiceError: It does not.
        """
        ...
