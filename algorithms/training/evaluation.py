"""An evaluation: some episodes of the mean action, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Phase
from vitamin.algorithms.rollouts.outcomes import Outcomes
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit
from vitamin.algorithms.training.schedule import Progress
from vitamin.scores import normalized_score

PREFIX = "evaluation/"


@dataclass(frozen=True, kw_only=True)
class Evaluation(Outcomes):
    """Episodes of one evaluation.

    Attributes:
        phase: Phase of the iteration after which it was made.
        target_return: Return-to-go at the start of each episode, in scaled-reward units.
    """

    phase: Phase
    iteration: int
    env_steps: int
    gradient_updates: int
    target_return: float

    @classmethod
    def of_units(
        cls, results: Sequence[UnitResult], phase: Phase, progress: Progress, target_return: float
    ) -> Self:
        """The evaluation that these units make, in their order."""
        return cls.joined(
            results,
            phase=phase,
            iteration=progress.iteration,
            env_steps=progress.env_steps,
            gradient_updates=progress.gradient_updates,
            target_return=target_return,
        )

    def metrics(self, reference_scores: tuple[float, float] | None) -> dict[str, float]:
        """Its entries in metrics.jsonl; with reference scores (0 and 100 as returns) the normalized score too."""
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
            metrics[f"{PREFIX}normalized_score"] = normalized_score(mean, *reference_scores)
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
