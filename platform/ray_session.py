"""Connecting to Ray: the cluster that RAY_ADDRESS names, or a private local one."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from vitamin.errors import WorkerFailure


@contextmanager
def ray_session(cpus: float, gpus: float = 0) -> Iterator[None]:
    """Makes Ray available inside the block; what is already initialized (a Tune trial, a notebook) is used as it is.

    Without RAY_ADDRESS a private Ray is started, which offers at least ``cpus`` logical CPUs whatever the machine
    has, so that a laptop runs slower instead of waiting forever for resources.

    Raises:
        WorkerFailure: If the cluster cannot be reached or is too small.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS")
    try:
        if address:
            ray.init(log_to_driver=False, logging_level=logging.ERROR)
        else:
            ray.init(
                address="local",
                num_cpus=max(os.cpu_count() or 1, int(-(-cpus // 1))),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (ConnectionError, RuntimeError, OSError) as error:
        where = f"the Ray cluster at {address}" if address else "a local Ray"
        raise WorkerFailure(
            f"Cannot reach {where}: {str(error).strip().splitlines()[0]} "
            "Check RAY_ADDRESS and the token (RAY_AUTH_TOKEN or ~/.ray/auth_token), or unset RAY_ADDRESS to run locally."
        ) from error
    try:
        _check_size(cpus, gpus)
        yield
    finally:
        ray.shutdown()


def _check_size(cpus: float, gpus: float) -> None:
    total = ray.cluster_resources()
    if total.get("CPU", 0) < cpus or total.get("GPU", 0) < gpus:
        raise WorkerFailure(
            f"This needs {cpus:g} CPUs and {gpus:g} GPUs; Ray has {total.get('CPU', 0):g} and {total.get('GPU', 0):g}. "
            "Use fewer env runners or learners, or a larger cluster."
        )
