"""Work units: what the algorithm asks of env runners and what they answer."""

from dataclasses import dataclass
from typing import Any, Literal

import ray

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.grpo.rollout import GroupRollout
from vitamin.algorithms.rollouts.outcomes import Outcomes
from vitamin.errors import VitaminError, WorkerFailure

Purpose = Literal["online", "evaluation"]

LEARNER_DIED = (
    "A learner died (often: out of memory, or its node was lost). Learners hold the replay and are not restarted "
    "within a run; resume it from its last checkpoint with --resume."
)


class PeerLost(WorkerFailure):
    """A learner waited in a collective for another one that failed or died; the other one knows why."""


@dataclass(frozen=True)
class WorkUnit:
    """Some episodes that are rolled out together; the result depends on these values and the weights alone.

    Attributes:
        purpose: ``online`` explores, ``evaluation`` does not.
        iteration: Iteration of the algorithm.
        index: Number of the unit within the iteration.
        episodes: W, episodes in one batched forward.
        target_return: Return-to-go at the start, in scaled-reward units.
        jump_start_steps: First steps of each episode that the pretrained policy takes.
    """

    purpose: Purpose
    iteration: int
    index: int
    episodes: int
    target_return: float
    jump_start_steps: int = 0


@dataclass(frozen=True, kw_only=True)
class UnitResult(Outcomes):
    """Outcome of a unit: that of each episode, and what else came of it.

    Attributes:
        trajectories: The episodes, and groups if the method has them, or a reference to them in the object store;
            None for evaluations.
        group_steps: Environment steps beside those of the episodes: of sub-trajectories.
        failure: What went wrong with the environment, or None. Returned, because an exception ends a runner.
        notice: What the user should know of the environment, or None.
    """

    trajectories: "Trajectories | GroupRollout | ray.ObjectRef[Any] | None" = None
    group_steps: int = 0
    failure: VitaminError | None = None
    notice: str | None = None

    @property
    def num_steps(self) -> int:
        """All environment steps of the unit."""
        return sum(self.lengths) + self.group_steps
