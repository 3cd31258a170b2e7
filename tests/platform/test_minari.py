"""Minari datasets, made locally and read back."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import gymnasium
import h5py
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from numpy.testing import assert_array_equal
from typer.testing import CliRunner

from tests.platform.dataset_files import toy_arrays, write_file
from tests.platform.minari_datasets import LENGTHS, create
from vitamin.errors import DatasetError, TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.cli import app
from vitamin.platform.datasets import (
    dataset_label,
    dataset_path,
    import_dataset,
    inspect_dataset,
    load_dataset,
)
from vitamin.platform.datasets.minari_read import converted_path, fetch_minari, minari_path
from vitamin.platform.environments import make_environment
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.tasks import task_names
from vitamin.platform.tasks.minari import counterpart, minari_id
from vitamin.platform.tasks.registry_files import minari_file

NAME = "me/pendulum/noise-v0"
SOURCE = f"minari:{NAME}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "minari"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "300")
    return folder


def vitamin(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + str(result.exception)
    assert "Traceback" not in result.output
    return result.output


def test_episodes_become_rows_with_exact_next_observations() -> None:
    episodes = create(NAME)
    with h5py.File(minari_path(SOURCE)) as file:
        stored = {name: file[name][()] for name in file}
    assert_array_equal(stored["observations"], np.concatenate([e.observations[:-1] for e in episodes]))
    assert_array_equal(stored["next_observations"], np.concatenate([e.observations[1:] for e in episodes]))
    assert_array_equal(stored["actions"], np.concatenate([e.actions for e in episodes]))
    assert_array_equal(stored["rewards"], np.concatenate([e.rewards for e in episodes]))
    assert_array_equal(np.flatnonzero(stored["terminals"]), [3])
    assert_array_equal(np.flatnonzero(stored["timeouts"]), [4, 10])  # an end without a flag counts as cut off
    assert {name: str(stored[name].dtype) for name in ("actions", "rewards", "terminals")} == {
        "actions": "float32",
        "rewards": "float64",
        "terminals": "bool",
    }


def test_a_converted_dataset_is_trained_on_as_any_file() -> None:
    episodes = create(NAME)
    task = get_task("Pendulum-v1")
    path = dataset_path(task, SOURCE)
    trajectories = load_dataset(path, task)
    assert_array_equal(trajectories.lengths, LENGTHS)
    np.testing.assert_allclose(
        trajectories.actions, np.concatenate([e.actions for e in episodes]) / 2, atol=1e-7
    )
    assert dataset_label(path) == f"Minari {NAME}"
    assert ExperimentSpec.create(task="Pendulum-v1", data=SOURCE).data == SOURCE
    assert vitamin("data", "inspect", SOURCE, "--task", "Pendulum-v1").count("noise-v0.hdf5") == 2


def test_a_dataset_raises_no_doubt_as_the_task_that_it_is() -> None:
    create(NAME)
    assert inspect_dataset(minari_path(SOURCE), get_task(SOURCE)).warnings == ()


def test_conversion_happens_once_and_gives_the_same_bytes(folder: Path) -> None:
    create(NAME)
    path = minari_path(SOURCE)
    before, bytes_before = path.stat().st_mtime_ns, path.read_bytes()
    assert minari_path(SOURCE).stat().st_mtime_ns == before
    path.unlink()
    assert minari_path(SOURCE).read_bytes() == bytes_before
    shutil.rmtree(folder / NAME)
    assert minari_path(SOURCE) == path  # the file stands for itself
    create(NAME, seed=1)
    assert minari_path(SOURCE).read_bytes() != bytes_before


def test_attributes_say_where_the_data_come_from() -> None:
    create(NAME)
    with h5py.File(minari_path(SOURCE)) as file:
        attributes = dict(file.attrs)
    assert attributes["minari_dataset"] == NAME
    assert attributes["minari_version"] == "0.5.4"
    assert '"Pendulum-v1"' in attributes["minari_environment"]
    assert attributes["action_space"] == "Box(-2.0, 2.0, (1,), float32)"
    assert attributes["algorithm_name"] == "noise"
    assert attributes["author"] == "tests"


def test_an_unfinished_last_episode_stays_unfinished() -> None:
    create(NAME, ends=("terminated", "truncated", ""))
    report = inspect_dataset(minari_path(SOURCE))
    assert (report.trajectories, report.steps, report.dropped_steps) == (2, 5, 6)


def test_a_dataset_is_a_task_with_the_environment_it_names() -> None:
    create(NAME)
    task = get_task(SOURCE)
    assert (task.observation_size, task.action_size, task.max_episode_steps) == (3, 1, 200)
    assert dataset_path(task, None) == converted_path(SOURCE)
    assert load_dataset(dataset_path(task, None), task).num_steps == sum(LENGTHS)
    env, plain = make_environment(task), make_environment(get_task("Pendulum-v1"))
    assert_array_equal(env.reset(seed=5)[0], plain.reset(seed=5)[0])
    for _ in range(199):
        assert not env.step(np.array([0.3], np.float32))[3]
    assert env.step(np.array([0.3], np.float32))[3]


def test_a_dataset_of_an_environment_without_a_time_limit_is_no_task() -> None:
    gymnasium.register("Endless-v0", entry_point="gymnasium.envs.classic_control:PendulumEnv")
    try:
        create("me/endless-v0", "Endless-v0")
        with pytest.raises(TaskError, match="minari:me/endless-v0 has no time limit"):
            get_task("minari:me/endless-v0")
    finally:
        del gymnasium.registry["Endless-v0"]


def test_dictionaries_are_laid_out_as_gymnasium_flattens_them() -> None:
    episodes = create("me/goal-v0", "MinariGoal-v0")
    task = get_task("minari:me/goal-v0")
    trajectories = load_dataset(dataset_path(task, None), task)
    parts = ("achieved_goal", "desired_goal", "observation")
    expected = [np.concatenate([e.observations[name][:-1] for name in parts], axis=1) for e in episodes]
    assert_array_equal(trajectories.observations, np.concatenate(expected))
    assert_array_equal(make_environment(task).reset(seed=0)[0], [2, 2, 3, 3, 1, 1, 1])
    with pytest.raises(
        DatasetError, match=r"7 wide.*Pendulum-v1.*achieved_goal 2, desired_goal 2, observation 3"
    ):
        load_dataset(minari_path("minari:me/goal-v0"), get_task("Pendulum-v1"))


def test_a_dataset_without_environment_is_no_task() -> None:
    create(NAME, None)
    assert minari_path(SOURCE).is_file()
    with pytest.raises(
        TaskError, match=r"does not say which environment.*--data minari:me/pendulum/noise-v0"
    ):
        get_task(SOURCE)


@pytest.mark.parametrize("space", [Discrete(3), Box(0, 255, (8, 8, 3), np.uint8)])
def test_other_spaces_are_refused(space: object) -> None:
    which = "action_space" if isinstance(space, Discrete) else "observation_space"
    create(NAME, **{which: space})
    with pytest.raises(DatasetError, match=r"supported are one-dimensional Box spaces"):
        minari_path(SOURCE)


def test_ids_that_do_not_exist_or_are_none() -> None:
    create(NAME)
    with pytest.raises(
        DatasetError, match=r"no Minari dataset me/pendulum/nose-v0 in .*Did you mean me/pendulum/noise-v0"
    ):
        minari_path("minari:me/pendulum/nose-v0")
    assert "vitamin data fetch minari:some/thing-v3" in vitamin("train", "minari:some/thing-v3", code=1)
    for wrong in (
        "minari:hopper",
        "minari:",
        "minari:../../etc-v0",
        "minari:a//b-v0",
        "minari:x/y-v0",
        "minari:a b-v1",
    ):
        with pytest.raises(DatasetError, match="names no Minari dataset"):
            minari_id(wrong)


def test_fetching_needs_what_the_extra_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DatasetError, match=r'pip install "vitamin\[minari\]"'):
        fetch_minari("minari:mujoco/hopper/medium-v0")
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(DatasetError, match=r'pip install "vitamin\[minari\]"'):
        fetch_minari("minari:mujoco/hopper/medium-v0")


def test_what_a_server_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import minari

    def refuse(name: str, force_download: bool) -> None:
        raise ValueError(f"Couldn't find any version for dataset {name} in the remote Farama server.")

    monkeypatch.setattr(minari, "download_dataset", refuse)
    output = vitamin("data", "fetch", "minari:some/thing-v3", code=1)
    assert "Couldn't find any version for dataset some/thing-v3" in output
    assert "minari list remote" in output


def test_fetch_downloads_what_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    import minari

    monkeypatch.setattr(minari, "download_dataset", lambda name, force_download: create(name))
    assert f"holds {SOURCE} in D4RL's layout" in vitamin("data", "fetch", SOURCE)
    assert converted_path(SOURCE).is_file()
    assert "converted from" in vitamin("data", "list")


def test_the_registry_s_ids_belong_to_tasks() -> None:
    named = [task for family in minari_file().families for task in family.tasks]
    assert len(named) == len(set(named))
    assert set(named) <= set(task_names())
    assert {
        minari_id(f"minari:{name}") for family in minari_file().families for name in family.tasks.values()
    }


def test_nothing_stands_in_for_a_published_dataset_unasked(tmp_path: Path) -> None:
    task = get_task("hopper-medium-v2")
    nearest = counterpart(task)
    assert nearest is not None
    name, family = nearest
    spaces = {"observation_space": Box(-9, 9, (11,)), "action_space": Box(-1, 1, (3,))}
    create(name, None, **spaces)
    with pytest.raises(
        DatasetError, match=r"not the dataset of hopper-medium-v2.*v5.*\n.*--data minari:mujoco/hopper"
    ):
        import_dataset(f"minari:{name}", task)
    with pytest.raises(DatasetError, match=r"hopper-medium-v2 is not here"):
        dataset_path(task, None)
    label = dataset_label(dataset_path(task, f"minari:{name}"))
    assert label == "Minari mujoco/hopper/medium-v0, not D4RL's data: new data of the v5 environments"
    assert family.reason in vitamin("data", "inspect", f"minari:{name}")
    assert f"{name}, not D4RL's data" in vitamin("tasks", task.name)


def test_import_for_a_task_without_published_data() -> None:
    create(NAME)
    vitamin("data", "import", SOURCE, "--task", "Pendulum-v1")
    path = dataset_path(get_task("Pendulum-v1"), None)
    assert dataset_label(path) == f"Minari {NAME}"


def test_plain_files_need_no_minari(tmp_path: Path) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    program = "import sys; sys.modules['minari'] = None\nfrom vitamin.platform.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "data", "inspect", str(path)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_a_dataset_that_was_never_finished_is_not_its_own_replacement(folder: Path) -> None:
    (folder / "me/toy-v0/data").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"me/toy-v0 at .* was never finished: it holds no data") as caught:
        minari_path("minari:me/toy-v0")
    assert "did you mean" not in str(caught.value).lower()
    with pytest.raises(DatasetError, match="There is no Minari dataset me/toy-v1") as caught:
        minari_path("minari:me/toy-v1")
    assert "toy-v0" not in str(caught.value)
    (folder / "me/toy-v0/data/main_data.hdf5").write_bytes(b"half of it")
    (folder / "me/toy-v0/data/metadata.json").write_text('{"total_episodes": 0}')
    with pytest.raises(DatasetError, match="There is no Minari dataset me/toy-v1") as caught:
        minari_path("minari:me/toy-v1")
    assert "toy-v0" not in str(caught.value)
    with pytest.raises(DatasetError, match="it is damaged, or was never finished"):
        minari_path("minari:me/toy-v0")
