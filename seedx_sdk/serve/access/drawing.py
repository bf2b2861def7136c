"""Counts what a reply has drawn so far, for the quotas of its caller, the line and the metrics."""

from __future__ import annotations

from seedx_sdk.engine.fair_line import Place
from seedx_sdk.serve import metrics
from seedx_sdk.serve.access.callers import Reservation
from seedx_sdk.serve.access.limits import TEXT_WORK
from seedx_sdk.types import ImageDone, ImageProgress, ReplyDone, StreamEvent

__all__ = ["Drawing"]


class Drawing:
    """Counts the work of one reply from its events.

    Args:
        reservation: What the caller is charged for.
        place: Where the work is done.
        step_work: How many steps at the model's own size one step of an image counts.
    """

    def __init__(self, reservation: Reservation, place: Place, step_work: float) -> None:
        self._reservation, self._place, self._step_work = reservation, place, step_work
        self._step = 0  # of the image that is being drawn

    def count(self, event: StreamEvent) -> None:
        """Count the work that an event reports."""
        if isinstance(event, ImageProgress):
            steps = (event.step - self._step) * self._step_work
            self._step = event.step
            self._reservation.draw(0, steps)
            self._place.done += steps
        elif isinstance(event, ImageDone):
            self._reservation.draw(1, 0)
            self._step = 0
        elif isinstance(event, ReplyDone):
            self._place.done += TEXT_WORK
            usage = event.reply.usage
            if usage is not None:
                metrics.KEY_TOKENS.labels(self._reservation.label, "prompt").inc(usage.prompt_tokens)
                metrics.KEY_TOKENS.labels(self._reservation.label, "completion").inc(usage.completion_tokens)
