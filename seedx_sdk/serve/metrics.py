"""Prometheus metrics: counters of the server, and a collector of what the engine counts. vLLM adds its own.

The engine's counters are read when Prometheus scrapes, so counting costs the engine nothing. A restarted engine counts
from zero, as Prometheus expects after a process restart.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from seedx_sdk.checkpoints.memory_plan import MemoryPlan
from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.metrics import EngineMetrics

__all__ = [
    "IMAGES",
    "IN_FLIGHT",
    "KEY_IMAGES",
    "KEY_REQUESTS",
    "KEY_STEPS",
    "KEY_TOKENS",
    "REJECTED",
    "REPLIES",
    "SECONDS",
    "STAGE_SECONDS",
    "TEXT_DELTAS",
    "WAITING",
    "EngineCollector",
    "reject",
]

REPLIES = Counter(
    "seedx_replies_total",
    "Replies by task and outcome: done, client_disconnected, or the class of the error",
    ["task", "outcome"],
)
IN_FLIGHT = Gauge("seedx_replies_in_flight", "Replies in flight")
WAITING = Gauge("seedx_replies_waiting", "Replies that wait for a place")
REJECTED = Counter("seedx_rejected_total", "Requests rejected before any work, by reason", ["reason"])
SECONDS = Histogram(
    "seedx_reply_seconds",
    "Seconds from the request to the end of its reply",
    ["task"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
STAGE_SECONDS = Counter("seedx_stage_seconds_total", "Seconds that replies spent in each stage", ["stage"])
TEXT_DELTAS = Counter("seedx_text_deltas_total", "Text deltas that were streamed")
IMAGES = Counter("seedx_images_total", "Images in replies")
KEY_REQUESTS = Counter("seedx_key_requests_total", "Requests by the name of their key", ["key"])
KEY_IMAGES = Counter("seedx_key_images_total", "Images by the name of their key", ["key"])
KEY_STEPS = Counter(
    "seedx_key_steps_total", "Denoising steps, of images at the model's own size, by the name of their key", ["key"]
)
KEY_TOKENS = Counter("seedx_key_tokens_total", "Tokens of finished replies by the name of their key", ["key", "kind"])
KEY_REJECTED = Counter("seedx_key_rejected_total", "Rejected requests by the name of their key", ["key", "reason"])

K = TypeVar("K", bound=str)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32)
"""Upper bounds of the batch size buckets."""


def reject(reason: str, key: str) -> None:
    """Count a request that is rejected, of a key with this name."""
    REJECTED.labels(reason).inc()
    KEY_REJECTED.labels(key, reason).inc()


class EngineCollector(Collector):
    """Collects the metrics of one engine.

    Args:
        read: Returns the engine's counters; None while no engine is open, and then nothing is exported.
    """

    def __init__(self, read: Callable[[], EngineMetrics | None]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield the current value of every counter and gauge."""
        engine = self._read()
        if engine is None:
            return
        tokens = {"prompt": engine.prompt_tokens, "completion": engine.completion_tokens}
        yield _counter("seedx_tokens", "Language model tokens, image tokens included", tokens, "kind")
        if engine.memory is not None:
            yield _memory(engine.memory)
        if engine.service is not None:
            yield from _service_metrics(engine.service)


def _memory(plan: MemoryPlan) -> GaugeMetricFamily:
    family = GaugeMetricFamily("seedx_memory_plan_bytes", "Device memory by purpose, as planned", labels=["purpose"])
    for purpose in ("llm_weights", "llm_working", "kv_cache", "image_weights", "image_working"):
        family.add_metric([purpose], getattr(plan, purpose))
    return family


def _service_metrics(service: ServiceMetrics) -> Iterator[Metric]:
    yield GaugeMetricFamily("seedx_image_jobs_queued", "Image jobs in the queue", service.queue_length)
    yield GaugeMetricFamily("seedx_image_jobs_running", "Image jobs that are being denoised", service.running)
    yield _counter("seedx_image_jobs", "Finished image jobs by outcome", service.outcomes, "outcome")
    yield _batch_sizes(service.batch_sizes)
    splits = Counts(service.memory_splits).total()
    yield CounterMetricFamily("seedx_memory_splits", "Batches that ran out of memory and were split", splits)
    yield _counter("seedx_device_seconds", "Seconds of device time by stage", service.seconds, "stage")
    yield _counter("seedx_device_errors", "Failed device computations by stage", service.errors, "stage")
    lookups = {"hit": service.cache_hits, "miss": service.cache_misses}
    yield _counter("seedx_feature_cache", "Lookups of image features by result", lookups, "result")


def _counter(name: str, description: str, values: Mapping[K, float], label: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, description, labels=[label])
    for key, value in dict(values).items():
        family.add_metric([key], value)
    return family


def _batch_sizes(counts: Counts[int]) -> HistogramMetricFamily:
    counts = Counts(counts)
    family = HistogramMetricFamily("seedx_batch_size", "Image jobs per batch when it started")
    within = [(str(float(bound)), sum(n for size, n in counts.items() if size <= bound)) for bound in _BATCH_SIZES]
    buckets = [*within, ("+Inf", counts.total())]
    family.add_metric([], buckets, sum_value=sum(size * n for size, n in counts.items()))
    return family
