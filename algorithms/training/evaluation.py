"""An evaluation: some episodes of the mean action, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Phase
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit, joined_successes
from vitamin.algorithms.training.schedule import Progress

PREFIX = "evaluation/"


@dataclass(frozen=True)
class Evaluation:
    """Episodes of one evaluation, in the environment's reward units.

    Attributes:
        phase: Phase of the iteration after which it was made.
        target_return: Return-to-go at the start of each episode, in scaled-reward units.
        discounted_returns: With the run's discount.
        successes: Whether each episode reached its goal; None if the environment does not say.
    """

    phase: Phase
    iteration: int
    env_steps: int
    gradient_updates: int
    target_return: float
    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    discounted_returns: tuple[float, ...] = ()
    successes: tuple[bool, ...] | None = None

    @classmethod
    def of(
        cls, results: Sequence[UnitResult], phase: Phase, progress: Progress, target_return: float
    ) -> Self:
        """The evaluation that these units make, in their order."""
        return cls(
            phase=phase,
            iteration=progress.iteration,
            env_steps=progress.env_steps,
            gradient_updates=progress.gradient_updates,
            target_return=target_return,
            returns=tuple(value for result in results for value in result.returns),
            lengths=tuple(value for result in results for value in result.lengths),
            discounted_returns=tuple(value for result in results for value in result.discounted_returns),
            successes=joined_successes(results),
        )

    def metrics(self, reference_scores: tuple[float, float] | None) -> dict[str, float]:
        """What metrics.jsonl says of it; with reference scores (0 and 100 as returns) the normalized score too."""
        mean = float(np.mean(self.returns))
        metrics = {
            f"{PREFIX}return_mean": mean,
            f"{PREFIX}return_std": float(np.std(self.returns)),
            f"{PREFIX}length_mean": float(np.mean(self.lengths)),
            f"{PREFIX}discounted_return_mean": float(np.mean(self.discounted_returns)),
        }
        if self.successes is not None:
            metrics[f"{PREFIX}success_rate"] = float(np.mean(self.successes))
        if reference_scores is not None:
            low, high = reference_scores
            metrics[f"{PREFIX}normalized_score"] = 100 * (mean - low) / (high - low)
        return metrics


def evaluation_units(settings: Hyperparameters, iteration: int) -> list[WorkUnit]:
    """Units of ``eval_envs_per_unit`` episodes, the last one smaller if they do not divide ``eval_episodes``."""
    width = settings.eval_envs_per_unit
    return [
        WorkUnit(
            "evaluation",
            iteration,
            index,
            min(width, settings.eval_episodes - start),
            settings.eval_target_return,
        )
        for index, start in enumerate(range(0, settings.eval_episodes, width))
    ]
