"""Runs a deployment on a Ray cluster: one that exists, or one of this machine that ends with this process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import ray
from ray import serve
from ray.serve.context import _get_global_client  # it alone knows the address; serve.status() does not say it

from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.serve.ray.app import APP, build
from seedx_sdk.serve.ray.options import DeployOptions

__all__ = ["run"]

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report how it is used
    "RAY_process_group_cleanup_enabled": "0",
    "RAY_kill_child_processes_on_worker_exit": "0",
}
"""Of a cluster that is started here. When a process of Ray ends, Ray would kill all its descendants at once, and nobody
would free vLLM's shared memory; left alone, they notice it and end in order (engine/child_processes.py)."""


def run(options: DeployOptions, *, host: str, port: int, address: str | None) -> None:
    """Deploys, or updates what is deployed. On a cluster that was started for this, returns at SIGTERM or SIGINT.

    Args:
        options: What to deploy.
        host: Address to listen on; that of the first deployment, if there is one.
        port: As `host`.
        address: The cluster; "local" is a new one, None the one that runs on this machine, else a new one.

    Raises:
        InputError: If the cluster listens on another host or port already.
        ServiceError: If there is no such cluster, or the replicas do not start.
    """
    if _joined(address):
        _deploy(options, host, port)
    else:
        with _own_cluster(options):
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
    serve.start(http_options={"host": host, "port": port, "request_timeout_s": None})
    _check_address(host, port)
    try:
        serve.run(build(options), name=APP)
    except RuntimeError as error:
        raise ServiceError(f"{error} The logs of Ray Serve, logs/serve in Ray's session directory, say why") from error


def _check_address(host: str, port: int) -> None:
    """Returns if Ray Serve listens where it should; it keeps to the address with which it was started.

    API keys were asked for, or not, because of the host.
    """
    held = _get_global_client().http_config
    if (held.host, held.port) != (host, port):
        raise InputError(
            f"Ray Serve listens on {held.host}:{held.port} of this cluster already, not on {host}:{port}; "
            f"give --host {held.host} --port {held.port}, or end what is served with 'serve shutdown' first"
        )


@contextlib.contextmanager
def _own_cluster(options: DeployOptions) -> Iterator[None]:
    """A cluster of this machine, until the block is left; SIGTERM and SIGINT leave it.

    It is told of as many CPUs as the replicas need, so that they fit on any laptop. At the end replicas may finish what
    they do, for as long as Ray Serve allows, 30 seconds.
    """
    os.environ.update(_SETTINGS)
    try:
        ray.init("local", num_cpus=options.num_cpus, include_dashboard=False, log_to_driver=False)
    except Exception as error:  # it has no class of its own for this
        raise ServiceError(f"Ray did not start on this machine: {error} Try again when it is less busy") from error
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's own handler aborts the process
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        serve.shutdown()
        ray.shutdown()
