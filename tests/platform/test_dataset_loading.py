from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.platform.dataset_files import LENGTHS, TOY, UNFINISHED, toy_arrays, write_file
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import load_dataset, read_dataset
from vitamin.platform.datasets.chunks import read_array
from vitamin.platform.datasets.hdf5 import RawDataset, read_attributes, read_raw, write_raw
from vitamin.platform.datasets.loading import examine_dataset
from vitamin.platform.tasks import Task

FINISHED = sum(LENGTHS)


def test_arrays_of_finished_episodes_come_back(tmp_path: Path) -> None:
    arrays = toy_arrays()
    loaded = load_dataset(write_file(tmp_path / "toy.hdf5", arrays), TOY)
    assert_array_equal(loaded.lengths, LENGTHS)
    for name in ("observations", "actions", "rewards", "next_observations", "terminals"):
        assert_array_equal(getattr(loaded, name), arrays[name][:FINISHED])
    ends = np.cumsum(LENGTHS)
    expected = [rewards.sum() for rewards in np.split(arrays["rewards"].astype(float), ends)[:3]]
    assert_allclose(loaded.returns, expected)


def test_a_timeout_is_not_a_terminal(tmp_path: Path) -> None:
    loaded = load_dataset(write_file(tmp_path / "toy.hdf5", toy_arrays()), TOY)
    assert_array_equal(loaded.terminals[loaded.offsets[1:] - 1], [True, True, False])


def test_ends_are_open_where_nobody_recorded_what_followed(tmp_path: Path) -> None:
    arrays = toy_arrays()
    del arrays["next_observations"]
    assert load_dataset(write_file(tmp_path / "toy.hdf5", arrays), TOY).open_ends


def test_dtypes_are_those_of_trajectories(tmp_path: Path) -> None:
    arrays = toy_arrays()
    for name in ("observations", "actions", "rewards", "next_observations"):
        arrays[name] = arrays[name].astype(np.float64)
    arrays["terminals"] = arrays["terminals"].astype(np.uint8)
    loaded = load_dataset(write_file(tmp_path / "toy.hdf5", arrays), TOY)
    stored = {field.name: getattr(loaded, field.name) for field in fields(Trajectories)}
    assert stored.pop("successes") is stored.pop("log_probs") is None
    assert not stored.pop("open_ends")
    assert {name: array.dtype for name, array in stored.items()} == {
        "observations": np.float64,
        "actions": np.float32,
        "rewards": np.float32,
        "next_observations": np.float64,
        "terminals": np.bool_,
        "offsets": np.int64,
    }
    assert_array_equal(loaded.observations, arrays["observations"][:FINISHED])


def test_columns_are_flattened(tmp_path: Path) -> None:
    arrays = toy_arrays()
    plain = load_dataset(write_file(tmp_path / "plain.hdf5", arrays), TOY)
    columns = {name: arrays[name][:, None] for name in ("rewards", "terminals", "timeouts")}
    loaded = load_dataset(write_file(tmp_path / "columns.hdf5", arrays | columns), TOY)
    assert_array_equal(loaded.rewards, plain.rewards)
    assert_array_equal(loaded.offsets, plain.offsets)


def test_unfinished_last_episode_is_dropped_and_counted(tmp_path: Path) -> None:
    dataset = read_dataset(write_file(tmp_path / "toy.hdf5", toy_arrays()), TOY)
    assert dataset.dropped_steps == UNFINISHED
    assert dataset.trajectories.num_steps == FINISHED
    assert any("unfinished last episode of 3 steps" in quirk for quirk in dataset.quirks)


def test_without_timeouts_episodes_end_at_the_limit(tmp_path: Path) -> None:
    arrays = toy_arrays()
    del arrays["timeouts"]
    arrays["terminals"][:] = False
    arrays["terminals"][2] = True
    path = write_file(tmp_path / "toy.hdf5", arrays)
    assert_array_equal(load_dataset(path, TOY).lengths, [3, 6])
    assert_array_equal(load_dataset(path, replace(TOY, max_episode_steps=2)).lengths, [2, 1, 2, 2, 2, 2, 2])


def test_with_timeouts_episodes_may_be_longer_than_the_limit(tmp_path: Path) -> None:
    dataset = read_dataset(write_file(tmp_path / "toy.hdf5", toy_arrays()), replace(TOY, max_episode_steps=5))
    assert_array_equal(dataset.trajectories.lengths, LENGTHS)
    assert any("1 episode longer than the limit of 5" in quirk for quirk in dataset.quirks)


def test_missing_next_observations_are_the_following_rows(tmp_path: Path) -> None:
    arrays = toy_arrays()
    del arrays["next_observations"]
    observations = arrays["observations"]
    loaded = load_dataset(write_file(tmp_path / "toy.hdf5", arrays), TOY)
    assert_array_equal(loaded.next_observations, observations[1 : FINISHED + 1])

    cut = {name: array[:FINISHED] for name, array in arrays.items()}
    loaded = load_dataset(write_file(tmp_path / "cut.hdf5", cut), TOY)
    assert_array_equal(loaded.next_observations[:-1], observations[1:FINISHED])
    assert_array_equal(loaded.next_observations[-1], observations[FINISHED - 1])


def test_actions_are_rescaled_from_the_bounds(tmp_path: Path) -> None:
    arrays = toy_arrays()
    arrays["actions"][0] = [-2, 1]
    arrays["actions"][1] = [0, 3]
    arrays["actions"][2] = [2, 2]
    task = replace(TOY, action_low=(-2.0, 1.0), action_high=(2.0, 3.0))
    arrays["actions"][3:] = [0, 2]
    loaded = load_dataset(write_file(tmp_path / "toy.hdf5", arrays), task)
    assert_allclose(loaded.actions[:4], [[-1, -1], [0, 1], [1, 0], [0, 0]], atol=1e-7)


def test_actions_beyond_the_bounds_are_clipped_with_a_note(tmp_path: Path) -> None:
    arrays = toy_arrays()
    arrays["actions"][0] = [1.5, -3]
    arrays["actions"][1] = [1.0, 1 + 1e-7]
    dataset = read_dataset(write_file(tmp_path / "toy.hdf5", arrays), TOY)
    assert_array_equal(dataset.trajectories.actions[:2], [[1, -1], [1, 1]])
    assert dataset.clipped_actions == 2
    assert any("2 action values beyond the bounds" in quirk for quirk in dataset.quirks)


def test_a_component_whose_bounds_are_equal_is_0(tmp_path: Path) -> None:
    task = replace(TOY, action_low=(-2.0, 0.3), action_high=(2.0, 0.3))
    arrays = toy_arrays()
    arrays["actions"][:, 1] = 0.3
    first = read_dataset(write_file(tmp_path / "first.hdf5", arrays), task)
    assert_allclose(first.trajectories.actions, arrays["actions"][:FINISHED] * [0.5, 0], atol=1e-7)
    assert first.clipped_actions == 0
    arrays["actions"][:2] = [[3, 0.3], [0, 0.4]]
    second = read_dataset(write_file(tmp_path / "second.hdf5", arrays), task)
    assert_array_equal(second.trajectories.actions[:2], [[1, 0], [0, 0]])
    assert second.clipped_actions == 2


def test_bounds_of_a_task_outside_the_registry_come_from_its_environment(tmp_path: Path) -> None:
    arrays = toy_arrays()
    arrays["actions"] = np.full((len(arrays["rewards"]), 1), 2.0)
    task = Task("pendulum", "gymnasium", "Pendulum-v1")
    assert_array_equal(
        load_dataset(write_file(tmp_path / "toy.hdf5", arrays), task).actions, np.ones((FINISHED, 1))
    )


def test_without_a_task_everything_is_taken_as_it_is(tmp_path: Path) -> None:
    arrays = toy_arrays()
    arrays["actions"] *= 7
    dataset = read_dataset(write_file(tmp_path / "toy.hdf5", arrays), None)
    assert_array_equal(dataset.trajectories.actions, arrays["actions"][:FINISHED])


@pytest.mark.parametrize(
    ("change", "quirk"),
    [
        ({"rewards": toy_arrays()["rewards"][:, None]}, "rewards are a column"),
        ({"rewards": toy_arrays()["rewards"].astype(np.float64)}, "float64 rewards"),
        ({"next_observations": None}, "no next_observations"),
        ({"timeouts": None}, "no timeouts"),
        (
            {"timeouts": toy_arrays()["timeouts"] | toy_arrays()["terminals"]},
            "2 steps both terminal and timeout",
        ),
        (
            {"next_observations": np.roll(toy_arrays()["next_observations"], 1)},
            "whose next observation is not",
        ),
        (
            {"terminals": np.zeros(14, bool), "timeouts": toy_arrays()["terminals"]},
            "2 episodes cut off before",
        ),
    ],
)
def test_quirks_are_named(tmp_path: Path, change: dict[str, object], quirk: str) -> None:
    arrays = {name: array for name, array in (toy_arrays() | change).items() if array is not None}
    plain = read_dataset(write_file(tmp_path / "plain.hdf5", toy_arrays()), TOY)
    changed = examine_dataset(write_file(tmp_path / "changed.hdf5", arrays), TOY)
    assert not any(quirk in found for found in plain.quirks)
    assert any(quirk in found for found in changed.quirks)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip", "chunks": True},
        {"compression": "gzip", "shuffle": True},
        {"compression": "gzip", "fletcher32": True},
        {"compression": "lzf"},
        {"chunks": True},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "?", "<i8"])
def test_any_storage_reads_the_same(tmp_path: Path, options: dict[str, object], dtype: str) -> None:
    values = (np.random.default_rng(0).normal(size=(5003, 7)) * 3).astype(dtype)
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        stored = file.create_dataset("x", data=values, **options)
        assert_array_equal(read_array(stored), values)


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        stored = file.create_dataset("x", (10, 2), "f4", chunks=(4, 2), compression="gzip", fillvalue=3)
        stored[4:8] = 1
        assert_array_equal(read_array(stored)[:, 0], [3, 3, 3, 3, 1, 1, 1, 1, 3, 3])


def test_written_files_read_back_with_their_attributes(tmp_path: Path) -> None:
    raw = RawDataset(**toy_arrays())
    path = tmp_path / "toy.hdf5"
    write_raw(path, raw, {"stand_in": True, "seed": 3})
    for name, array in read_raw(path).arrays().items():
        assert_array_equal(array, raw.arrays()[name])
    assert read_attributes(path) == {"stand_in": True, "seed": 3}
    with pytest.raises(DatasetError, match="Cannot write"):
        write_raw(tmp_path / "nowhere" / "toy.hdf5", raw, {})


def _truncated(path: Path) -> None:
    write_file(path, toy_arrays())
    path.write_bytes(path.read_bytes()[:-200])


def _damaged_chunk(path: Path) -> None:
    write_file(path, toy_arrays(), compression="gzip", chunks=True)
    with h5py.File(path) as file:
        place = file["observations"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 20] = b"x" * 20
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no file"),
        (lambda path: path.mkdir(), "no file"),
        (lambda path: path.write_bytes(b""), "not an HDF5 file"),
        (lambda path: path.write_text("<html>not found</html>"), "not an HDF5 file"),
        (_truncated, "truncated"),
        (_damaged_chunk, "damaged.*observations|damaged"),
    ],
)
def test_unreadable_files(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "toy.hdf5"
    assert callable(make)
    make(path)
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset(path, TOY)
    assert str(path) in str(caught.value)


def _with(**changes: object) -> dict[str, object]:
    return {name: array for name, array in (toy_arrays() | changes).items() if array is not None}


def _place(name: str, place: tuple[int, ...], value: float, dtype: type = np.float32) -> dict[str, object]:
    arrays = toy_arrays()
    arrays[name] = arrays[name].astype(dtype)
    arrays[name][place] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (_with(rewards=None), "lacks rewards; it holds actions, "),
        (_with(observations=None, terminals=None), "lacks observations, terminals"),
        (_with(rewards=np.zeros(5)), "lengths disagree: .*observations 14.*rewards 5"),
        (_with(next_observations=np.zeros((13, 3))), "lengths disagree"),
        (_place("observations", (7, 2), np.nan), "observations holds 1 NaN .* step 7, column 2"),
        (_place("rewards", (13,), np.inf), "rewards holds 1 NaN or infinite .* step 13"),
        (_place("next_observations", (2, 0), -np.inf), "next_observations holds 1 NaN"),
        (_place("actions", (0, 1), 1e300, np.float64), "actions holds 1 NaN or infinite .*step 0, column 1"),
        (
            _with(observations=np.zeros((14, 4)), next_observations=None),
            "observations are 4 wide, but toy-v0 .* has 3",
        ),
        (_with(actions=np.zeros((14, 5))), "actions are 5 wide, but toy-v0 .* has 2"),
        (_with(next_observations=np.zeros((14, 2))), "next_observations are 2 wide, observations 3"),
        (_with(observations=np.zeros(14)), r"observations has shape \(14,\)"),
        (_with(rewards=np.zeros((14, 2))), r"rewards has shape \(14, 2\)"),
        (_with(rewards=np.full(14, b"a")), "rewards holds .*, not numbers"),
        (_with(terminals=np.zeros(14), timeouts=np.zeros(14)), "no finished episode: none of its 14 steps"),
        ({name: array[:0] for name, array in toy_arrays().items()}, "holds no steps"),
    ],
)
def test_defects(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_dataset(write_file(tmp_path / "toy.hdf5", arrays), TOY)


def test_a_registered_task_refuses_a_file_of_another_environment(tmp_path: Path) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    with pytest.raises(DatasetError, match=r"3 wide, but hopper-medium-v2 .* has 11. Wrong file"):
        load_dataset(path, get_task("hopper-medium-v2"))
