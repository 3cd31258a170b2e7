"""Collecting in environments with mistakes, and with numbers that make no sense: nothing wrong is written anywhere."""

import math
import random
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.cli.command import vitamin
from tests.platform.agent_runs import make_run
from vitamin.errors import DatasetError, EnvironmentFailure, SettingsError
from vitamin.platform import room
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset, load_dataset
from vitamin.platform.datasets.collect import write_stand_in
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.datasets.sac import Recipe
from vitamin.platform.experiments.collect import collect_from_agent
from vitamin.platform.experiments.evaluate import load_agent

ODD = "tests.platform.odd_environments:{}-v0"
SOUND, PENDULUM = get_task(ODD.format("Sound")), get_task("Pendulum-v1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(folder))
    return folder


def arrays(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_an_environment_may_write_to_what_it_gets_and_gave(tmp_path: Path) -> None:
    careful = arrays(collect_dataset(SOUND, steps=100, out=tmp_path / "sound.hdf5"))
    careless = arrays(
        collect_dataset(get_task(ODD.format("Scales")), steps=100, out=tmp_path / "scales.hdf5")
    )
    for name in careful:
        assert_array_equal(careless[name], careful[name], err_msg=name)
    assert np.abs(careful["actions"]).max() > 0.9


def test_sac_s_environments_may_too(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    recipe = Recipe(target_return=-1e9, max_train_steps=130, evaluation_interval=130, evaluation_episodes=1)
    careful, careless = (
        arrays(
            collect_dataset(
                get_task(ODD.format(name)),
                policy="medium-replay",
                recipe=recipe,
                out=tmp_path / f"{name}.hdf5",
            )
        )
        for name in ("Sound", "Scales")
    )
    for name in careful:
        assert_array_equal(careless[name], careful[name], err_msg=name)


def test_rewards_may_be_arrays_of_one_element(tmp_path: Path) -> None:
    path = collect_dataset(get_task(ODD.format("RewardArray")), steps=60, out=tmp_path / "data.hdf5")
    assert_array_equal(arrays(path)["rewards"], np.ones(60))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NotFinite", r"an observation that is not finite: \[nan, nan\] \(at step 7 of its episode\)"),
        ("InfiniteReward", r"the reward 1e\+39 \(at step 7 of its episode\)"),
        ("RewardMatrix", "which is not one number"),
    ],
)
def test_what_an_environment_does_wrong_is_said_and_installed_nowhere(
    cache: Path, tmp_path: Path, name: str, message: str
) -> None:
    task = get_task(ODD.format(name))
    for out in (None, tmp_path / "data.hdf5"):
        with pytest.raises(EnvironmentFailure, match=message):
            collect_dataset(task, steps=100, out=out)
    if name != "RewardMatrix":
        make_run(tmp_path / "run", task=task.name)
        with pytest.raises(EnvironmentFailure, match=message):
            collect_from_agent(load_agent(tmp_path / "run"), task, steps=10)
        pytest.importorskip("stable_baselines3")
        with pytest.raises(EnvironmentFailure, match=message):
            collect_dataset(
                task, policy="medium-replay", recipe=Recipe(target_return=0.0, max_train_steps=130)
            )
    assert not files(cache)
    assert not (tmp_path / "data.hdf5").exists()


def test_values_that_are_not_finite_are_not_written_whoever_made_them(cache: Path) -> None:
    steps = np.zeros((20, 2), np.float32)
    actions = np.where(np.arange(40).reshape(20, 2) == 7, np.nan, steps)
    ends = np.arange(20) == 19
    raw = RawDataset(steps, actions, np.zeros(20), np.zeros(20, bool), ends, steps)
    with pytest.raises(DatasetError, match=r"not written\. .* actions holds 1 NaN .* first at step 3"):
        write_stand_in(cache / "data.hdf5", raw, SOUND, {"algorithm": "test"})
    assert not files(cache)


def test_global_generators_are_keyed_and_left_alone(tmp_path: Path) -> None:
    task = get_task(ODD.format("Draws"))
    made = []
    for number in range(2):
        state = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        path = collect_dataset(task, steps=100, seed=3, out=tmp_path / f"{number}.hdf5")
        made.append(load_dataset(path, task))
        assert state == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]  # noqa: NPY002
        np.random.random(5)  # noqa: NPY002
    assert_array_equal(made[0].observations, made[1].observations)
    other = load_dataset(collect_dataset(task, steps=100, seed=4, out=tmp_path / "other.hdf5"), task)
    assert not np.array_equal(made[0].observations, other.observations)


@pytest.mark.parametrize("steps", [0, -1, 10**12, 10**40])
def test_steps_that_are_none_or_do_not_fit(tmp_path: Path, steps: int) -> None:
    message = (
        "steps are no data" if steps < 1 else r"GB of memory, of which this machine has .* Ask for fewer"
    )
    make_run(tmp_path / "run")
    with pytest.raises(SettingsError, match=message):
        collect_dataset(PENDULUM, steps=steps)
    with pytest.raises(SettingsError, match=message):
        collect_from_agent(load_agent(tmp_path / "run"), PENDULUM, steps=steps)
    arguments = ["data", "collect", "Pendulum-v1", "--policy", "random", "--steps", steps]
    vitamin(*arguments, code=2 if steps < 1 else 1)


def test_steps_that_do_not_fit_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "machine_memory", lambda: 10**20)
    with pytest.raises(
        SettingsError, match=r"take up to 58,000,000\.0 GB on the disk of .*, which has .* GB free"
    ):
        collect_dataset(PENDULUM, steps=10**15, out=tmp_path / "data.hdf5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_score": float("nan")}, "--target-score must be a finite number, not nan"),
        ({"target_score": float("inf")}, "--target-score must be a finite number, not inf"),
        ({"target_return": float("nan")}, "--target-return must be a finite number, not nan"),
        ({"max_train_steps": 0}, "--max-train-steps must be 1 at least"),
        ({"max_train_steps": 10**12}, "1000000000000 training steps in Pendulum-v1 take .* GB of memory"),
    ],
)
def test_trainings_that_could_not_end(options: dict[str, float], message: str) -> None:
    pytest.importorskip("stable_baselines3")
    with pytest.raises(SettingsError, match=message):
        collect_dataset(PENDULUM, policy="medium-replay", recipe=Recipe(**options))  # type: ignore[arg-type]
    name = next(iter(options))
    arguments = ["data", "collect", "Pendulum-v1", "--policy", "medium-replay"]
    value = options[name]
    vitamin(*arguments, f"--{name.replace('_', '-')}={value}", code=2 if value == 0 else 1)


@pytest.mark.parametrize("seed", [-1, 2**31, 2**64, 10**30])
def test_seeds_out_of_range(tmp_path: Path, seed: int) -> None:
    make_run(tmp_path / "run")
    for command in (
        ["train", "Pendulum-v1"],
        ["data", "collect", "Pendulum-v1", "--steps", 200],
        ["evaluate", tmp_path / "run"],
    ):
        answer = vitamin(*command, f"--seed={seed}", code=2)
        assert "Invalid value for '--seed'" in answer.stderr
        assert ("2147483647" in answer.stderr) == (seed > 0)
    with pytest.raises(SettingsError, match="A seed is an integer from 0 to 2147483647"):
        collect_dataset(PENDULUM, steps=200, seed=seed)


def test_other_numbers_that_make_no_sense(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    for value in ("nan", "inf", "-inf"):
        evaluated = vitamin("evaluate", tmp_path / "run", f"--target-return={value}", code=1)
        assert f"A target return must be a finite number, not {value}" in evaluated.stderr
        policy = ["data", "collect", "Pendulum-v1", "--policy", tmp_path / "run", "--steps", 100]
        assert "must be a finite number" in vitamin(*policy, f"--return-to-go={value}", code=1).stderr
    for noise in (math.nan, math.inf, -1.0):
        with pytest.raises(SettingsError, match="Noise must be a finite number"):
            collect_from_agent(load_agent(tmp_path / "run"), PENDULUM, steps=100, noise=noise)
