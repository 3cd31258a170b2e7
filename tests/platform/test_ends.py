"""Files whose flags are not where their episodes end: refused where nothing can be learned, else with a warning."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import vitamin
from tests.platform.dataset_files import antmaze_arrays, maze2d_arrays, write_file
from vitamin.analysis.schema import DatasetInfo
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import load_dataset, read_dataset
from vitamin.platform.datasets.hdf5 import RawDataset, write_raw
from vitamin.platform.datasets.loading import LoadedDataset, examine_dataset
from vitamin.platform.tasks import Task

LIMIT = 20
WALK = Task(
    name="walk-v0",
    suite="toy",
    env_id="Walk-v0",
    max_episode_steps=LIMIT,
    observation_size=2,
    action_size=2,
    action_low=(-1.0, -1.0),
    action_high=(1.0, 1.0),
)
Arrays = dict[str, Any]


def walks(episodes: int = 30, every: int = 8) -> Arrays:
    """Walks in the plane from random places; one of ``every`` ends early in a terminal, the others at the limit."""
    rng = np.random.default_rng(0)
    rows: list[tuple[Any, ...]] = []
    for episode in range(episodes):
        terminates = episode % every == every - 1
        length = int(rng.integers(5, LIMIT)) if terminates else LIMIT
        place = rng.uniform(-1, 1, 2)
        for step in range(length):
            action = rng.uniform(-1, 1, 2)
            following = place + 0.2 * action
            last = step == length - 1
            over = last and terminates
            rows.append((place, action, -np.abs(place).sum(), over, last and not over, following))
            place = following
    names = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations")
    arrays = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return {
        name: array.astype(np.float32) if array.dtype != bool else array for name, array in arrays.items()
    }


def examine(folder: Path, arrays: Arrays, task: Task = WALK) -> LoadedDataset:
    return examine_dataset(write_file(folder / "walk.hdf5", arrays), task)


def without(arrays: Arrays, *names: str) -> Arrays:
    return {name: array for name, array in arrays.items() if name not in names}


def shifted(arrays: Arrays, rows: int) -> Arrays:
    return arrays | {name: np.roll(arrays[name], rows) for name in ("terminals", "timeouts")}


def one_end(arrays: Arrays) -> Arrays:
    flags = np.zeros(len(arrays["rewards"]), bool)
    return arrays | {"terminals": flags, "timeouts": np.arange(len(flags)) == len(flags) - 1}


def another_file_s(arrays: Arrays) -> Arrays:
    marks = np.zeros(len(arrays["rewards"]), bool)
    marks[16::17] = True
    return arrays | {"terminals": np.zeros_like(marks), "timeouts": marks}


def qlearning(arrays: Arrays) -> Arrays:
    """The arrays that ``d4rl.qlearning_dataset`` returns."""
    return {name: array[~arrays["timeouts"]] for name, array in arrays.items() if name != "timeouts"}


def shuffled(arrays: Arrays) -> Arrays:
    order = np.random.default_rng(1).permutation(len(arrays["rewards"]))
    return {name: array[order] for name, array in arrays.items()}


def test_right_ends_raise_no_doubt(tmp_path: Path) -> None:
    for arrays in (walks(), without(walks(), "next_observations"), walks(every=1)):
        found = examine(tmp_path, arrays)
        assert (found.refusal, found.warnings, found.notes) == (None, (), ())


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        (lambda arrays: arrays | {"timeouts": np.zeros_like(arrays["timeouts"])}, "run across a reset"),
        (qlearning, "run across a reset"),
        (one_end, r"1 of 1 episode run across a reset: .* longer than the limit of 20 steps of Walk-v0"),
        (lambda arrays: shifted(arrays, 1), "run across a reset"),
        (lambda arrays: shifted(arrays, -1), "run across a reset"),
        (another_file_s, "run across a reset"),
        (shuffled, "run across a reset"),
        (
            lambda arrays: without(one_end(arrays), "next_observations"),
            r"^walk\S* cannot be learned from: 1 episode of \d+ steps, longer than the limit of 20",
        ),
    ],
    ids=["zero timeouts", "qlearning", "one end", "a row late", "a row early", "another file's", "shuffled", "limit"],
)  # fmt: skip
def test_lost_ends_are_refused_and_shown_by_inspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Arrays], Arrays], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_file(Path("walk.hdf5"), lose(walks()))
    with pytest.raises(DatasetError, match=words) as caught:
        load_dataset(path, WALK)
    assert "Set timeouts (or terminals) at the last step of each episode" in str(caught.value)
    shown = vitamin("data", "inspect", path)
    if "next_observations" in lose(walks()):  # without the task its limit is not known
        assert "cannot be trained on" in shown.stdout


def test_some_lost_ends_are_doubted(tmp_path: Path) -> None:
    arrays = walks()
    timeouts = arrays["timeouts"].copy()
    timeouts[np.flatnonzero(timeouts)[::3]] = False
    found = examine(tmp_path, arrays | {"timeouts": timeouts})
    assert found.refusal is None
    across, longer = found.warnings
    assert "of 21 episodes run across a reset" in across
    assert "longer than the limit of 20 steps of Walk-v0: ends that are not marked" in longer
    (of_lengths,) = examine(tmp_path, without(arrays | {"timeouts": timeouts}, "next_observations")).warnings
    assert of_lengths == longer


def test_a_single_lost_end_is_a_quirk(tmp_path: Path) -> None:
    arrays = walks(every=1)
    terminals = arrays["terminals"].copy()
    terminals[np.flatnonzero(terminals)[3]] = False
    found = examine(tmp_path, arrays | {"terminals": terminals}, replace(WALK, max_episode_steps=100))
    assert found.warnings == ()
    assert any("1 step inside an episode whose next" in quirk for quirk in found.quirks)


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            lambda arrays: arrays | {"terminals": arrays["terminals"] | arrays["timeouts"]},
            "27 of the 27 episodes of exactly 20 steps, the limit of Walk-v0, end in a terminal: are they timeouts?",
        ),
        (
            lambda arrays: without(arrays | {"terminals": ~(arrays["terminals"] | arrays["timeouts"])}, "timeouts"),
            "have a single step: are the flags inverted",
        ),
        (
            lambda arrays: arrays | {"next_observations": np.roll(arrays["observations"], -1, axis=0)},
            "at 29 of 29 ends the next observation is the following row",
        ),
        (
            lambda arrays: without(shifted(arrays, 1), "next_observations"),
            "the observations jump one row before the marked ends, not at them",
        ),
        (
            lambda arrays: without(shifted(arrays, -1), "next_observations"),
            "the observations jump one row after the marked ends, not at them",
        ),
    ],
    ids=["timeouts as terminals", "masks", "following rows", "a row late", "a row early"],
)  # fmt: skip
def test_flags_that_look_wrong_are_doubted(
    tmp_path: Path, change: Callable[[Arrays], Arrays], warning: str
) -> None:
    found = examine(tmp_path, change(walks()))
    assert any(warning in each for each in found.warnings), found


def test_an_environment_that_terminates_at_its_limit_is_believed_in_a_file_of_ours(tmp_path: Path) -> None:
    arrays = walks()
    arrays |= {
        "terminals": arrays["terminals"] | arrays["timeouts"],
        "timeouts": np.zeros_like(arrays["timeouts"]),
    }
    write_raw(tmp_path / "walk.hdf5", RawDataset(**arrays), {"task": "walk-v0", "environment": "Walk-v0"})
    assert not any(
        "are they timeouts" in warning for warning in examine_dataset(tmp_path / "walk.hdf5", WALK).warnings
    )


def test_large_offsets_and_mixed_types_are_no_resets(tmp_path: Path) -> None:
    arrays = walks()
    far = {name: arrays[name].astype(np.float64) + 1.7e9 for name in ("observations", "next_observations")}
    assert examine(tmp_path, arrays | far).warnings == ()
    far["next_observations"] = far["next_observations"].astype(np.float32)
    assert examine(tmp_path, arrays | far).refusal is None
    zero = {"timeouts": np.zeros_like(arrays["timeouts"])}
    far["next_observations"] = arrays["next_observations"].astype(np.float64) + 1.7e9
    assert "run across a reset" in (examine(tmp_path, arrays | far | zero).refusal or "")


def test_one_continuous_recording_is_only_doubted(tmp_path: Path) -> None:
    place = np.cumsum(np.random.default_rng(0).normal(size=(500, 2)), axis=0).astype(np.float32)
    arrays = one_end(without(walks(episodes=25, every=26), "next_observations"))
    arrays |= {"observations": place, "next_observations": np.concatenate([place[1:], place[-1:] + 1])}
    found = examine(tmp_path, arrays)
    assert found.refusal is None
    (warning,) = found.warnings
    assert "1 episode of 500 steps, longer than the limit" in warning


def test_episodes_that_have_nothing_to_do_with_the_limit(tmp_path: Path) -> None:
    """Demonstrations, waypoints, and AntMaze's pieces."""
    steps, door = 1200, get_task("door-human-v1")
    human = {
        "observations": np.random.default_rng(0).normal(size=(steps, 39)),
        "actions": np.zeros((steps, 28)),
        "rewards": np.linspace(-0.3, 20, steps),
        "terminals": np.zeros(steps, bool),
        "timeouts": np.arange(steps) % 300 == 299,
    }
    assert not any("longer" in warning for warning in examine(tmp_path, human, door).warnings)
    (warning,) = examine(tmp_path, human, get_task("door-expert-v1")).warnings[:1]
    assert "4 episodes of 300 steps, longer than the limit of 200" in warning
    point = maze2d_arrays(waypoints=[450, 460, 520, 580, 650, 700], steps=800)
    assert examine(tmp_path, point, get_task("maze2d-umaze-v1")).warnings == ()
    lost = antmaze_arrays([60] * 200, timeouts=[])
    lost["observations"][:, 1] = np.linspace(-1, 9, 12_000)
    assert "12 000" in str(examine(tmp_path, lost, get_task("antmaze-umaze-v2")).refusal).replace(
        "11999", "12 000"
    )
    assert examine(tmp_path, lost, get_task("antmaze-umaze-v0")).refusal is None


def test_constant_columns_are_noted(tmp_path: Path) -> None:
    arrays = walks()
    for name in ("observations", "next_observations"):
        goal = np.full((len(arrays["rewards"]), 4), 0.3, np.float32)
        arrays[name] = np.concatenate([arrays[name], goal], axis=1)
    wide = replace(WALK, observation_size=6)
    found = examine(tmp_path, arrays, wide)
    (note,) = found.notes
    assert note.startswith("observations 2 to 5 are constant in the data")
    assert "(amplify_constant_observations)" in note
    assert found.warnings == ()


def test_lost_detail_is_doubted(tmp_path: Path) -> None:
    arrays = walks()
    for name in ("observations", "next_observations"):
        arrays[name] = (arrays[name].astype(np.float64) + np.array([4.5e8, 0])).astype(np.float32)
    warnings = examine(tmp_path, arrays).warnings
    assert any(
        "observation 0 may have lost detail: float32 has steps of about 54" in warning for warning in warnings
    )
    widened = {name: arrays[name].astype(np.float64) for name in ("observations", "next_observations")}
    assert any(
        "observation 0 may have lost detail" in each for each in examine(tmp_path, arrays | widened).warnings
    )


def test_doubts_and_notes_of_older_runs_are_read() -> None:
    info = DatasetInfo(path="a", fingerprint="b", trajectories=1, steps=1)
    assert (info.doubts, info.notes) == ((), ())


def test_reading_refuses_what_examining_shows(tmp_path: Path) -> None:
    path = write_file(tmp_path / "walk.hdf5", qlearning(walks()))
    assert examine_dataset(path, WALK).refusal
    with pytest.raises(DatasetError, match=r"where next_observations.i. is not observations.i . 1."):
        read_dataset(path, WALK)
