from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.platform.dataset_files import LENGTHS, TOY, UNFINISHED, toy_arrays, write_file
from vitamin.errors import DatasetError, SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.cli.dataset_views import histogram_lines
from vitamin.platform.datasets import (
    cached_path,
    collect_dataset,
    dataset_label,
    dataset_path,
    inspect_dataset,
    load_dataset,
    read_dataset,
)
from vitamin.platform.datasets.inspect import Distribution
from vitamin.platform.datasets.provenance import record_path
from vitamin.platform.environments import make_raw_environment

PENDULUM = get_task("Pendulum-v1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(folder))
    return folder


def test_collected_data_is_what_the_environment_does(tmp_path: Path) -> None:
    path = collect_dataset(PENDULUM, steps=450, seed=7, out=tmp_path / "new" / "p.hdf5")
    with h5py.File(path) as file:
        stored = {name: file[name][()] for name in file}
    assert stored["actions"].shape == (450, 1)
    assert stored["actions"].min() < -1.9
    assert stored["actions"].max() > 1.9
    assert_array_equal(np.flatnonzero(stored["timeouts"]), [199, 399])
    assert not stored["terminals"].any()
    env = make_raw_environment(PENDULUM)
    observation, _ = env.reset(seed=7)
    for step in range(200):
        assert_array_equal(stored["observations"][step], observation)
        observation, reward, *_ = env.step(stored["actions"][step])
        assert_array_equal(stored["next_observations"][step], observation)
        assert stored["rewards"][step] == np.float32(reward)
    assert_array_equal(stored["observations"][200], env.reset()[0])


def test_collected_data_loads_with_actions_in_the_unit_box(tmp_path: Path) -> None:
    path = collect_dataset(PENDULUM, steps=450, seed=7, out=tmp_path / "p.hdf5")
    dataset = read_dataset(path, PENDULUM)
    assert_array_equal(dataset.trajectories.lengths, [200, 200])
    assert dataset.dropped_steps == 50
    assert dataset.clipped_actions == 0
    with h5py.File(path) as file:
        assert_allclose(dataset.trajectories.actions, file["actions"][:400] / 2, atol=1e-6)


def test_terminations_are_terminals_and_time_limits_timeouts(tmp_path: Path) -> None:
    hopper = collect_dataset(get_task("hopper-random-v2"), steps=300, out=tmp_path / "h.hdf5")
    trajectories = load_dataset(hopper, get_task("hopper-random-v2"))
    assert trajectories.terminals[trajectories.offsets[1:] - 1].all()
    assert trajectories.terminals.sum() == len(trajectories)
    own = get_task("tests.platform.own_environments:Corridor-v0")
    corridor = load_dataset(collect_dataset(own, steps=300, out=tmp_path / "c.hdf5"), own)
    ends = corridor.terminals[corridor.offsets[1:] - 1]
    assert ends.any()
    assert not ends.all()
    assert_array_equal(corridor.lengths[~ends], 12)


def test_seeds_decide_everything(tmp_path: Path) -> None:
    files = [
        collect_dataset(PENDULUM, steps=200, seed=seed, out=tmp_path / f"{number}.hdf5")
        for number, seed in enumerate((1, 1, 2))
    ]
    first, again, other = (load_dataset(file, PENDULUM) for file in files)
    assert_array_equal(first.observations, again.observations)
    assert_array_equal(first.actions, again.actions)
    assert not np.array_equal(first.observations, other.observations)
    assert not np.array_equal(first.actions, other.actions)


def test_collected_files_say_that_they_are_stand_ins(tmp_path: Path) -> None:
    path = collect_dataset(PENDULUM, steps=200, seed=5, out=tmp_path / "p.hdf5")
    with h5py.File(path) as file:
        attributes = dict(file.attrs)
    assert attributes["stand_in"]
    assert attributes["environment"] == "Pendulum-v1"
    assert attributes["seed"] == 5
    assert attributes["gymnasium_version"] == "1.2.2"
    assert dataset_label(path) == "stand-in: random policy in Pendulum-v1"
    assert not record_path(path).exists()


def test_by_default_the_file_goes_to_the_task_s_place() -> None:
    for name in ("Pendulum-v1", "hopper-random-v2"):
        task = get_task(name)
        path = collect_dataset(task, steps=250)
        assert path == cached_path(task) == dataset_path(task, None)
        assert record_path(path).exists()
        assert dataset_label(path).startswith("stand-in")


def test_random_data_does_not_pass_for_another_kind(tmp_path: Path) -> None:
    task = get_task("hopper-medium-v2")
    with pytest.raises(DatasetError, match=r"stands for data of kind medium.* --out FILE"):
        collect_dataset(task, steps=100)
    assert collect_dataset(task, steps=100, out=tmp_path / "h.hdf5").exists()


def test_files_are_not_overwritten_unasked(tmp_path: Path) -> None:
    out = tmp_path / "p.hdf5"
    collect_dataset(PENDULUM, steps=200, seed=0, out=out)
    before = out.read_bytes()
    with pytest.raises(DatasetError, match=r"exists. Add --force"):
        collect_dataset(PENDULUM, steps=200, seed=1, out=out)
    assert out.read_bytes() == before
    collect_dataset(PENDULUM, steps=200, seed=1, out=out, force=True)
    assert out.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == ["p.hdf5"]


def test_what_cannot_be_collected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Unknown policy 'randm'. Did you mean random"):
        collect_dataset(PENDULUM, policy="randm", steps=200)
    with pytest.raises(DatasetError, match=r"199 steps in Pendulum-v1 did not finish one episode"):
        collect_dataset(PENDULUM, steps=199)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="Cannot write"):
        collect_dataset(PENDULUM, steps=200, out=tmp_path / "file" / "p.hdf5")


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    collect_dataset(
        PENDULUM, steps=2500, out=tmp_path / "p.hdf5", progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1000, 2500), (2000, 2500)]


def test_a_report_has_the_file_s_numbers(tmp_path: Path) -> None:
    arrays = toy_arrays()
    path = write_file(tmp_path / "toy.hdf5", arrays)
    report = inspect_dataset(path, TOY)
    returns = load_dataset(path, TOY).returns
    assert (report.trajectories, report.steps, report.dropped_steps) == (3, sum(LENGTHS), UNFINISHED)
    assert report.terminated == 2
    assert (report.observation_size, report.action_size) == (3, 2)
    assert report.returns.mean == pytest.approx(returns.mean())
    assert report.returns.median == pytest.approx(np.median(returns))
    assert report.normalized_mean == pytest.approx(10 * returns.mean())
    assert report.normalized_best == pytest.approx(10 * returns.max())
    assert report.dtypes["observations"] == "float32"
    assert report.label == "own file"
    assert report.size_bytes == path.stat().st_size
    assert (report.lengths.minimum, report.lengths.maximum) == (1, 6)
    assert any("unfinished" in quirk for quirk in report.quirks)


def test_distributions() -> None:
    values = Distribution.of(np.arange(101.0), bins=4)
    quartiles = [values.lower_quartile, values.median, values.upper_quartile]
    assert [values.minimum, *quartiles, values.maximum] == pytest.approx([0, 25, 50, 75, 100])
    assert values.mean == pytest.approx(50)
    assert list(values.counts) == [25, 25, 25, 26]
    assert list(values.edges) == [0, 25, 50, 75, 100]
    assert list(Distribution.of(np.full(7, 200.0)).counts) == [7]


def test_histograms_scale_with_the_counts() -> None:
    values = Distribution.of(np.repeat([0.0, 1.0, 2.0, 3.0], [800, 400, 0, 1]), bins=4)
    lines = histogram_lines(values, 1)
    assert [line.split()[-1] for line in lines] == ["800", "400", "0", "1"]
    assert [line.count("█") for line in lines] == [32, 16, 0, 0]
    assert "▏" in lines[3]
    assert len({line.index("…") for line in lines}) == 1


@pytest.mark.parametrize(
    ("place", "message"),
    [("", "is a directory: name a file in it"), ("/proc/p.hdf5", "Cannot write in /proc: ")],
)
def test_a_place_that_cannot_be_written_is_said_before_anything_is_collected(
    tmp_path: Path, place: str, message: str
) -> None:
    def collected(*_: object) -> None:
        raise AssertionError("collecting has begun")

    with pytest.raises(DatasetError, match=message):
        collect_dataset(
            get_task("Pendulum-v1"), steps=200, out=tmp_path / place, force=True, progress=collected
        )
