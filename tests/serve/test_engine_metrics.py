"""The engine's metrics in `/metrics`, parsed as Prometheus parses them."""

from __future__ import annotations

from collections import Counter

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.metrics import EngineMetrics
from seedx_sdk.serve.metrics import EngineCollector

Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Values by the name and the label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(metrics: EngineMetrics | None) -> Samples:
    registry = CollectorRegistry()
    registry.register(EngineCollector(lambda: metrics))
    return samples(generate_latest(registry).decode())


def test_every_counter_is_exported() -> None:
    service = ServiceMetrics(
        queue_length=3,
        running=2,
        outcomes=Counter({"completed": 5, "failed": 1}),
        batch_sizes=Counter({1: 2, 3: 1, 64: 1}),
        memory_splits=Counter({4: 1, 2: 1}),
        seconds={"denoise": 1.5},
        errors=Counter({"encode": 2}),
        cache_hits=7,
        cache_misses=4,
    )
    assert scraped(EngineMetrics(service=service, prompt_tokens=11, completion_tokens=13)) == {
        ("seedx_tokens_total", "prompt"): 11,
        ("seedx_tokens_total", "completion"): 13,
        ("seedx_image_jobs_queued",): 3,
        ("seedx_image_jobs_running",): 2,
        ("seedx_image_jobs_total", "completed"): 5,
        ("seedx_image_jobs_total", "failed"): 1,
        ("seedx_batch_size_bucket", "1.0"): 2,
        ("seedx_batch_size_bucket", "2.0"): 2,
        ("seedx_batch_size_bucket", "4.0"): 3,
        ("seedx_batch_size_bucket", "8.0"): 3,
        ("seedx_batch_size_bucket", "16.0"): 3,
        ("seedx_batch_size_bucket", "32.0"): 3,
        ("seedx_batch_size_bucket", "+Inf"): 4,
        ("seedx_batch_size_count",): 4,
        ("seedx_batch_size_sum",): 69,
        ("seedx_memory_splits_total",): 2,
        ("seedx_device_seconds_total", "denoise"): 1.5,
        ("seedx_device_errors_total", "encode"): 2,
        ("seedx_feature_cache_total", "hit"): 7,
        ("seedx_feature_cache_total", "miss"): 4,
    }


def test_an_engine_that_is_not_open_exports_nothing() -> None:
    assert scraped(None) == {}


def test_a_server_counts_what_its_engine_did(nano_server: str, http: httpx.Client) -> None:
    def scrape() -> Samples:
        return samples(http.get(f"{nano_server}/metrics").text)

    def generate() -> str:
        body = {"prompt": "a red house", "seed": 1, "num_inference_steps": 2}
        image: str = http.post(f"{nano_server}/v1/tools/generate", json=body).json()["image"]
        return image

    before = scrape()
    image = generate()
    for _ in range(2):
        assert http.post(f"{nano_server}/v1/tools/describe", json={"images": [image]}).status_code == 200
    after = scrape()

    def grown(*name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert grown("seedx_image_jobs_total", "completed") == grown("seedx_batch_size_count") == 1
    assert grown("seedx_feature_cache_total", "miss") == grown("seedx_feature_cache_total", "hit") == 1
    assert grown("seedx_tokens_total", "completion") > 64  # the image's tokens, and text
    assert grown("seedx_tokens_total", "prompt") > 2 * 64
    for stage in ("encode", "regress", "prepare", "denoise", "decode"):
        assert grown("seedx_device_seconds_total", stage) > 0
    assert after["seedx_image_jobs_queued",] == after["seedx_image_jobs_running",] == 0
    assert after["seedx_replies_total", "done", "describe"] >= 2
