"""Runs a deployment on an existing Ray cluster, or on a local one that ends with this process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import ray
from ray import serve
from ray.serve.context import _get_global_client  # serve.status() does not return the address

from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.serve.ray.app import APP, JSON_LOG, build
from seedx_sdk.serve.ray.options import DeployOptions

__all__ = ["run"]

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no telemetry
    "RAY_process_group_cleanup_enabled": "0",
    "RAY_kill_child_processes_on_worker_exit": "0",
}
"""Environment of a local cluster. Ray would kill all descendants of a process that ends, and vLLM's shared memory would
leak; left alone, they notice and clean up (engine/backbones/child_processes.py)."""


def run(options: DeployOptions, *, host: str, port: int, address: str | None) -> None:
    """Deploy, or update the deployment. On a local cluster, return at SIGTERM or SIGINT.

    Args:
        options: What to deploy.
        host: Address to listen on; must be that of an existing deployment.
        port: Port to listen on; likewise.
        address: The cluster; "local" starts a new one, None takes one on this machine, or else starts one.

    Raises:
        InputError: If the cluster already listens on another host or port.
        ServiceError: If there is no such cluster, or the replicas do not start.
    """
    if _joined(address):
        _deploy(options, host, port)
    else:
        with _local_cluster(options):
            _deploy(options, host, port)
            signal.pause()


def _joined(address: str | None) -> bool:
    if address == "local":
        return False
    try:
        ray.init(address or "auto", log_to_driver=False)
    except ConnectionError as error:
        if address is not None:
            raise ServiceError(f"no Ray cluster at {address!r} ({error}); start one with 'ray start'") from error
        return False
    return True


def _deploy(options: DeployOptions, host: str, port: int) -> None:
    serve.start(
        http_options={"host": host, "port": port, "request_timeout_s": None},
        logging_config=JSON_LOG,
        # of the proxies too, which would take the client's address from anybody on their machine; ours looks at it
        controller_options={"runtime_env": {"env_vars": {"FORWARDED_ALLOW_IPS": ""}}},
    )
    _check_address(host, port)
    try:
        serve.run(build(options), name=APP)
    except RuntimeError as error:
        raise ServiceError(f"{error} See the logs of Ray Serve in logs/serve of Ray's session directory") from error


def _check_address(host: str, port: int) -> None:
    """Check that Ray Serve listens on this address, which cannot change after its start.

    Whether API keys are required depends on the host.

    Raises:
        InputError: If it listens elsewhere.
    """
    current = _get_global_client().http_config
    if (current.host, current.port) != (host, port):
        raise InputError(
            f"Ray Serve already listens on {current.host}:{current.port} of this cluster, not on {host}:{port}; "
            f"use --host {current.host} --port {current.port}, or run 'serve shutdown' first"
        )


@contextlib.contextmanager
def _local_cluster(options: DeployOptions) -> Iterator[None]:
    """Run a cluster on this machine until the block ends, or SIGTERM or SIGINT arrives.

    It is configured with as many CPUs as the replicas need, so that they fit on any laptop. At the end replicas have
    30 seconds, Ray Serve's limit, to finish their work.
    """
    os.environ.update(_SETTINGS)
    try:
        ray.init("local", num_cpus=options.num_cpus, include_dashboard=False, log_to_driver=False)
    except Exception as error:  # Ray has no class of its own for this
        raise ServiceError(f"Ray did not start on this machine: {error} Retry when the machine is less busy") from error
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's own handler aborts the process
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # the shutdown has started
        serve.shutdown()
        ray.shutdown()
