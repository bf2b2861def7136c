"""What the server counts, for Prometheus. vLLM's own metrics stand beside these."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["ACTIVE", "PICTURES", "REFUSED", "REPLIES", "SECONDS", "STAGE_SECONDS", "TEXT_DELTAS"]

REPLIES = Counter(
    "seedx_replies_total", "Dispatcher, by task and outcome (done, or the class of the error)", ["task", "outcome"]
)
ACTIVE = Gauge("seedx_active_replies", "Replies in flight")
REFUSED = Counter("seedx_refused_total", "Requests refused before they were begun, by reason", ["reason"])
SECONDS = Histogram(
    "seedx_reply_seconds",
    "Seconds from the request to the end of its reply",
    ["task"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
STAGE_SECONDS = Counter("seedx_stage_seconds_total", "Seconds of replies spent in each stage", ["stage"])
TEXT_DELTAS = Counter("seedx_text_deltas_total", "Pieces of text that were streamed")
PICTURES = Counter("seedx_pictures_total", "Pictures that were drawn")
