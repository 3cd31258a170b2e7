"""The one conversion from what users write to RLlib's config."""

import functools
from pathlib import Path
from typing import Any

import gymnasium as gym

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import DatasetLoader, EnvironmentCreator, OfflineToOnlineConfig
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import load_dataset
from vitamin.platform.environments import make_environment
from vitamin.platform.experiments.offline_data import OfflineData
from vitamin.platform.experiments.offline_data import (  # as pickled configs of earlier versions name it
    load_silently as _load_silently,  # noqa: F401
)
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.tasks import Task


def _load(path: Path, task: str) -> Trajectories:
    return load_dataset(path, get_task(task))


def _make(task: str) -> gym.Env[Any, Any]:
    return make_environment(get_task(task))


def environment_creator(task: Task) -> EnvironmentCreator:
    """A picklable callable that makes the task's environment in any process."""
    return functools.partial(_make, task.name)


def dataset_loader(path: Path, task: Task) -> DatasetLoader:
    """A picklable callable that loads the task's data in any process."""
    return functools.partial(_load, path, task.name)


def reference_scores(task: Task) -> tuple[float, float] | None:
    """Returns that count as normalized scores 0 and 100, if the task has them."""
    if task.reference_min is None or task.reference_max is None:
        return None
    return task.reference_min, task.reference_max


def algorithm_config(spec: ExperimentSpec, data: Path | OfflineData) -> OfflineToOnlineConfig:
    """RLlib's config of an experiment on ``data``, a file or what this process has read of it."""
    task = spec.scored_task()
    config = OfflineToOnline.get_default_config()
    config.environment(
        task.name, environment_creator=environment_creator(task), reference_scores=reference_scores(task)
    )
    config.offline_data(dataset_loader=data if isinstance(data, OfflineData) else OfflineData(data, task))
    config.training(method=spec.method, **spec.hyperparameters().model_dump())
    config.env_runners(num_env_runners=spec.num_env_runners)
    config.learners(num_learners=spec.num_learners, num_gpus_per_learner=spec.num_gpus_per_learner)
    config.debugging(seed=spec.seed)
    return config
