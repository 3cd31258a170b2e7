"""Connecting to Ray: the cluster that RAY_ADDRESS names, or a private local one."""

import logging
import math
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ray
from ray import _raylet
from ray._private import parameter as ray_parameter
from ray._private import services as ray_services
from ray._private import utils as ray_utils
from ray._private import worker as ray_worker
from ray._private.node import Node

from vitamin.algorithms.rllib.overriding import overridden
from vitamin.algorithms.rllib.resources import check_size
from vitamin.errors import WorkerFailure
from vitamin.platform.paths import check_utf8
from vitamin.platform.ray_folder import private_ray_folder
from vitamin.platform.stopping import cleaned_up, handlers_kept

_PATIENCE_S = 5.0
# What these log about dead processes ends in our own messages.
_NOISY = ("ray.rllib.utils.actor_manager", "ray.rllib.env.env_runner_group")
_token_loader: Any = vars(_raylet)["AuthenticationTokenLoader"]
_die_with_parent: Any = ray_utils.set_kill_on_parent_death_linux


@contextmanager
def ray_session(cpus: float, gpus: float = 0, *, at_once: int = 1) -> Iterator[None]:
    """Makes Ray available inside the block; what is already initialized (a Tune trial, a notebook) is used as it is.

    Without RAY_ADDRESS a private Ray is started, which offers at least ``cpus`` logical CPUs whatever the machine
    has, so that a laptop runs slower instead of waiting forever for resources.

    Args:
        cpus: CPUs that must be there.
        gpus: GPUs that must be there.
        at_once: How many times ``cpus`` a private Ray offers: the trials that the user wants to run at once.

    Raises:
        WorkerFailure: If the cluster cannot be reached or is too small, or Ray cannot start on this machine.
    """
    if ray.is_initialized():
        check_size({"CPU": cpus, "GPU": gpus})
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    address = os.environ.get("RAY_ADDRESS")
    with ExitStack() as stack:
        try:
            check_utf8((*sys.argv, Path.cwd()), WorkerFailure)  # Ray keeps them
            with handlers_kept(), overridden(ray_utils, "set_sigterm_handler", lambda _: None):
                if address:
                    _wait_for(address)
                    # Attempts of 40 seconds each, of which Ray makes 20 by default.
                    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
                    stack.callback(ray.shutdown)
                    ray.init(log_to_driver=False, logging_level=logging.ERROR)
                else:
                    stack.enter_context(_private_ray(local_cpus(cpus, at_once=at_once)))
        except (ConnectionError, RuntimeError, OSError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise WorkerFailure(
                f"Cannot reach the Ray cluster at {address}: {reason}.\nCheck RAY_ADDRESS and the token "
                "(RAY_AUTH_TOKEN or ~/.ray/auth_token), or unset RAY_ADDRESS to run here."
                if address
                else f"Cannot start Ray on this machine: {reason}. RAY_TMPDIR=DIR names a folder for its files."
            ) from error
        check_size({"CPU": cpus, "GPU": gpus})
        yield


@contextmanager
def _private_ray(cpus: int) -> Iterator[None]:
    """Starts a Ray with a folder and a token of its own, so that it needs no home folder; ends it after the block."""
    with private_ray_folder() as folder, _own_token(), cleaned_up(partial(_kill_processes, folder)):
        try:
            with overridden(ray_utils, "set_kill_on_parent_death_linux", _detach), _no_idle_helpers():
                ray.init(
                    address="local",
                    num_cpus=cpus,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=str(folder),
                )
            yield
        except KeyboardInterrupt:  # no time for Ray's ways, which give each process a second
            with overridden(Node, "kill_all_processes", lambda *_, **__: _kill_processes(folder)):
                ray.shutdown()
            raise
        except WorkerFailure as failure:
            if sends_to_logs(str(failure)):
                raise WorkerFailure(f"{failure} {keep_logs()}".strip()) from failure
            raise
        finally:
            ray.shutdown()


def sends_to_logs(message: str) -> bool:
    """Whether a failure's message tells the user to look at Ray's logs."""
    return "Ray logs" in message


def keep_logs() -> str:
    """Copies the logs of a private Ray, whose own folder goes with it; a sentence that says where to, or nothing."""
    node: Any = ray_worker._global_node  # noqa: SLF001
    if node is None or os.environ.get("RAY_ADDRESS"):
        return ""
    try:
        kept = tempfile.mkdtemp(prefix="vitamin-ray-logs-")
        shutil.copytree(node.get_logs_dir_path(), kept, dirs_exist_ok=True, ignore_dangling_symlinks=True)
    except (OSError, shutil.Error):
        return ""
    return f"Ray's logs are kept in {kept}."


def _kill_processes(folder: Path) -> None:
    """Ends what is left of the private Ray in the folder: its processes, and all below them."""
    psutil: Any = import_module("psutil")  # Ray brings a copy along, which it puts on the path itself
    for child in psutil.Process().children():
        try:
            if str(folder) in " ".join(child.cmdline()):
                for process in (child, *child.children(recursive=True)):
                    process.kill()
        except psutil.Error:  # it has just ended
            continue


@contextmanager
def _own_token() -> Iterator[None]:
    """Puts a token that Ray's processes are to show each other into the environment, if none is there."""
    if "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ:
        yield
        return
    loader = _token_loader.instance()
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    loader.reset_cache()  # Ray keeps the token it has read
    try:
        yield
    finally:
        del os.environ["RAY_AUTH_TOKEN"]
        loader.reset_cache()


def local_cpus(cpus: float, *, at_once: int) -> int:
    """How many logical CPUs a private Ray offers, for ``at_once`` jobs of ``cpus`` each."""
    return max(os.cpu_count() or 1, math.ceil(cpus) * at_once)


def _detach() -> None:
    """Puts a new process of Ray's into a session of its own, and lets it die with this one as before.

    `timeout`, Slurm and shells signal the whole process group of a command; Ray has to outlive that until the run has
    written its checkpoint.
    """
    os.setsid()
    _die_with_parent()


@contextmanager
def _no_idle_helpers() -> Iterator[None]:
    """Lets a Ray start without the helpers that a private one has no use for; each takes a second of CPU or more.

    They are the autoscaler's monitor, the log monitor (workers' logs go to no driver) and the API server, which without
    a dashboard serves usage statistics only, and which ``ray.init`` would wait for.
    """
    parameters = partial(ray_parameter.RayParams, no_monitor=True, include_log_monitor=False)  # type: ignore[arg-type]
    with (
        overridden(ray_parameter, "RayParams", parameters),
        overridden(ray_services, "start_api_server", lambda *_, **__: ("", None)),
    ):
        yield


def _wait_for(address: str) -> None:
    """Waits until something listens at the address; Ray itself would try for minutes.

    Raises:
        OSError: If nothing does.
        ValueError: If the port is no number.
    """
    parts = urlsplit(address if "://" in address else f"//{address}")
    if not parts.hostname or not parts.port:
        return  # "auto": Ray looks on this machine
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE_S).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
