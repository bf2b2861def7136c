"""The Ray Serve application: one ingress, replicas of the language model and of the de-tokenizer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.budgets.process_memory import keep_memory_small
from seedx_sdk.serve.logs.setup import log_as_json
from seedx_sdk.serve.ray.engine import open_replicas
from seedx_sdk.serve.ray.options import DeployOptions
from seedx_sdk.serve.ray.replicas import BackboneReplica, ImageServiceReplica
from seedx_sdk.serve.telemetry import export_spans

__all__ = ["APP", "JSON_LOG", "Ingress", "build"]

APP = "seedx"
"""Name of the application; deploying it again updates it in place."""
JSON_LOG = {"encoding": "JSON"}
"""How Ray Serve writes its own logs."""
_MAX_PROMPTS = 256
"""Concurrent prompts per language model; vLLM batches and queues them itself."""


class Ingress:
    """The application of `create_app` over replicas. It computes nothing itself.

    There is exactly one, because it holds the idempotency keys and rate limits.

    Args:
        backbones: Handle of the language models.
        detokenizers: Handle of the de-tokenizers.
        options: The options of the deployment.
    """

    def __init__(self, backbones: DeploymentHandle, detokenizers: DeploymentHandle, options: DeployOptions) -> None:
        self._backbones, self._detokenizers, self._options = backbones, detokenizers, options

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Return the application; Ray Serve starts it, which waits for the first replicas."""
        log_as_json()
        export_spans()
        keep_memory_small()
        return create_app(open_replicas(self._backbones, self._detokenizers, self._options), self._options.settings)


def build(options: DeployOptions) -> serve.Application:
    """Return the application for `serve.run(..., name=APP)`."""
    shared: dict[str, Any] = {
        "logging_config": JSON_LOG,
        "health_check_period_s": 5.0,
        "health_check_timeout_s": options.served.limits.step_seconds + 10,  # a step that hangs is reported before that
        "graceful_shutdown_timeout_s": options.drain_seconds,
        "graceful_shutdown_wait_loop_s": 0.5,
    }
    bundle = options.backbone_bundle
    low, high = options.detokenizers
    batch = options.served.limits.max_batch
    scaling = {"min_replicas": low, "max_replicas": high, "target_ongoing_requests": batch}
    backbones = serve.deployment(BackboneReplica).options(
        name="backbone",
        num_replicas=options.backbones,
        max_ongoing_requests=_MAX_PROMPTS,
        placement_group_bundles=[bundle],  # a bundle stays on one machine
        ray_actor_options={"num_cpus": bundle["CPU"], "num_gpus": bundle.get("GPU", 0)},
        **shared,
    )
    detokenizers = serve.deployment(ImageServiceReplica).options(
        name="detokenizer",
        max_ongoing_requests=options.served.limits.max_queue,
        ray_actor_options={"num_cpus": 1, "num_gpus": 1 if options.gpus else 0},
        **({"num_replicas": low} if low == high else {"autoscaling_config": scaling}),
        **shared,
    )
    ingress = serve.deployment(serve.ingress()(Ingress)).options(
        name="ingress",
        # so that it rejects further requests itself
        max_ongoing_requests=2 * (options.settings.max_replies + options.settings.max_waiting),
        max_surge_percent=100,
        ray_actor_options={"num_cpus": 0},
        **shared,
    )
    return ingress.bind(backbones.bind(options), detokenizers.bind(options), options)
