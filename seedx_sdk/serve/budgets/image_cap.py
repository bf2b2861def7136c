"""Ends an answer that names no number of images before it draws more than one request may."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seedx_sdk.serve.access.limits import Work
from seedx_sdk.types import ImageDone, ModelInfo, ReplyDone, Request, StreamEvent

__all__ = ["ImageCap"]

_MOST = 64
"""Images of one answer, as of `GenerationOptions.max_images`."""


@dataclass(slots=True)
class ImageCap:
    """The images that one answer may have."""

    max_images: int | None
    """None: the request says it, or its task does."""
    _drawn: int = 0

    @classmethod
    def of(cls, request: Request, info: ModelInfo, max_steps: int) -> ImageCap:
        """Return the cap for a request, whose images together may take so many steps at the model's own size."""
        if request.makes_image or request.task == "story" or request.options.max_images is not None:
            return cls(None)
        steps = Work.most("generate", request.options.model_dump(), info).steps
        return cls(max(1, min(_MOST, int(max_steps / steps))))

    def applied(self, request: Request) -> Request:
        """Return the request with the cap."""
        if self.max_images is None:
            return request
        return replace(request, options=request.options.model_copy(update={"max_images": self.max_images}))

    def pass_on(self, event: StreamEvent) -> StreamEvent:
        """Return the event; that of a reply that the cap has ended says so."""
        if isinstance(event, ImageDone):
            self._drawn += 1
        if not isinstance(event, ReplyDone) or self._drawn != self.max_images:
            return event
        note = f"the answer ends after {self._drawn} images, the most that this server draws for one request like this"
        reply = event.reply.model_copy(update={"finish_reason": "length", "warnings": (*event.reply.warnings, note)})
        return ReplyDone(reply=reply)
