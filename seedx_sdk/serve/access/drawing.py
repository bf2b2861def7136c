"""Counts what a reply has drawn so far, for the quotas of its caller, the line and the metrics."""

from __future__ import annotations

from seedx_sdk.engine.fair_line import FairLine, Place
from seedx_sdk.serve import metrics
from seedx_sdk.serve.access.callers import Reservation
from seedx_sdk.serve.access.limits import PREVIEW_STEPS, TEXT_WORK, Work
from seedx_sdk.types import ImageDone, ImageProgress, ReplyDone, StreamEvent

__all__ = ["Drawing"]


class Drawing:
    """Counts the work of one reply from its events.

    Args:
        reservation: What the caller is charged for.
        line: The line of the place.
        place: Where the work is done.
        step_work: How many steps at the model's own size one step of an image counts.
    """

    def __init__(self, reservation: Reservation, line: FairLine, place: Place, step_work: float) -> None:
        self._reservation, self._line, self._place, self._step_work = reservation, line, place, step_work
        self._step = 0  # of the image that is being drawn
        self._is_first = True

    def count(self, event: StreamEvent) -> None:
        """Count the work that an event reports.

        Raises:
            RateLimitError: If a first image was not expected, and the caller has used what it may.
            InputError: If that image alone is more than the caller may have at once.
        """
        if isinstance(event, ImageProgress):
            if self._step == 0:
                self._begin_image(event.total * self._step_work)
            previews = 0 if event.preview is None else PREVIEW_STEPS
            steps = (event.step - self._step + previews) * self._step_work
            self._step = event.step
            self._reservation.draw(0, steps)
            self._place.done += steps
        elif isinstance(event, ImageDone):
            self._reservation.draw(1, 0)
            self._step = 0
            self._is_first = False
        elif isinstance(event, ReplyDone):
            self._place.done += TEXT_WORK
            usage = event.reply.usage
            if usage is not None:
                metrics.KEY_TOKENS.labels(self._reservation.label, "prompt").inc(usage.prompt_tokens)
                metrics.KEY_TOKENS.labels(self._reservation.label, "completion").inc(usage.completion_tokens)

    def _begin_image(self, steps: float) -> None:
        """Count an image that begins, as far as it was not expected: a chat draws what it likes.

        What is left to the caller decides about the first one. Further ones are drawn and charged in any case, since
        refusing them would throw away the whole answer.
        """
        if self._is_first:
            self._reservation.admit(Work.drawing(1, steps))
        expected = self._place.work - TEXT_WORK - self._place.done
        self._line.expect(self._place, max(0.0, steps - expected))
