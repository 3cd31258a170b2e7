"""Runs from Python, as the commands `vitamin train` and `vitamin evaluate` make them."""

import logging
import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitamin.errors import RunError
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.paths import short_name
from vitamin.platform.tasks.minari import absolute_source

if TYPE_CHECKING:
    import pandas as pd

    from vitamin.platform.experiments.evaluate import CheckpointName
    from vitamin.platform.experiments.reporter import Reporter

RESULTS = Path("results")


def default_folder(spec: ExperimentSpec) -> Path:
    """Where a run goes that nobody named a folder for: ``results/TASK-METHOD-seedN``."""
    task = short_name(re.sub(r"[^\w.-]+", "-", spec.task))
    return RESULTS / f"{task}-{spec.method}-seed{spec.seed}"


def train(
    task: str,
    *,
    method: str = "td3_odt",
    data: str | PathLike[str] | None = None,
    preset: str = "paper",
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    resume: bool = False,
    reference_scores: tuple[float, float] | None = None,
    num_env_runners: int = 1,
    num_learners: int = 0,
    num_gpus_per_learner: float = 0,
    checkpoint_interval: int = 10,
    reporter: "Reporter | None" = None,
    **settings: Any,
) -> Path:
    """Pretrains and fine-tunes, as `vitamin train` does it; the run folder is all that it leaves.

    Args:
        task: A task of `vitamin tasks`, any Gymnasium environment id (``my_package:MyEnv-v0`` is imported), or
            ``minari:ID``.
        method: A row of `vitamin methods`.
        data: File in D4RL's layout, or ``minari:ID``; by default the task's file in the dataset cache.
        preset: ``paper``, ``small`` or ``tiny``.
        seed: Key of every random draw.
        out: Run folder; by default ``results/TASK-METHOD-seedN``.
        resume: Continue the run in ``out`` from its newest checkpoint, bit for bit, or begin it if there is none.
        reference_scores: Returns that count as scores 0 and 100, for an environment of your own.
        num_env_runners: Remote env runners; 0 rolls out in this process.
        num_learners: Remote learners; 0 learns in this process.
        num_gpus_per_learner: GPUs of each learner.
        checkpoint_interval: Iterations between checkpoints.
        reporter: Told about each iteration; by default messages go to the logger ``vitamin``.
        **settings: Hyperparameters that differ from the preset, such as ``rl_coefficient=0.5``.

    Returns:
        The run folder, for `evaluate`, `load_agent` and `load_results`.

    Raises:
        RunError: If a signal stopped the run, or there is another run in the folder.
        SettingsError: If a setting is unknown, ill-typed or without influence.
        VitaminError: Whatever else ended the run.
    """
    from vitamin.platform.experiments.train import train as train_run

    spec = ExperimentSpec.create(
        task=task,
        method=method,
        preset=preset,
        seed=seed,
        data=None if data is None else absolute_source(str(data)),
        reference_scores=reference_scores,
        overrides=settings,
        num_env_runners=num_env_runners,
        num_learners=num_learners,
        num_gpus_per_learner=num_gpus_per_learner,
        checkpoint_interval=checkpoint_interval,
    )
    folder = default_folder(spec) if out is None else Path(out)
    info = train_run(spec, folder, resume=resume, reporter=reporter)
    if info.status != "finished":
        raise RunError(f"The run in {folder} is not finished: {info.message}.")
    return folder


def evaluate(
    run: str | PathLike[str],
    *,
    episodes: int | None = None,
    seed: int = 0,
    checkpoint: "CheckpointName | None" = None,
    target_return: float | None = None,
) -> "pd.DataFrame":
    """Rolls out a run's policy, as `vitamin evaluate` does it; equal arguments give equal episodes.

    Args:
        run: The run folder.
        episodes: How many; by default ``eval_episodes`` of the run's settings.
        seed: Key of the episodes.
        checkpoint: Iteration of the checkpoint, or ``pretrained``; by default the newest whole one.
        target_return: Return-to-go at the start, in scaled-reward units; by default ``eval_target_return``.

    Returns:
        A row for each episode. ``return`` and ``discounted_return`` are in the environment's reward units, ``length``
        in steps; ``normalized_score`` is NaN if the task has no reference scores, ``success`` missing if the
        environment does not say.

    Raises:
        EnvironmentFailure: If the environment raises or returns values that are not finite.
        RunError: If there is no run or no whole checkpoint, or the environment's sizes are not those of the policy.
        SettingsError: If an argument is out of range.
        TaskError: If the task or its environment is not here.
    """
    import pandas as pd

    from vitamin.platform.experiments.evaluate import evaluate_run

    result = evaluate_run(
        Path(run),
        episodes=episodes,
        seed=seed,
        checkpoint=checkpoint,
        target_return=target_return,
        report=logging.getLogger("vitamin").warning,
    )
    successes: Any = result.successes or [None] * len(result.returns)
    frame = pd.DataFrame(
        {
            "return": result.returns,
            "discounted_return": result.discounted_returns,
            "length": result.lengths,
            "normalized_score": result.normalized_scores or float("nan"),
            "success": pd.array(successes, dtype="boolean"),
        }
    )
    frame.index.name = "episode"
    return frame
