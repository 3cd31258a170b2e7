"""Where a run stands and what comes next: phases, updates, curricula and evaluations (paper §4, Alg. 1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit


@dataclass
class Progress:
    """Where a run stands; with weights, optimizers and replay this is the whole state.

    Attributes:
        iteration: Iterations done.
        env_steps: Environment steps of the online phase, evaluation not counted.
        episodes: Episodes of the online phase.
        gradient_updates: Actor updates.
    """

    iteration: int = 0
    env_steps: int = 0
    episodes: int = 0
    gradient_updates: int = 0

    def count_rollouts(self, results: Sequence[UnitResult]) -> None:
        """Counts steps and episodes of an online iteration."""
        self.env_steps += sum(result.num_steps for result in results)
        self.episodes += sum(len(result.returns) for result in results)

    def count_updates(self, updates: int) -> None:
        """Counts the actor updates of an iteration, which are its end."""
        self.iteration += 1
        self.gradient_updates += updates


class Schedule:
    """The parts of an iteration, given the progress before it (or, for `evaluation_due`, after it).

    Args:
        hyperparameters: The run's settings.
        warms_up: Whether the online phase begins with an iteration that warms a return predictor up, as PDT's does:
            ``warmup_env_steps`` and ``return_warmup_updates`` then take the place of the usual numbers.
        critic_steps: Critic updates for each actor update; 1 without critics.
    """

    def __init__(
        self, hyperparameters: Hyperparameters, *, warms_up: bool = False, critic_steps: int = 1
    ) -> None:
        self._settings = hyperparameters
        self._warms_up = warms_up
        self._critic_steps = critic_steps

    @classmethod
    def of(cls, method: Method, hyperparameters: Hyperparameters) -> Self:
        """The schedule of a method."""
        return cls(
            hyperparameters,
            warms_up=method.network == "future_transformer",
            critic_steps=hyperparameters.actor_update_interval if method.gradient else 1,
        )

    @property
    def pretrain_iterations(self) -> int:
        """Iterations of the pretraining phase; at least one, which evaluates the initial policy."""
        return max(1, -(-self._settings.pretrain_updates // self._settings.pretrain_updates_per_iteration))

    def phase(self, progress: Progress) -> Phase:
        """Phase of the next iteration."""
        return "pretrain" if progress.iteration < self.pretrain_iterations else "online"

    def finished(self, progress: Progress) -> bool:
        """Whether the online budget is spent."""
        return self.phase(progress) == "online" and progress.env_steps >= self._settings.online_steps

    def warmup(self, progress: Progress) -> bool:
        """Whether the next iteration warms up."""
        return self._warms_up and progress.iteration == self.pretrain_iterations

    def env_steps(self, progress: Progress) -> int:
        """Environment steps that the next iteration, an online one, collects at least."""
        settings = self._settings
        return settings.warmup_env_steps if self.warmup(progress) else settings.min_env_steps_per_iteration

    def online_unit(self, progress: Progress, index: int) -> WorkUnit:
        """Unit number ``index`` of the next iteration's rollouts."""
        return WorkUnit(
            "online",
            progress.iteration,
            index,
            self._settings.envs_per_unit,
            self.online_target_return(progress),
            self.jump_start_steps(progress),
        )

    def online_target_return(self, progress: Progress) -> float:
        """Return-to-go at the start of the next iteration's rollouts, in scaled-reward units."""
        settings = self._settings
        first, last = settings.curriculum_target_return, settings.online_target_return
        return last if first is None else last + self._curriculum_left(progress) * (first - last)

    def jump_start_steps(self, progress: Progress) -> int:
        """First steps of the next iteration's episodes that the pretrained policy takes."""
        return round(self._curriculum_left(progress) * self._settings.jump_start_steps)

    def _curriculum_left(self, progress: Progress) -> float:
        """1 as the online phase begins, falling linearly to 0 when ``curriculum_share`` of its steps are done."""
        steps = self._settings.curriculum_share * self._settings.online_steps
        return max(0.0, 1 - progress.env_steps / steps) if steps else 0.0

    def actor_updates(self, progress: Progress, collected: int = 0) -> int:
        """Actor updates of the next iteration; the last one of pretraining takes what is left.

        Args:
            progress: Where the run stands before the iteration's updates.
            collected: Environment steps of the iteration's rollouts, which count with ``update_to_data_ratio``.
        """
        settings = self._settings
        if self.phase(progress) == "online":
            warmup = settings.return_warmup_updates if self.warmup(progress) else 0
            # Rounded before it is rounded up: 0.07 · 100 is a little more than 7 in floating point.
            by_data = math.ceil(round(settings.update_to_data_ratio * collected / self._critic_steps, 6))
            return warmup or (by_data if settings.update_to_data_ratio else settings.updates_per_iteration)
        done = progress.iteration * settings.pretrain_updates_per_iteration
        return min(settings.pretrain_updates_per_iteration, settings.pretrain_updates - done)

    def evaluation_due(self, progress: Progress, phase: Phase) -> bool:
        """Whether the iteration of ``phase`` that has just ended is followed by an evaluation."""
        iteration, first = progress.iteration, self.pretrain_iterations
        if phase == "pretrain":
            return iteration == first or iteration % self._settings.eval_interval == 0
        return self.finished(progress) or (iteration - first) % self._settings.eval_interval == 0
