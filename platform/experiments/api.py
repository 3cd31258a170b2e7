"""RLlib configs that know the tasks: ``TD3ODTConfig().environment("hopper-medium-v2").build_algo()``."""

import logging
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from ray.rllib.algorithms.algorithm_config import NotProvided

from vitamin.algorithms.combinations import check_combination
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import DatasetLoader, OfflineToOnlineConfig
from vitamin.errors import SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import dataset_path
from vitamin.platform.environments import probe_environment
from vitamin.platform.experiments.build import dataset_loader, environment_creator, reference_scores
from vitamin.platform.tasks import resolve_hyperparameters
from vitamin.platform.tasks.presets import settings_from_data

__all__ = ["ODTConfig", "OfflineToOnline", "TD3ODTConfig"]


class _Episodes(NamedTuple):
    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]


@lru_cache(maxsize=4)
def _episodes(loader: DatasetLoader) -> _Episodes:
    """The episodes from which settings are derived; a config asks for it after every change."""
    trajectories = loader()
    return _Episodes(trajectories.returns, trajectories.lengths)


class _TaskConfig(OfflineToOnlineConfig):
    """Resolves a task's name into environment, data, reference scores and settings.

    Hyperparameters given to ``training`` win over those of task and preset, in whatever order.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class or OfflineToOnline)
        self.task: str | None = None
        self.preset = "paper"
        self._chosen: frozenset[str] = frozenset()

    def environment(
        self, env: Any = NotProvided, *, data: Any = NotProvided, preset: Any = NotProvided, **kwargs: Any
    ) -> Self:
        """As RLlib's, but ``env`` is a task of `vitamin tasks` or any Gymnasium environment id.

        Args:
            env: Name of the task.
            data: File of offline data, or ``minari:ID``; by default the task's file in the dataset cache, unless
                ``offline_data(dataset_loader=...)`` was called before.
            preset: ``paper`` (default), ``small`` or ``tiny``.
            **kwargs: As `OfflineToOnlineConfig.environment`; ``reference_scores=(min, max)`` for a task without.

        Raises:
            TaskError: If the task is unknown.
            DatasetError: If its data is not here.
            SettingsError: If the preset is unknown, or data is given without a task.
        """
        if isinstance(env, str):
            task = get_task(env)
            kwargs = {
                "environment_creator": environment_creator(task),
                "reference_scores": reference_scores(task),
            } | kwargs
            if data is not NotProvided or "dataset_loader" not in self._chosen:
                path = dataset_path(task, data if data is not NotProvided else None)
                self.dataset_loader = dataset_loader(path.resolve(), task)
            self.task = env = task.name
            self._chosen_by_environment = self._chosen_by_environment | {"task": env}
        elif data is not NotProvided:
            raise SettingsError("environment(data=...) goes with the name of a task.")
        super().environment(env, **kwargs)
        if preset is not NotProvided:
            self.preset = preset
        self._chosen_by_environment = self._chosen_by_environment | {"preset": self.preset}
        self._resolve()
        return self

    def training(self, *, method: Any = NotProvided, **kwargs: Any) -> Self:
        """As `OfflineToOnlineConfig.training`; what is set here stays, whichever task is chosen later.

        Raises:
            SettingsError: If a name is no hyperparameter.
        """
        super().training(method=method, **kwargs)
        self._chosen |= kwargs.keys() & Hyperparameters.model_fields.keys()
        self._resolve()
        return self

    def offline_data(self, *, dataset_loader: Any = NotProvided, **kwargs: Any) -> Self:
        """As `OfflineToOnlineConfig.offline_data`."""
        super().offline_data(dataset_loader=dataset_loader, **kwargs)
        if dataset_loader is not NotProvided:
            self._chosen |= {"dataset_loader"}
            self._resolve()
        return self

    def build_algo(self, *args: Any, **kwargs: Any) -> Any:
        """As RLlib's, after a look at the task's environment.

        Raises:
            EnvironmentFailure: As `probe_environment`.
        """
        if self.task is not None:
            for notice in probe_environment(get_task(self.task)):
                logging.getLogger("vitamin").warning(notice)
        return super().build_algo(*args, **kwargs)

    def _resolve(self) -> None:
        if self.task is None:
            return
        task = get_task(self.task)
        # Under Tune the method may be a search space; methods differ in settings that only they read.
        method = self.method if isinstance(self.method, str) else type(self)().method
        chosen = {name: getattr(self, name) for name in self._chosen & Hyperparameters.model_fields.keys()}
        numbers = {name: value for name, value in chosen.items() if isinstance(value, int | float)}
        loader = self.dataset_loader
        resolved = resolve_hyperparameters(task, method, self.preset, {}).model_dump()
        if loader is not None:
            resolved |= settings_from_data(task, method, self.preset, numbers, lambda: _episodes(loader))
        if isinstance(self.method, str):
            plain = {name: value for name, value in chosen.items() if isinstance(value, int | float | str)}
            check_combination(
                get_method(method), [name for name, value in plain.items() if value != resolved[name]]
            )
        for name, value in resolved.items():
            if name not in self._chosen:
                setattr(self, name, value)


class TD3ODTConfig(_TaskConfig):
    """TD3+ODT, the paper's method, on a named task."""


class ODTConfig(_TaskConfig):
    """ODT, the online decision transformer without RL gradients, on a named task."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class)
        self.method = "odt"
