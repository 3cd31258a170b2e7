"""A run reads its data, and resolves its settings, once."""

import copy
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.testing import assert_array_equal

from tests.platform.runs import spec
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset, loading
from vitamin.platform.experiments import spec as spec_module
from vitamin.platform.experiments.offline_data import OfflineData
from vitamin.platform.experiments.train import train

PENDULUM = get_task("Pendulum-v1")
CORRIDOR = "tests.platform.own_environments:Corridor-v0"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect_dataset(PENDULUM, steps=600, out=tmp_path_factory.mktemp("data") / "data.hdf5")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a file was read and settings were resolved and validated."""
    counted: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            counted[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    counting(loading, "read_raw")
    counting(spec_module, "resolve_hyperparameters")
    return counted


def test_copies_share_what_was_read_until_it_is_handed_over(data: Path, calls: Counter[str]) -> None:
    offline = OfflineData(data, PENDULUM)
    read = offline.read().trajectories
    assert copy.deepcopy(offline)() is read
    assert calls["read_raw"] == 1
    again = offline()
    assert calls["read_raw"] == 2
    assert_array_equal(again.rewards, read.rewards)
    offline.read()
    offline.forget()
    offline.read()
    assert calls["read_raw"] == 4


def test_no_arrays_are_pickled(data: Path) -> None:
    offline = OfflineData(data, PENDULUM)
    read = offline.read().trajectories
    pickled = pickle.dumps(offline)
    assert len(pickled) < 1000
    assert_array_equal(pickle.loads(pickled)().rewards, read.rewards)


def test_settings_are_resolved_again_only_where_they_may_differ(data: Path, calls: Counter[str]) -> None:
    one = spec(data)
    assert one.hyperparameters() is one.hyperparameters()
    assert one.model_copy(update={"seed": 5}).hyperparameters() is one.hyperparameters()
    one.changes()
    one.resolved()
    one.check_capacity()
    assert calls["resolve_hyperparameters"] == 1
    other = one.model_copy(update={"overrides": one.overrides | {"tau": 0.25}})
    assert (other.hyperparameters().tau, calls["resolve_hyperparameters"]) == (0.25, 2)
    assert one.hyperparameters().tau != 0.25


@pytest.mark.ray
def test_a_run_reads_its_data_and_resolves_its_settings_once(calls: Counter[str], tmp_path: Path) -> None:
    data = collect_dataset(get_task(CORRIDOR), steps=200, out=tmp_path / "data.hdf5")
    one = spec(data, online_steps=100, task=CORRIDOR, overrides={"pretrain_updates": 8})
    assert one.open_to_data()  # nobody has set the targets: the data decide them before the run starts
    calls.clear()
    train(one, tmp_path / "run")
    assert calls == {"read_raw": 1, "resolve_hyperparameters": 1}
