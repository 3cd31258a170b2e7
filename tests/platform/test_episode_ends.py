"""Cutting files into episodes, in each of the published layouts, against step-by-step readings of them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.platform.dataset_files import antmaze_arrays, maze2d_arrays, maze_steps, write_file
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import LoadedDataset, read_dataset
from vitamin.platform.datasets.episodes import cut_episodes

STEPS = 12


def read(path: Path, arrays: dict[str, Any], task: str) -> LoadedDataset:
    return read_dataset(write_file(path / "data.hdf5", arrays), get_task(task))


def paper_s_trajectories(arrays: dict[str, Any]) -> Iterator[list[int]]:
    """Steps of each trajectory that the paper's AntMaze script makes of a file without next observations.

    It takes D4RL's transitions, from which steps with a timeout and the file's last are missing, and ends a
    trajectory at a terminal and where a transition does not lead to the next one.
    """
    observations = arrays["observations"]
    transitions = [step for step in range(len(observations) - 1) if not arrays["timeouts"][step]]
    trajectory: list[int] = []
    for step, following in pairwise([*transitions, None]):
        assert step is not None
        trajectory.append(step)
        if (
            following is None
            or arrays["terminals"][step]
            or np.linalg.norm(observations[following] - observations[step + 1]) > 1e-6
        ):
            yield trajectory
            trajectory = []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["", "timeout", "terminal", "both"]), min_size=2, max_size=STEPS))
def test_antmaze_v2_is_cut_as_by_the_paper_s_script(marks: list[str]) -> None:
    steps = len(marks)
    arrays = {
        "observations": maze_steps([steps]),
        "terminals": np.array([mark in ("terminal", "both") for mark in marks]),
        "timeouts": np.array([mark in ("timeout", "both") for mark in marks]),
    }
    episodes = cut_episodes(
        arrays["observations"], None, arrays["terminals"], arrays["timeouts"], ends="transitions"
    )
    kept = np.arange(steps)[episodes.kept].tolist()
    ours = [kept[start:end] for start, end in pairwise(episodes.offsets)]
    transitions = any(not timeout for timeout in arrays["timeouts"][:-1])
    assert ours == (list(paper_s_trajectories(arrays)) if transitions else [])


def test_antmaze_v2_leaves_out_the_step_before_a_reset(tmp_path: Path) -> None:
    arrays = antmaze_arrays([5, 6, 4], timeouts=[4, 10])
    dataset = read(tmp_path, arrays, "antmaze-umaze-v2")
    assert_array_equal(dataset.trajectories.lengths, [4, 5, 3])  # the unfinished last one too
    kept = [0, 1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13]
    assert_array_equal(dataset.trajectories.observations, arrays["observations"][kept])
    assert_array_equal(dataset.trajectories.next_observations, arrays["observations"][np.array(kept) + 1])
    assert_array_equal(dataset.trajectories.actions, arrays["actions"][kept])
    assert dataset.dropped_steps == 3
    assert "3 steps without next observation, left out" in dataset.quirks


def test_antmaze_v2_makes_pieces_at_the_goal(tmp_path: Path) -> None:
    arrays = antmaze_arrays([8, 3], timeouts=[7], goals=[4, 5, 6])
    trajectories = read(tmp_path, arrays, "antmaze-umaze-v2").trajectories
    assert_array_equal(trajectories.lengths, [5, 1, 1, 2])
    assert_array_equal(trajectories.returns, [1, 1, 1, 0])
    assert_array_equal(trajectories.terminals[trajectories.offsets[1:] - 1], [True, True, True, False])


def test_antmaze_v0_is_cut_at_jumps_whatever_the_timeouts_say(tmp_path: Path) -> None:
    arrays = antmaze_arrays([8, 9, 7], timeouts=[3, 12, 20], goals=[5])
    dataset = read(tmp_path, arrays, "antmaze-umaze-v0")
    trajectories = dataset.trajectories
    assert_array_equal(trajectories.lengths, [6, 1, 8, 6])
    assert _longest_stride(trajectories) < 0.3
    assert any("timeouts not believed" in quirk for quirk in dataset.quirks)
    believed = read(tmp_path, arrays, "antmaze-umaze-v2").trajectories
    assert _longest_stride(believed) > 1


def _longest_stride(trajectories: Trajectories) -> float:
    return float(np.abs(trajectories.next_observations[:, 0] - trajectories.observations[:, 0]).max())


def test_antmaze_v0_keeps_a_terminal_before_a_reset(tmp_path: Path) -> None:
    trajectories = read(tmp_path, antmaze_arrays([8, 9], [], goals=[7, 16]), "antmaze-umaze-v0").trajectories
    assert_array_equal(trajectories.lengths, [8, 9])
    assert_array_equal(trajectories.returns, [1, 1])


@pytest.mark.parametrize(
    ("name", "lengths"), [("antmaze-umaze-v2", [3, 5, 6, 4]), ("antmaze-umaze-v0", [8, 6, 4])]
)
def test_with_next_observations_nothing_is_left_out(tmp_path: Path, name: str, lengths: list[int]) -> None:
    arrays = antmaze_arrays([8, 6, 4], timeouts=[2])
    following = np.roll(arrays["observations"], -1, axis=0)
    following[[7, 13, 17]] += 0.01  # too near to be a jump of the position
    dataset = read(tmp_path, arrays | {"next_observations": following}, name)
    assert_array_equal(dataset.trajectories.lengths, lengths)
    assert_array_equal(dataset.trajectories.next_observations, following)
    assert dataset.dropped_steps == 0


def test_maze2d_is_cut_at_waypoints_and_goes_on(tmp_path: Path) -> None:
    arrays = maze2d_arrays(waypoints=[90, 143, 229], steps=300)
    dataset = read(tmp_path, arrays, "maze2d-umaze-v1")
    trajectories = dataset.trajectories
    assert_array_equal(trajectories.lengths, [91, 53, 86])
    assert not trajectories.terminals.any()
    assert_array_equal(trajectories.next_observations, arrays["observations"][1:231])
    assert dataset.dropped_steps == 70
    assert not dataset.warnings


def test_human_demonstrations_end_at_their_timeouts_and_need_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitamin.platform.environments.make.gymnasium.make", None)
    generator = np.random.default_rng(0)
    arrays = {
        "observations": generator.normal(size=(500, 39)).astype(np.float32),
        "actions": generator.uniform(-1, 1, (500, 28)).astype(np.float32),
        "rewards": np.where(np.arange(500) % 250 < 200, 0, 20).astype(np.float32),
        "terminals": np.zeros(500, bool),
        "timeouts": np.arange(500) % 250 == 249,
    }
    dataset = read(tmp_path, arrays, "door-human-v1")
    assert_array_equal(dataset.trajectories.lengths, [250, 250])
    assert_array_equal(dataset.trajectories.next_observations[249], arrays["observations"][250])
    assert not dataset.warnings


def test_cutting_a_million_steps_takes_no_loop() -> None:
    steps = 1_000_000
    positions = np.zeros((steps, 2), np.float32)
    positions[:, 0] = np.arange(steps) % 701 * 0.05
    nothing = np.zeros(steps, bool)
    episodes = cut_episodes(positions, None, nothing, nothing, ends="jumps")
    assert len(episodes.offsets) - 1 == -(-steps // 701)
    assert set(np.diff(episodes.offsets[:-1]).tolist()) == {700}
