"""A real local Ray and real Pendulum data, once for all of these tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments.build import algorithm_config
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.ray_session import ray_session

SMALL = {
    "pretrain_updates": 8,
    "pretrain_updates_per_iteration": 4,
    "updates_per_iteration": 4,
    "envs_per_unit": 2,
}


@pytest.fixture(scope="session")
def pendulum_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pendulum.hdf5"
    return collect_dataset(get_task("Pendulum-v1"), steps=2000, seed=1, out=path)


@pytest.fixture(scope="package")
def local_ray() -> Iterator[None]:
    with ray_session(cpus=8):
        yield


@pytest.fixture
def make_config(pendulum_data: Path, local_ray: None) -> Callable[..., OfflineToOnlineConfig]:
    def make(
        method: str = "td3_odt", runners: int = 0, learners: int = 0, **overrides: Any
    ) -> OfflineToOnlineConfig:
        spec = ExperimentSpec.create(
            task="Pendulum-v1",
            method=method,
            preset="tiny",
            data=pendulum_data,
            overrides=SMALL | overrides,
            num_env_runners=runners,
            num_learners=learners,
        )
        return algorithm_config(spec, pendulum_data)

    return make
