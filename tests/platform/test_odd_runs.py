"""Runs in environments that draw from global generators, or whose word on success says nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.platform import runs
from tests.platform.runs import outcome, spec
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments.evaluate import evaluate_run
from vitamin.platform.experiments.train import train
from vitamin.platform.ray_session import ray_session

pytestmark = pytest.mark.ray

ODD = "tests.platform.odd_environments:{}-v0"
FEW = {"pretrain_updates": 8, "eval_interval": 1, "eval_episodes": 3, "min_env_steps_per_iteration": 60}


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with ray_session(cpus=3):
        yield


@pytest.mark.slow
def test_global_generators_do_not_depend_on_processes_and_restarts(tmp_path: Path) -> None:
    name = ODD.format("Draws")
    data = collect_dataset(get_task(name), steps=200, out=tmp_path / "data.hdf5")

    def experiment(**values: int) -> object:
        return spec(data, online_steps=240, task=name, overrides=FEW, **values)

    train(experiment(), tmp_path / "once")  # type: ignore[arg-type]
    np.random.seed(5)  # noqa: NPY002 (the next process has another one)
    runs.stop_after(3, tmp_path / "twice", experiment())  # type: ignore[arg-type]
    np.random.seed(6)  # noqa: NPY002
    train(experiment(), tmp_path / "twice", resume=True)  # type: ignore[arg-type]
    train(experiment(num_env_runners=2), tmp_path / "remote")  # type: ignore[arg-type]
    once = outcome(tmp_path / "once")
    assert outcome(tmp_path / "twice") == once
    assert outcome(tmp_path / "remote") == once
    rows = [row.split(",") for row in once["evaluations"].splitlines()]
    returns = [float(row[rows[0].index("return")]) for row in rows[1:]][-3:]
    assert evaluate_run(tmp_path / "once").returns == pytest.approx(returns, rel=1e-4)


@pytest.mark.parametrize("num_env_runners", [0, 1])
def test_a_word_on_success_that_says_nothing_is_told_once_and_ends_nothing(
    tmp_path: Path, num_env_runners: int
) -> None:
    for name, told in (("TextSuccess", "is of type str"), ("NaNSuccess", "is of type float")):
        task = ODD.format(name)
        data = collect_dataset(get_task(task), steps=100, out=tmp_path / f"{name}.hdf5")
        watcher = runs.Watcher()
        experiment = spec(data, online_steps=120, task=task, overrides=FEW, num_env_runners=num_env_runners)
        train(experiment, tmp_path / name, reporter=watcher)
        (notice,) = [text for text in watcher.messages if "Success is not recorded" in text]
        assert told in notice
        assert not any("success" in key for record in runs.metrics(tmp_path / name) for key in record)
