"""Learners and env runners as processes that can die: calling, missing and ending them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import ray
from ray.rllib.core.learner.learner_group import LearnerGroup
from ray.rllib.env.env_runner_group import EnvRunnerGroup

from vitamin.algorithms.rllib.failures import LEARNER_DIED, PeerLost
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.errors import VitaminError, WorkerFailure

T = TypeVar("T")

_PATIENCE_S = 5.0


class EnvRunners(EnvRunnerGroup):
    """Hands the config to env runners as it is, a few kilobytes.

    RLlib hands a reference, on which restarts depend then; Ray's core says so on standard error at every start.
    """

    def add_workers(self, num_workers: int, validate: bool = False) -> None:
        """As RLlib's."""
        self._remote_config_obj_ref = self._remote_config
        super().add_workers(num_workers, validate)


def call_learners(group: LearnerGroup, function: Callable[[ReplayLearner], T], count: int) -> list[T]:
    """Calls ``function`` on each of ``count`` learners; RLlib itself drops failed results silently.

    Raises:
        VitaminError: What a learner raised.
        WorkerFailure: If a learner died; the others may have failed for want of it.
    """
    call: Callable[..., T] = function
    results = list(group.foreach_learner(call))
    errors = [result.get() for result in results if not result.ok]
    # A learner that waited in vain for another one says less than the other one does.
    errors.sort(key=lambda error: isinstance(expected_cause(error), PeerLost))
    for error in errors:
        if (cause := expected_cause(error)) is not None:
            raise cause
        if isinstance(error, ray.exceptions.RayActorError):
            raise WorkerFailure(LEARNER_DIED) from error
        raise error
    if len(results) < count:
        raise WorkerFailure(LEARNER_DIED)
    return [result.get() for result in results]


def expected_cause(error: BaseException) -> VitaminError | None:
    """The failure of ours that made a remote call fail, if it was one."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, VitaminError) else None


def start_failure(error: BaseException, env_runners: EnvRunnerGroup | None) -> VitaminError | None:
    """The error to raise instead of ``error`` if that came of an env runner or learner that died while it started."""
    deaths: list[BaseException] = [error] if isinstance(error, ray.exceptions.RayError) else []
    if isinstance(error, IndexError) and env_runners is not None:  # RLlib's, if no env runner is alive
        deaths = [death for actor in remote_env_runners(env_runners) if (death := cause_of_death(actor))]
    if not deaths:
        return None
    # Of a constructor that raised, Ray keeps the text alone; its last line is the exception.
    reason = str(deaths[0]).strip().splitlines()[-1].removeprefix("vitamin.errors.")
    return expected_cause(deaths[0]) or WorkerFailure(
        f"An env runner or learner could not be started: {reason}"
    )


def remote_env_runners(group: EnvRunnerGroup) -> list[Any]:
    """Handles of the remote env runners, dead or alive."""
    return list(group._worker_manager._actors.values())  # noqa: SLF001 (RLlib has no public way)


def cause_of_death(actor: Any) -> BaseException | None:
    """Why an actor is dead; None if it lives, or is being restarted."""
    try:
        ray.get(actor.ping.remote(), timeout=_PATIENCE_S)
    except ray.exceptions.ActorDiedError as death:
        return death
    except ray.exceptions.RayError:
        return None
    return None


def end_processes(env_runners: EnvRunnerGroup | None, learners: LearnerGroup | None) -> None:
    """Ends remote env runners and learners.

    RLlib's own way waits for calls that still run: forever if an environment hangs, and for an iteration's updates
    if they were interrupted. Here env runners get a few seconds to close their environments.
    """
    # Processes that are dead, or out of reach with their Ray, need no ending.
    with suppress(Exception):
        if learners is not None and learners.is_remote:
            learners._backend_executor.shutdown(graceful_termination=False)  # noqa: SLF001
    with suppress(Exception):
        if env_runners is not None and env_runners.num_remote_env_runners():
            stops = [
                actor.apply.remote(func=lambda runner: runner.stop())
                for actor in remote_env_runners(env_runners)
            ]
            ray.wait(stops, num_returns=len(stops), timeout=_PATIENCE_S)
            env_runners._worker_manager.clear()  # noqa: SLF001
