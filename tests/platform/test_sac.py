"""Stand-ins for medium data: SAC trained, kept, continued, and its data in D4RL's layout."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.platform.dataset_files import pendulum_rewards
from vitamin.errors import DatasetError, SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import cached_path, collect_dataset, dataset_label, read_dataset
from vitamin.platform.datasets.collect import usual_policy
from vitamin.platform.datasets.sac import Recipe

PENDULUM = get_task("Pendulum-v1")
ALWAYS, NEVER = -3000.0, 1.0
STEPS = 230  # an episode has 200


def recipe(goal: float, budget: int = STEPS) -> Recipe:
    return Recipe(
        target_return=goal, max_train_steps=budget, evaluation_interval=STEPS, evaluation_episodes=1
    )


def arrays(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


def forget(_: str) -> None:
    pass


def medium(out: Path, seed: int = 3, report: Callable[[str], None] = forget) -> dict[str, Any]:
    options = {"steps": 420, "seed": seed, "out": out, "report": report}
    return arrays(collect_dataset(PENDULUM, policy="medium", recipe=recipe(ALWAYS), **options))


def replay(out: Path, seed: int = 3) -> dict[str, Any]:
    options = {"seed": seed, "out": out, "recipe": recipe(ALWAYS)}
    return arrays(collect_dataset(PENDULUM, policy="medium-replay", **options))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(folder))
    return folder


def test_one_training_gives_medium_and_replay(cache: Path, tmp_path: Path) -> None:
    reports: list[str] = []
    first = medium(tmp_path / "medium.hdf5", report=reports.append)
    assert [text.split(":")[0] for text in reports] == [reports[0].split(":")[0], f"{STEPS} steps"]
    assert str(cache / "sac" / "Pendulum-v1-seed3") in reports[0]
    again = medium(tmp_path / "again.hdf5", report=reports.append)
    assert len(reports) == 2  # the agent was there
    whole = replay(tmp_path / "replay.hdf5")
    for name in first:
        assert_array_equal(first[name], again[name])

    for data, steps, ends in ((first, 420, [199, 399]), (whole, STEPS, [199])):
        assert {name: (array.dtype.name, len(array)) for name, array in data.items()} == {
            **dict.fromkeys(("observations", "next_observations", "actions", "rewards"), ("float32", steps)),
            **dict.fromkeys(("terminals", "timeouts"), ("bool", steps)),
        }
        assert_array_equal(np.flatnonzero(data["timeouts"]), ends)
        assert not data["terminals"].any()
        assert 1 < np.abs(data["actions"]).max() <= 2  # in the environment's units
        assert_allclose(data["rewards"], pendulum_rewards(data["observations"], data["actions"]), atol=1e-3)
        inside = np.setdiff1d(np.arange(steps - 1), ends)
        assert_array_equal(data["next_observations"][inside], data["observations"][inside + 1])
        assert (data["next_observations"][ends] != data["observations"][np.add(ends, 1)]).any()

    (_, mean_return), *more = json.loads((cache / "sac/Pendulum-v1-seed3/training.json").read_text())[
        "evaluations"
    ]
    assert more == []
    words = f"SAC stopped at mean return {mean_return:.1f} in Pendulum-v1"
    assert dataset_label(tmp_path / "medium.hdf5") == f"stand-in: {words}"
    assert dataset_label(tmp_path / "replay.hdf5") == f"stand-in: replay of {words}"
    assert read_dataset(tmp_path / "replay.hdf5", PENDULUM).clipped_actions == 0


@pytest.mark.usefixtures("cache")
def test_equal_seeds_give_equal_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for number in range(2):
        monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / f"cache{number}"))
        files.append(replay(tmp_path / f"{number}.hdf5"))
    for name in ("observations", "actions", "rewards"):
        assert_array_equal(files[0][name], files[1][name])


def test_a_training_that_falls_short_is_kept_and_goes_on(cache: Path, tmp_path: Path) -> None:
    def collect(goal: float, budget: int, out: str) -> Path:
        settings = recipe(goal, budget)
        return collect_dataset(PENDULUM, policy="medium-replay", recipe=settings, out=tmp_path / out)

    with pytest.raises(DatasetError) as caught:
        collect(NEVER, STEPS, "never.hdf5")
    folder = cache / "sac" / "Pendulum-v1-seed0"
    for words in (
        "did not reach a mean return of 1.0 (normalized score 113.9) in Pendulum-v1 within 230 steps",
        f"kept in {folder}: the same command with a larger --max-train-steps",
        "with --target-return=-",
    ):
        assert words in str(caught.value)
    assert not (tmp_path / "never.hdf5").exists()

    best = float(str(caught.value).split("--target-return=")[1].split()[0])
    taken = arrays(collect(best, STEPS, "best.hdf5"))
    with pytest.raises(DatasetError, match="within 260 steps"):
        collect(NEVER, 260, "never.hdf5")
    with np.load(folder / "replay-00000230.npz") as before, np.load(folder / "replay-00000260.npz") as after:
        assert_array_equal(np.flatnonzero(before["timeouts"]), [199, 229])  # the interruption ends an episode
        assert len(after["rewards"]) == 30
        torques = 2 * after["actions"]  # kept as the agent gave them
        assert_allclose(after["rewards"], pendulum_rewards(after["observations"], torques), atol=1e-3)
        assert_array_equal(before["observations"], taken["observations"])
    assert len(arrays(collect(best, 260, "again.hdf5"))["rewards"]) == STEPS  # the first that was as good
    assert list(folder.glob("*.part")) == []


def test_a_damaged_training_is_named(cache: Path, tmp_path: Path) -> None:
    folder = cache / "sac" / "Pendulum-v1-seed3"
    folder.mkdir(parents=True)
    (folder / "training.json").write_text("{")
    with pytest.raises(DatasetError, match=r"seed3 cannot be read .* Delete the folder"):
        replay(tmp_path / "replay.hdf5")


@pytest.mark.usefixtures("cache")
def test_what_is_missing_is_said_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    hopper = get_task("Hopper-v4")
    with pytest.raises(SettingsError, match=r"Hopper-v4 has no reference scores: say with --target-return"):
        collect_dataset(hopper, policy="medium-replay")
    both = Recipe(target_score=30, target_return=1000)
    with pytest.raises(SettingsError, match="exclude each other"):
        collect_dataset(hopper, policy="medium-replay", recipe=both)
    with pytest.raises(SettingsError, match="medium needs a number of steps"):
        collect_dataset(PENDULUM, policy="medium")
    with pytest.raises(SettingsError, match="--max-train-steps bounds it"):
        collect_dataset(PENDULUM, policy="medium-replay", steps=100)
    with pytest.raises(DatasetError, match="stands for data of kind random"):
        collect_dataset(get_task("hopper-random-v2"), policy="medium", steps=100)
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(SettingsError, match=r'pip install "vitamin\[sac\]"'):
        collect_dataset(PENDULUM, policy="medium-replay")


def test_the_goal_is_a_share_of_the_expert_s_score() -> None:
    hopper = get_task("hopper-medium-v2")
    assert hopper.normalized_score(Recipe().goal(hopper)) == pytest.approx(33)
    assert hopper.normalized_score(Recipe(target_score=50).goal(hopper)) == pytest.approx(50)
    assert Recipe(target_return=1100).goal(hopper) == 1100


def test_what_stands_in_for_a_task_s_data(cache: Path) -> None:
    for kind in ("random", "medium", "medium-replay"):
        task = get_task(f"hopper-{kind}-v2")
        assert usual_policy(task) == kind
        assert cached_path(task).parent == cache
    assert usual_policy(PENDULUM) == "random"
    with pytest.raises(DatasetError, match=r"of kind expert, which cannot be made here.*vitamin data fetch"):
        usual_policy(get_task("pen-expert-v1"))
