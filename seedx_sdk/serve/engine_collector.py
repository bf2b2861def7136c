"""What the engine counts, for Prometheus: read when it is scraped, so that counting costs the engine nothing.

An engine that is opened again counts from zero, as Prometheus expects of a process that was started again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.metrics import EngineMetrics

__all__ = ["EngineCollector"]

K = TypeVar("K", bound=str)
_BATCHES = (1, 2, 4, 8, 16, 32)
"""Upper bounds of the buckets of batch sizes."""


class EngineCollector(Collector):
    """A collector of one engine.

    Args:
        read: Returns what the engine counts; None while none is open, which leaves everything out.
    """

    def __init__(self, read: Callable[[], EngineMetrics | None]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """All that is counted now."""
        counted = self._read()
        if counted is None:
            return
        tokens = {"prompt": counted.prompt_tokens, "completion": counted.completion_tokens}
        yield _counter(
            "seedx_tokens", "Tokens read and written by the language model, image tokens included", tokens, "kind"
        )
        if counted.service is not None:
            yield from _of_service(counted.service)


def _of_service(service: ServiceMetrics) -> Iterator[Metric]:
    yield GaugeMetricFamily("seedx_drawings_waiting", "Drawings in the queue", service.queue_length)
    yield GaugeMetricFamily("seedx_drawings_running", "Drawings that are being de-noised", service.running)
    yield _counter(
        "seedx_drawings",
        "Drawings by how they ended: completed, cancelled, deadline_exceeded, failed, rejected",
        service.outcomes,
        "outcome",
    )
    yield _batches(service.batch_sizes)
    yield CounterMetricFamily(
        "seedx_memory_splits", "Batches that ran out of memory and were split", Counter(service.memory_splits).total()
    )
    yield _counter("seedx_device_seconds", "Seconds that the device spent in each stage", service.seconds, "stage")
    yield _counter("seedx_device_errors", "Short computations that failed, by stage", service.errors, "stage")
    looked = {"hit": service.cache_hits, "miss": service.cache_misses}
    yield _counter("seedx_vision_cache", "Pictures to read whose features were in the cache, or not", looked, "result")


def _counter(name: str, words: str, values: Mapping[K, float], label: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=[label])
    for key, value in dict(values).items():
        family.add_metric([key], value)
    return family


def _batches(sizes: Counter[int]) -> HistogramMetricFamily:
    sizes = Counter(sizes)
    family = HistogramMetricFamily("seedx_batch_size", "Drawings that a batch started with")
    within = [(str(float(bound)), sum(n for size, n in sizes.items() if size <= bound)) for bound in _BATCHES]
    buckets = [*within, ("+Inf", sizes.total())]
    family.add_metric([], buckets, sum_value=sum(size * n for size, n in sizes.items()))
    return family
