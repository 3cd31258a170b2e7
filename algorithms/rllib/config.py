"""RLlib configs: every field of `Hyperparameters` is an attribute, so that Tune can search over it."""

from collections.abc import Callable
from typing import Any, Self

import gymnasium as gym
import numpy as np
from pydantic import ValidationError
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig, NotProvided
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.util.debug import log_once

from vitamin.algorithms.combinations import check_method, check_settings
from vitamin.algorithms.hyperparameters import Hyperparameters, describe_errors
from vitamin.algorithms.limits import LARGEST_SEED
from vitamin.algorithms.methods import Method, get_method
from vitamin.algorithms.rllib.capacity import check_capacity
from vitamin.algorithms.trajectories import Trajectories
from vitamin.errors import SettingsError, nearest, shown

EnvironmentCreator = Callable[[], gym.Env[Any, Any]]
DatasetLoader = Callable[[], Trajectories]

# Settings of RLlib that this algorithm does not read, because the field's own names are hyperparameters.
_OWN_NAMES = {
    "gamma": "discount",
    "lr": "learning_rate",
    "grad_clip": "gradient_clip",
    "train_batch_size": "batch_size",
    "train_batch_size_per_learner": "batch_size",
    "minibatch_size": "batch_size",
    "num_epochs": "updates_per_iteration",
}


class OfflineToOnlineConfig(AlgorithmConfig):
    """Config of `OfflineToOnline`: pretraining on offline trajectories, then online fine-tuning.

    ``training(**kwargs)`` takes every field of `Hyperparameters`, ``method``, and RLlib's own training settings.
    The environment and the offline data are given as callables without arguments that can be pickled, so that env
    runners and learners build them in their own processes: ``environment_creator`` returns an environment with
    float32 Box observations (S,) and actions in [-1, 1]^A; ``dataset_loader`` returns `Trajectories`.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        from vitamin.algorithms.rllib.algorithm import OfflineToOnline
        from vitamin.algorithms.rllib.env_runner import UnitEnvRunner

        super().__init__(algo_class=algo_class or OfflineToOnline)
        log_once(
            f"{self.algo_class.__name__}_on_new_api_stack"
        )  # RLlib's note on its new API stack is no news here
        self.method = "td3_odt"
        for name, field in Hyperparameters.model_fields.items():
            setattr(self, name, field.default)
        self.environment_creator: EnvironmentCreator | None = None
        self.dataset_loader: DatasetLoader | None = None
        self.reference_scores: tuple[float, float] | None = None

        self.env_runner_cls = UnitEnvRunner
        # The driver only coordinates: it needs an environment of its own only if there is no remote runner.
        self.create_local_env_runner = False
        self.num_env_runners = 1
        self.num_learners = 0
        # A rollout is bounded by its episodes, not by RLlib's one-minute default.
        self.sample_timeout_s = 3600.0
        self.restart_failed_env_runners = True
        self.delay_between_env_runner_restarts_s = 1.0
        self.max_num_env_runner_restarts = 100
        self.env_runner_health_probe_timeout_s = 60.0
        self.env_runner_restore_timeout_s = 300.0
        self.seed = 0

    def training(self, *, method: Any = NotProvided, **kwargs: Any) -> Self:
        """Sets the method, hyperparameters (Tune search spaces allowed) and RLlib's own training settings.

        Raises:
            SettingsError: If a name is neither a hyperparameter nor a training setting of RLlib, or is one of RLlib's
                that has another name here.
        """
        for name in kwargs.keys() & _OWN_NAMES.keys():
            raise SettingsError(f"{name} is called {_OWN_NAMES[name]} here.")
        own = {name: kwargs.pop(name) for name in list(kwargs) if name in Hyperparameters.model_fields}
        try:
            super().training(**kwargs)
        except TypeError as error:
            unknown = ", ".join(repr(name) for name in kwargs)
            hint = nearest(next(iter(kwargs), ""), Hyperparameters.model_fields)
            raise SettingsError(f"Unknown training setting among {unknown}.{hint}") from error
        if method is not NotProvided:
            self.method = method
        for name, value in own.items():
            setattr(self, name, value)
        return self

    def environment(
        self,
        env: Any = NotProvided,
        *,
        environment_creator: Any = NotProvided,
        reference_scores: Any = NotProvided,
        **kwargs: Any,
    ) -> Self:
        """As RLlib's, plus the creator that env runners call and the scores (min, max) that normalize returns."""
        super().environment(env, **kwargs)
        if environment_creator is not NotProvided:
            self.environment_creator = environment_creator
        if reference_scores is not NotProvided:
            self.reference_scores = reference_scores
        return self

    def env_runners(self, *, num_envs_per_env_runner: Any = NotProvided, **kwargs: Any) -> Self:
        """As RLlib's; ``num_envs_per_env_runner`` sets ``envs_per_unit``, the width of a work unit.

        It is a hyperparameter, since batch and number of episodes of an iteration depend on it; the number of env
        runners is not.
        """
        super().env_runners(num_envs_per_env_runner=num_envs_per_env_runner, **kwargs)
        if num_envs_per_env_runner is not NotProvided:
            self.training(envs_per_unit=num_envs_per_env_runner)
        return self

    def offline_data(self, *, dataset_loader: Any = NotProvided, **kwargs: Any) -> Self:
        """As RLlib's, plus the loader that each learner calls for its offline trajectories."""
        super().offline_data(**kwargs)
        if dataset_loader is not NotProvided:
            self.dataset_loader = dataset_loader
        return self

    def _check_seed(self, seed: Any) -> None:
        known = seed is None or (isinstance(seed, int | np.integer) and type(seed) is not bool)
        if not known or not 0 <= int(seed or 0) <= LARGEST_SEED:
            raise SettingsError(f"A seed is an integer from 0 to {LARGEST_SEED}, not {shown(seed)}.")

    def hyperparameters(self) -> Hyperparameters:
        """The validated hyperparameters; those that the method fixes are as it has them.

        Raises:
            SettingsError: If there is no such method, a value is ill-typed or out of range, or values contradict each
                other.
        """
        try:
            chosen = {name: getattr(self, name) for name in Hyperparameters.model_fields}
            return Hyperparameters(**chosen | dict(self.get_method().fixed))
        except ValidationError as error:
            raise SettingsError(f"Invalid hyperparameters: {describe_errors(error)}.") from error

    def get_method(self) -> Method:
        """The row of the method table.

        Raises:
            SettingsError: If there is no such method.
        """
        return get_method(self.method)

    def validate(self) -> None:
        """Checks what can be checked before any process starts.

        Raises:
            SettingsError: If hyperparameters, method, environment, data or the split over learners do not fit.
        """
        super().validate()
        hyperparameters = self.hyperparameters()
        method = self.get_method()
        check_method(method)
        check_settings(method, hyperparameters)
        self._check_seed(self.seed)
        check_capacity(
            method,
            hyperparameters,
            num_env_runners=self.num_env_runners,
            num_learners=self.num_learners,
            num_gpus_per_learner=self.num_gpus_per_learner,
        )
        learners = max(1, self.num_learners)
        if hyperparameters.batch_size % learners:
            raise SettingsError(
                f"batch_size {hyperparameters.batch_size} cannot be split over {learners} learners; "
                "choose a multiple of the number of learners."
            )
        if method.groups and hyperparameters.group_batch_size % learners:
            raise SettingsError(
                f"group_batch_size {hyperparameters.group_batch_size} cannot be split over {learners} learners; "
                "choose a multiple of the number of learners."
            )
        if self.environment_creator is None or self.dataset_loader is None:
            raise SettingsError(
                "No environment or no offline data: use vitamin.TD3ODTConfig().environment(TASK, data=FILE), or give "
                "environment(environment_creator=...) and offline_data(dataset_loader=...)."
            )

    def get_default_learner_class(self) -> type[Learner]:
        """The learner that owns the replay."""
        from vitamin.algorithms.rllib.learner import ReplayLearner

        return ReplayLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """The module that holds policy, critics and targets."""
        from vitamin.algorithms.rllib.module import OfflineToOnlineModule

        return RLModuleSpec(module_class=OfflineToOnlineModule)

    @property
    def _model_config_auto_includes(self) -> dict[str, Any]:
        includes: dict[str, Any] = super()._model_config_auto_includes
        return includes | {
            "method": self.method,
            "hyperparameters": self.hyperparameters().model_dump(),
            "seed": self.seed or 0,
        }


class TD3ODTConfig(OfflineToOnlineConfig):
    """TD3+ODT, the paper's method."""


class ODTConfig(OfflineToOnlineConfig):
    """ODT: the online decision transformer without RL gradients."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class)
        self.method = "odt"
