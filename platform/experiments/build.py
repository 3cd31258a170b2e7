"""The one conversion from what users write to RLlib's config."""

import functools
from pathlib import Path
from typing import Any
from unittest import mock

import gymnasium as gym
from ray.rllib.env.env_runner_group import EnvRunnerGroup

from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import DatasetLoader, EnvironmentCreator, OfflineToOnlineConfig
from vitamin.algorithms.trajectories import Trajectories
from vitamin.platform.datasets import load_dataset
from vitamin.platform.environments import make_environment
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.tasks import Task, get_task


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


def algorithm_config(spec: ExperimentSpec, data: Path) -> OfflineToOnlineConfig:
    """RLlib's config of an experiment on the data file ``data``."""
    task = get_task(spec.task)
    config = OfflineToOnlineConfig()
    config.environment(
        task.name, environment_creator=environment_creator(task), reference_scores=reference_scores(task)
    )
    config.offline_data(dataset_loader=dataset_loader(data, task))
    config.training(method=spec.method, **spec.hyperparameters().model_dump())
    config.env_runners(num_env_runners=spec.num_env_runners)
    config.learners(num_learners=spec.num_learners, num_gpus_per_learner=spec.num_gpus_per_learner)
    config.debugging(seed=spec.seed)
    return config


class _ConfigByValue(EnvRunnerGroup):
    """Hands the config to env runners as it is, a few kilobytes.

    RLlib hands a reference, on which restarts depend then; Ray's core says so on standard error at every start.
    """

    def add_workers(self, num_workers: int, validate: bool = False) -> None:
        self._remote_config_obj_ref = self._remote_config
        super().add_workers(num_workers, validate)


def build_algorithm(spec: ExperimentSpec, data: Path) -> OfflineToOnline:
    """The algorithm of an experiment on the data file ``data``, with its processes started.

    Raises:
        VitaminError: What kept a process from starting, or is wrong with the data. Nothing is left running then.
    """
    config = algorithm_config(spec, data)
    with mock.patch("ray.rllib.algorithms.algorithm.EnvRunnerGroup", _ConfigByValue):
        algorithm: OfflineToOnline = config.build_algo()
    return algorithm
