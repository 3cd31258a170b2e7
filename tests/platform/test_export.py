"""Exports of datasets, to files and to Minari, and back."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from typer.testing import CliRunner

from tests.platform.dataset_files import toy_arrays, write_file
from tests.platform.minari_datasets import create
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.catalog.exportable import exportable_dataset
from vitamin.platform.cli import app
from vitamin.platform.datasets import (
    Exportable,
    collect_dataset,
    dataset_label,
    export_dataset,
)
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.datasets.minari_read import minari_path

PENDULUM = get_task("Pendulum-v1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))
    return tmp_path / "minari"


def vitamin(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + str(result.exception)
    return result.output


def stored(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file if isinstance(file[name], h5py.Dataset)}


def pendulum_arrays(**changes: Any) -> dict[str, Any]:
    """Toy arrays in the sizes of Pendulum-v1; what is None is left out."""
    arrays = toy_arrays() | changes
    if "actions" not in changes:
        arrays["actions"] = arrays["actions"][:, :1]
    arrays = {name: array for name, array in arrays.items() if array is not None}
    following = arrays.get("next_observations")
    if following is not None:
        following[-1] = 7.0
    return arrays


@pytest.mark.parametrize(
    "arrays",
    [
        pendulum_arrays(),
        pendulum_arrays(next_observations=None),
        {
            name: array.astype(np.float64) if array.dtype == np.float32 else array
            for name, array in pendulum_arrays().items()
        },
        pendulum_arrays(timeouts=None, next_observations=None),
    ],
    ids=["float32", "no next_observations", "float64", "no timeouts"],
)
def test_file_to_minari_to_file(arrays: dict[str, Any], tmp_path: Path) -> None:
    source = write_file(tmp_path / "a.hdf5", arrays)
    vitamin("data", "export", source, "--to", "minari:me/a-v0", "--task", "Pendulum-v1")
    vitamin("data", "export", "minari:me/a-v0", "--to", tmp_path / "b.hdf5")
    back = stored(tmp_path / "b.hdf5")
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert_array_equal(back[name], array)


def test_minari_itself_reads_what_was_exported(tmp_path: Path) -> None:
    import minari

    data = collect_dataset(PENDULUM, steps=450, seed=3, out=tmp_path / "p.hdf5")
    vitamin("data", "export", data, "--to", "minari:me/pendulum/random-v0")
    dataset = minari.load_dataset("me/pendulum/random-v0")
    assert (dataset.total_episodes, dataset.total_steps) == (3, 450)
    assert dataset.recover_environment().spec.id == "Pendulum-v1"
    assert minari.get_normalized_score(dataset, np.array([-150.0])) == pytest.approx(1.0)
    first = dataset[0]
    assert_array_equal(first.observations[:-1], stored(data)["observations"][:200])
    assert first.truncations[-1]
    assert not dataset[2].truncations.any()


def test_a_stand_in_stays_one_through_minari(tmp_path: Path) -> None:
    data = collect_dataset(PENDULUM, steps=250, out=tmp_path / "p.hdf5")
    export_dataset(exportable_dataset(str(data)), "minari:me/a-v0")
    export_dataset(exportable_dataset("minari:me/a-v0"), str(tmp_path / "b.hdf5"))
    for path in (minari_path("minari:me/a-v0"), tmp_path / "b.hdf5"):
        assert dataset_label(path) == "stand-in: random policy in Pendulum-v1"


def test_what_minari_cannot_hold_is_said(tmp_path: Path) -> None:
    arrays = pendulum_arrays()
    arrays["next_observations"][1] += 1
    source = write_file(tmp_path / "a.hdf5", arrays)
    assert "1 next observations inside episodes differ" in vitamin(
        "data", "export", source, "--to", "minari:me/a-v0", "--task", "Pendulum-v1"
    )
    source = write_file(tmp_path / "b.hdf5", pendulum_arrays(next_observations=None))
    assert "its last one is repeated" in vitamin(
        "data", "export", source, "--to", "minari:me/b-v0", "--task", "Pendulum-v1"
    )


def test_bad_requests(tmp_path: Path, folder: Path) -> None:
    source = write_file(tmp_path / "a.hdf5", pendulum_arrays())
    with pytest.raises(DatasetError, match="--task"):
        export_dataset(exportable_dataset(str(source)), "minari:me/a-v0")
    data = exportable_dataset(str(source), PENDULUM)
    export_dataset(data, "minari:me/a-v0")
    before = (folder / "me/a-v0/data/main_data.hdf5").read_bytes()
    with pytest.raises(DatasetError, match="Add --force"):
        export_dataset(data, "minari:me/a-v0")
    with pytest.raises(DatasetError, match="Add --force"):
        export_dataset(data, str(write_file(tmp_path / "there.hdf5", pendulum_arrays())))
    assert (folder / "me/a-v0/data/main_data.hdf5").read_bytes() == before
    export_dataset(data, "minari:me/a-v0", force=True)
    assert "has no run.json" in vitamin("data", "export", tmp_path, "--to", "x.hdf5", code=1)


def test_a_failed_export_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import minari

    def fail(*_: object, **__: object) -> None:
        (folder / "me/a-v0/data").mkdir(parents=True)
        raise OSError("No space left on device")

    monkeypatch.setattr(minari, "create_dataset_from_buffers", fail)
    raw = RawDataset(**pendulum_arrays())
    with pytest.raises(DatasetError, match="No space left"):
        export_dataset(Exportable(raw, {}, PENDULUM), "minari:me/a-v0")
    assert not (folder / "me/a-v0").exists()


def test_a_flattened_dataset_keeps_its_environment() -> None:
    create("me/goal-v0", "MinariGoal-v0")
    vitamin("data", "export", "minari:me/goal-v0", "--to", "minari:me/again-v0")
    first, again = get_task("minari:me/goal-v0"), get_task("minari:me/again-v0")
    assert again.observation_size == first.observation_size == 7
    assert_array_equal(
        stored(minari_path("minari:me/again-v0"))["observations"],
        stored(minari_path("minari:me/goal-v0"))["observations"],
    )


def same(path: Path, _: Path) -> Path:
    return path


def relative(path: Path, _: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


def linked(path: Path, target: Path) -> Path:
    target.symlink_to(path)
    return target


def hard_linked(path: Path, target: Path) -> Path:
    target.hardlink_to(path)
    return target


@pytest.mark.parametrize("name_of", [same, relative, linked, hard_linked])
def test_a_file_is_not_exported_onto_itself(tmp_path: Path, name_of: Any) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    before = path.read_bytes()
    destination = name_of(path, tmp_path / "other.hdf5")
    output = vitamin("data", "export", path, "--to", destination, "--force", code=1)
    assert "itself, which is to be exported" in " ".join(output.split())
    assert path.read_bytes() == before


def test_minari_s_datasets_are_not_exported_onto_themselves(folder: Path) -> None:
    create("me/toy-v0")
    converted = minari_path("minari:me/toy-v0")
    inside = folder / "me/toy-v0/data/main_data.hdf5"
    assert inside.is_file()
    before = inside.read_bytes(), converted.read_bytes()
    pairs = [
        ("minari:me/toy-v0", "minari:me/toy-v0"),
        ("minari:me/toy-v0", str(inside)),
        ("minari:me/toy-v0", str(converted)),
        (str(converted), "minari:me/toy-v0"),
    ]
    for source, destination in pairs:
        data = exportable_dataset(source, PENDULUM)
        with pytest.raises(DatasetError, match="itself, which is to be exported"):
            export_dataset(data, destination, force=True)
    assert (inside.read_bytes(), converted.read_bytes()) == before
