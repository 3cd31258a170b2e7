"""Target returns and the scale of returns-to-go of tasks that nobody has tuned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from vitamin import TD3ODTConfig
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset, load_dataset
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.sweeps import SweepSpec, make_plan, read_data
from vitamin.platform.tasks import Task
from vitamin.platform.tasks.presets import left_to_data, settings_from_data

OWN = Task("own", "gymnasium", "Own-v0")
NAMES = ("eval_target_return", "online_target_return", "return_scale")
CORRIDOR = "tests.platform.own_environments:Corridor-v0"


def episodes(*returns: float, length: int = 4) -> Trajectories:
    """An episode of ``length`` steps for each return."""
    steps = len(returns) * length
    observations = np.zeros((steps, 2), np.float32)
    return Trajectories(
        observations=observations,
        actions=np.zeros((steps, 1), np.float32),
        rewards=np.repeat(np.float32(returns) / np.float32(length), length),
        next_observations=observations,
        terminals=np.zeros(steps, bool),
        offsets=np.arange(len(returns) + 1) * length,
    )


def derived(*returns: float, **overrides: Any) -> dict[str, float]:
    return settings_from_data(OWN, "td3_odt", "small", overrides, lambda: episodes(*returns))


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ((3600, 1200), (3600, 4800, 1e-3)),
        ((-1200, -300), (-300, 150, 1e-3)),
        ((0.5, 0.25), (0.5, 0.625, 10)),
        ((1000,), (1000, 1000, 1e-3)),
        ((999.9, 0), (999.9, 1500, 1e-2)),
        ((0, 0), (0, 0, 1)),
        ((123.456, 123.456), (123.5, 123.5, 1e-2)),
    ],
)
def test_best_return_margin_over_the_mean_and_a_power_of_ten(
    returns: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    assert derived(*returns) == pytest.approx(dict(zip(NAMES, expected, strict=True)), rel=1e-3)


def test_returns_are_those_of_shifted_and_divided_rewards() -> None:
    # Episodes of 4 steps: 10 + 4 * 5 and 30 + 4 * 5, divided by 10.
    assert derived(10, 30, reward_shift=5, reward_divisor=10) == pytest.approx(
        dict(zip(NAMES, (5, 6, 1), strict=True))
    )


def test_what_somebody_has_set_stays() -> None:
    assert derived(100, 300, eval_target_return=4000) == {"online_target_return": 4100, "return_scale": 1e-3}
    assert derived(100, 300, online_target_return=7, return_scale=0.5) == {"eval_target_return": 300}
    assert left_to_data(OWN, "odt", "paper", dict.fromkeys(NAMES, 1)) == ()
    for name in ("hopper-medium-v2", "Pendulum-v1"):
        assert left_to_data(get_task(name), "td3_odt", "paper", {}) == ()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect_dataset(get_task(CORRIDOR), steps=400, out=tmp_path_factory.mktemp("data") / "own.hdf5")


@pytest.fixture(scope="module")
def expected(data: Path) -> dict[str, float]:
    task = get_task(CORRIDOR)
    found = settings_from_data(task, "td3_odt", "tiny", {}, lambda: load_dataset(data, task))
    assert tuple(found) == NAMES
    assert found.items().isdisjoint(Hyperparameters().model_dump().items())
    return found


def test_a_specification_holds_them_as_numbers_and_so_does_its_config(
    data: Path, expected: dict[str, float], tmp_path: Path
) -> None:
    task = get_task(CORRIDOR)
    spec = ExperimentSpec.create(task=CORRIDOR, preset="tiny", overrides={"tau": 0.1})
    filled = spec.with_data(lambda: load_dataset(data, task))
    assert filled.overrides == {"tau": 0.1} | expected
    assert filled.with_data(pytest.fail) == filled

    # A value that happens to be the default is as fixed as any other.
    filled = filled.model_copy(update={"overrides": filled.overrides | {"return_scale": 0.001}})
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(filled.resolved()))
    assert read_config(tmp_path / "config.yaml").with_data(pytest.fail).resolved() == filled.resolved()


def test_a_sweep_holds_them_too(data: Path, expected: dict[str, float]) -> None:
    entries = {
        "name": "s",
        "tasks": [CORRIDOR, "Pendulum-v1"],
        "methods": ["odt"],
        "seeds": 2,
        "preset": "tiny",
    }
    axes = {"reward_divisor": {"values": [1, 10], "tasks": [CORRIDOR]}}
    pendulum = collect_dataset(get_task("Pendulum-v1"), steps=400, out=data.with_name("pendulum.hdf5"))
    plan = make_plan(SweepSpec(**entries, axes=axes, data={CORRIDOR: data, "Pendulum-v1": pendulum}))
    filled = read_data(plan)
    assert [trial.name for trial in filled.trials] == [trial.name for trial in plan.trials]
    one, tenth, registered, *_ = (trial.experiment.overrides for trial in filled.trials)
    assert one == {"reward_divisor": 1} | expected
    assert tenth["eval_target_return"] == pytest.approx(expected["eval_target_return"] / 10, rel=1e-3)
    assert registered == {}


def test_from_python_whatever_comes_first(data: Path, expected: dict[str, float]) -> None:
    config = TD3ODTConfig().environment(CORRIDOR, data=data, preset="tiny")
    assert {name: getattr(config, name) for name in NAMES} == expected
    config.training(eval_target_return=50.0, return_scale={"grid_search": [0.1, 1]})
    margin = expected["online_target_return"] - expected["eval_target_return"]
    assert config.online_target_return == pytest.approx(50 + margin, abs=0.02)
    assert config.return_scale == {"grid_search": [0.1, 1]}

    own = episodes(20, 40)
    config = TD3ODTConfig().offline_data(dataset_loader=lambda: own).environment(CORRIDOR)
    assert [getattr(config, name) for name in NAMES] == [40, 50, 0.1]
    assert config.offline_data(dataset_loader=lambda: episodes(2, 4)).eval_target_return == 4
