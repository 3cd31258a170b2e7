"""Files that are not what their task expects: refused where it is certain, with a warning where it only looks so."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.platform.dataset_files import antmaze_arrays, maze2d_arrays, write_file
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import (
    collect_dataset,
    dataset_warnings,
    import_dataset,
    load_dataset,
    read_dataset,
)
from vitamin.platform.datasets.hdf5 import RawDataset, write_raw
from vitamin.platform.datasets.provenance import ENVIRONMENT_ATTRIBUTE, MINARI_ATTRIBUTE
from vitamin.platform.environments import make_raw_environment
from vitamin.platform.tasks import Task

NORMALIZED = "none that is registered"


@pytest.fixture(scope="session")
def recorded() -> dict[str, dict[str, Any]]:
    """A few episodes of uniform random actions in each locomotion environment."""
    return {
        name: _random_steps(get_task(f"{name}-random-v2")) for name in ("hopper", "halfcheetah", "walker2d")
    }


def _random_steps(task: Task, episodes: int = 6, limit: int = 60) -> dict[str, Any]:
    env = make_raw_environment(task)
    env.action_space.seed(0)
    rows: list[tuple[Any, ...]] = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=episode)
        for step in range(limit):
            action = env.action_space.sample()
            following, reward, terminated, _, _ = env.step(action)
            cut = step == limit - 1 and not terminated
            rows.append((observation, action, reward, terminated, cut, following))
            observation = following
            if terminated:
                break
    names = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def warnings(folder: Path, arrays: dict[str, Any], task: str, name: str = "mine.hdf5") -> tuple[str, ...]:
    return read_dataset(write_file(folder / name, arrays), get_task(task)).warnings


def _one_good_episode(recorded: dict[str, Any], reward: float = 4.0) -> dict[str, Any]:
    """A hopper that stands still in a state that was ``recorded`` and is paid, by default as a medium policy."""
    arrays = {column: np.repeat(values[:1], 400, axis=0) for column, values in recorded.items()}
    arrays["next_observations"] = arrays["observations"]
    return arrays | {"rewards": np.full(400, reward), "timeouts": np.arange(400) == 399}


def _walks(length: int, up_to: float) -> dict[str, Any]:
    """Three walks through an AntMaze that cover it, the second of which reaches a goal."""
    ends = [length - 1, 2 * length - 1]
    arrays = antmaze_arrays([length] * 3, timeouts=ends, goals=[2 * length - 2])
    arrays["observations"][:, 1] = np.linspace(-1, up_to, 3 * length)
    return arrays


@pytest.mark.parametrize("name", ["hopper", "halfcheetah", "walker2d"])
def test_real_data_raises_no_doubt(tmp_path: Path, recorded: dict[str, Any], name: str) -> None:
    assert warnings(tmp_path, recorded[name], f"{name}-random-v2") == ()


@pytest.mark.parametrize(("data", "task"), [("halfcheetah", "walker2d"), ("walker2d", "halfcheetah")])
def test_data_of_an_environment_of_the_same_widths_is_recognized(
    tmp_path: Path, recorded: dict[str, Any], data: str, task: str
) -> None:
    warning, *_ = warnings(tmp_path, recorded[data], f"{task}-random-v2")
    assert "observation 0 (height of the torso" in warning
    assert "is not within" in warning
    assert f"It fits {data}-" in warning


def test_normalized_observations_are_noticed(tmp_path: Path, recorded: dict[str, Any]) -> None:
    arrays = dict(recorded["hopper"])
    mean, std = arrays["observations"].mean(0), arrays["observations"].std(0)
    for name in ("observations", "next_observations"):
        arrays[name] = (arrays[name] - mean) / std
    (warning,) = warnings(tmp_path, arrays, "hopper-random-v2")
    assert "normalized" in warning
    assert f"fits {NORMALIZED}" in warning


def test_another_maze_s_data_is_recognized(tmp_path: Path) -> None:
    large = _walks(190, up_to=25)
    assert warnings(tmp_path, large, "antmaze-large-play-v2") == ()
    (warning,) = warnings(tmp_path, large, "antmaze-umaze-v2")
    assert "x, walls on both sides) is not within -2 to 10" in warning
    assert "fits antmaze-large" in warning
    small = _walks(48, up_to=9)
    assert warnings(tmp_path, small, "antmaze-umaze-v2") == ()
    (warning,) = warnings(tmp_path, small, "antmaze-large-play-v2")
    assert "covers 0." in warning
    assert "of -2 to 38 only" in warning
    point = maze2d_arrays(waypoints=[99], steps=300)
    assert warnings(tmp_path, point, "maze2d-umaze-v1") == ()
    (warning,) = warnings(tmp_path, point, "maze2d-large-v1")
    assert "fits maze2d-umaze-v1" in warning


@pytest.mark.parametrize(
    ("shift", "factor"), [(0, 1e-3), (0, 0.1), (0, 100), (-50, 1)], ids=["/1000", "/10", "x100", "-50"]
)
def test_rewards_that_were_changed_are_noticed(
    tmp_path: Path, recorded: dict[str, Any], shift: float, factor: float
) -> None:
    arrays = recorded["hopper"] | {"rewards": (recorded["hopper"]["rewards"] + shift) * factor}
    (warning,) = warnings(tmp_path, arrays, "hopper-random-v2")
    assert "were they scaled, shifted or delayed already?" in warning
    assert "1 for being healthy" in warning


@pytest.mark.parametrize(("kind", "reward"), [("medium", 4.0), ("medium-replay", 1.3)])
def test_data_of_another_kind_is_noticed(
    tmp_path: Path, recorded: dict[str, Any], kind: str, reward: float
) -> None:
    (warning,) = warnings(tmp_path, recorded["hopper"], f"hopper-{kind}-v2")
    assert f"{kind} data " in warning
    assert "data of another kind, or were its rewards scaled" in warning
    better = _one_good_episode(recorded["hopper"], reward)
    assert warnings(tmp_path, better, f"hopper-{kind}-v2", "better.hdf5") == ()
    (warning,) = warnings(tmp_path, better, "hopper-random-v2", "better.hdf5")
    assert "random data -3 to 5 (D4RL's file: 1)" in warning


def test_rewards_paid_at_the_end_are_noticed(tmp_path: Path, recorded: dict[str, Any]) -> None:
    good = _one_good_episode(recorded["hopper"])
    late = good | {"rewards": np.where(np.arange(400) == 399, 1600.0, 0.0)}
    (warning,) = warnings(tmp_path, late, "hopper-medium-v2")
    assert "scaled, shifted or delayed already?" in warning


def test_expert_data_scores_as_an_expert(tmp_path: Path) -> None:
    door = get_task("door-expert-v1")
    arrays: dict[str, Any] = {
        "observations": np.zeros((200, 39)),
        "actions": np.zeros((200, 28)),
        "rewards": np.where(np.arange(200) < 160, 0.0, 20.0),
        "terminals": np.zeros(200, bool),
        "timeouts": np.arange(200) == 199,
    }
    (warning,) = warnings(tmp_path, arrays, door.name)
    assert "mean normalized score of 29.2, expert data 70 to 160" in warning
    assert warnings(tmp_path, arrays, "door-human-v1", "human.hdf5") == ()


def test_demonstrations_whose_rewards_were_halved_are_noticed(tmp_path: Path) -> None:
    door = get_task("door-human-v1")
    rewards = np.linspace(-0.3, 20, 60)
    arrays: dict[str, Any] = {
        "observations": np.zeros((60, 39)),
        "actions": np.zeros((60, 28)),
        "rewards": rewards,
        "terminals": np.zeros(60, bool),
        "timeouts": np.arange(60) % 20 == 19,
    }
    assert not any("scaled" in warning for warning in warnings(tmp_path, arrays, door.name))
    halved = warnings(tmp_path, arrays | {"rewards": rewards / 2}, door.name, "halved.hdf5")
    assert "rewards are from -0.15 to 10, " in halved[-1]


def test_sparse_rewards_that_were_shifted_are_noticed(tmp_path: Path) -> None:
    arrays = _walks(48, up_to=9)
    (warning,) = warnings(tmp_path, arrays | {"rewards": arrays["rewards"] - 1}, "antmaze-umaze-v2")
    assert "rewards are from -1 to 0, " in warning
    assert "from 0 to 1" in warning


@pytest.mark.parametrize(
    ("file", "task", "warning"),
    [
        ("hopper_medium-v2.hdf5", "hopper-medium-v2", None),
        ("anything-v7.hdf5", "hopper-medium-v2", None),
        ("my_hopper_v2.hdf5", "hopper-medium-v2", None),
        ("hopper_medium-v1.hdf5", "hopper-medium-v2", "speaks of v1"),
        ("hopper_medium.hdf5", "hopper-medium-v2", "speaks of v0"),
        ("hopper_random-v2.hdf5", "hopper-medium-v2", "the name of hopper-random-v2's file"),
        ("hopper_expert-v2.hdf5", "hopper-medium-v2", "speaks of expert data"),
        ("hopper_medium_expert-v2.hdf5", "hopper-medium-v2", "speaks of medium-expert data"),
        ("hopper_medium_replay-v2.hdf5", "hopper-medium-v2", "the name of hopper-medium-replay-v2's file"),
    ],
)
def test_file_names_tell_versions_and_kinds(
    tmp_path: Path, recorded: dict[str, Any], file: str, task: str, warning: str | None
) -> None:
    found = warnings(tmp_path, _one_good_episode(recorded["hopper"]), task, file)
    assert len(found) == (warning is not None)
    assert warning is None or warning in found[0]


def test_file_names_of_other_suites_tell_versions(tmp_path: Path) -> None:
    point = maze2d_arrays(waypoints=[99], steps=300)
    (warning,) = warnings(tmp_path, point, "maze2d-umaze-v1", "maze2d-umaze-sparse.hdf5")
    assert "speaks of v0" in warning
    name = get_task("antmaze-umaze-v0").dataset_file
    assert name is not None
    (warning,) = warnings(tmp_path, _walks(48, up_to=9), "antmaze-umaze-v2", name)
    assert "the name of antmaze-umaze-v0's file" in warning


def test_an_imported_file_keeps_the_doubt_about_its_name(
    tmp_path: Path, recorded: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))
    task = get_task("hopper-medium-v2")
    file = write_file(tmp_path / "hopper_medium-v0.hdf5", _one_good_episode(recorded["hopper"]))
    (warning,) = read_dataset(import_dataset(file, task), task).warnings
    assert "speaks of v0" in warning


def test_the_environment_that_a_minari_dataset_names_counts(tmp_path: Path, recorded: dict[str, Any]) -> None:
    hopper = get_task("hopper-random-v2")
    for env_id, warned in (("Hopper-v4", False), ("Hopper-v5", True)):
        about = {MINARI_ATTRIBUTE: "me/h", ENVIRONMENT_ATTRIBUTE: json.dumps({"id": env_id})}
        write_raw(tmp_path / "h.hdf5", RawDataset(**recorded["hopper"]), about)
        found = read_dataset(tmp_path / "h.hdf5", hopper).warnings
        assert found == (
            ("it was made in Hopper-v5, whose rewards and terminations may differ from Hopper-v4's",)
            if warned
            else ()
        )


def test_minari_s_versions_are_its_own(tmp_path: Path, recorded: dict[str, Any]) -> None:
    path = tmp_path / "me" / "hopper-v0.hdf5"
    path.parent.mkdir()
    for attributes, warned in (({}, True), ({MINARI_ATTRIBUTE: "me/hopper-v0"}, False)):
        write_raw(path, RawDataset(**recorded["hopper"]), attributes)
        warnings = read_dataset(path, get_task("hopper-random-v2")).warnings
        assert any("speaks of v0" in warning for warning in warnings) == warned


def _stated(path: Path, arrays: dict[str, Any], task: str) -> Path:
    attributes = {"stand_in": True, "task": task, "environment": get_task(task).env_id}
    write_raw(path, RawDataset(**arrays), attributes)
    return path


def test_what_a_file_says_of_itself_is_believed(tmp_path: Path, recorded: dict[str, Any]) -> None:
    path = _stated(tmp_path / "cheetah.hdf5", recorded["halfcheetah"], "halfcheetah-random-v2")
    with pytest.raises(
        DatasetError, match=r"made for halfcheetah-random-v2 \(HalfCheetah-v4\), not for walker2d-"
    ):
        import_dataset(path, get_task("walker2d-random-v2"))
    idle = recorded["hopper"] | {"rewards": np.zeros_like(recorded["hopper"]["rewards"])}
    path = _stated(tmp_path / "hopper.hdf5", idle, "hopper-random-v2")
    assert read_dataset(path, get_task("hopper-random-v2")).warnings == ()
    (warning,) = read_dataset(path, get_task("hopper-medium-v2")).warnings
    assert "made for hopper-random-v2, in the same environment" in warning
    (warning,) = read_dataset(path, get_task("Hopper-v5")).warnings
    assert "made in Hopper-v4, whose rewards and terminations may differ from Hopper-v5's" in warning
    path = _stated(tmp_path / "p.hdf5", recorded["hopper"], "hopper-random-v2")
    (warning,) = read_dataset(
        path, replace(get_task("Hopper-v5"), name="own:Leaper-v0", env_id="Leaper-v0")
    ).warnings
    assert "made for hopper-random-v2, which may be another environment than own:Leaper-v0" in warning


def test_delayed_and_impossible_rewards_are_doubted_in_files_of_ours_too(
    tmp_path: Path, recorded: dict[str, Any]
) -> None:
    about = {"task": "hopper-random-v2", "environment": "Hopper-v4"}
    hopper, path = get_task("hopper-random-v2"), tmp_path / "p.hdf5"
    write_raw(path, RawDataset(**recorded["hopper"]), about | {"rewards": "paid every 5 steps"})
    (warning,) = read_dataset(path, hopper).warnings
    assert warning == "its rewards are paid every 5 steps, and reward_delay would delay them once more"
    enlarged = recorded["hopper"] | {"rewards": 100 * recorded["hopper"]["rewards"]}
    write_raw(path, RawDataset(**enlarged), about | {"rewards": "paid as they are earned"})
    (warning,) = read_dataset(path, hopper).warnings
    assert "were they scaled, shifted or delayed already?" in warning


def test_of_mazes_the_maze_counts_too(tmp_path: Path) -> None:
    path = _stated(tmp_path / "maze.hdf5", maze2d_arrays(waypoints=[99], steps=300), "maze2d-umaze-v1")
    assert read_dataset(path, get_task("maze2d-umaze-v1")).warnings == ()
    with pytest.raises(DatasetError, match=r"maze2d-umaze-v1 \(.* maze=umaze\), not for maze2d-large-v1"):
        read_dataset(path, get_task("maze2d-large-v1"))


def test_collected_data_raises_no_doubt(tmp_path: Path) -> None:
    pendulum = get_task("Pendulum-v1")
    path = collect_dataset(pendulum, steps=200, out=tmp_path / "p.hdf5")
    assert read_dataset(path, pendulum).warnings == ()


def test_loading_warns_once_a_doubt(
    tmp_path: Path, recorded: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_file(
        tmp_path / "mine.hdf5", recorded["hopper"] | {"rewards": recorded["hopper"]["rewards"] / 1000}
    )
    with caplog.at_level(logging.WARNING):
        load_dataset(path, get_task("hopper-medium-v2"))
    (message,) = caplog.messages
    assert message.startswith("mine.hdf5 may not be what hopper-medium-v2 expects: rewards are from")
    task = get_task("hopper-medium-v2")
    assert dataset_warnings(path, task, read_dataset(path, task).warnings) == [message]
