"""Defects of offline data: one message before any process is started, with the default env runners."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.cli.command import vitamin
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset

Change = Callable[[h5py.File], None]


def put(name: str, change: Callable[[Any], Any]) -> Change:
    """Replaces an array of the file by what ``change`` makes of it."""

    def edit(file: h5py.File) -> None:
        values = change(file[name][()])
        del file[name]
        file[name] = values

    return edit


def place(name: str, value: float) -> Change:
    def edit(file: h5py.File) -> None:
        file[name][7] = value

    return edit


def without(name: str) -> Change:
    def edit(file: h5py.File) -> None:
        del file[name]

    return edit


def narrow(file: h5py.File) -> None:
    for name in ("observations", "next_observations"):
        put(name, lambda array: array[:, :2])(file)


def unfinished(file: h5py.File) -> None:
    for name in ("terminals", "timeouts"):
        file[name][...] = False


def missing(path: Path) -> None:
    path.unlink()


def not_hdf5(path: Path) -> None:
    path.write_text("<html>not found</html>")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def edited(change: Change) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return edit


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (missing, "There is no file"),
        (not_hdf5, "is not an HDF5 file"),
        (truncated, "truncated"),
        (edited(without("rewards")), "lacks rewards"),
        (edited(put("rewards", lambda array: array[:-1])), "lengths disagree"),
        (edited(place("observations", np.nan)), "observations holds 3 NaN or infinite"),
        (edited(place("rewards", np.inf)), "rewards holds 1 NaN or infinite"),
        (edited(put("actions", lambda array: np.hstack([array, array]))), "actions are 2 wide"),
        (edited(narrow), "observations are 2 wide"),
        (edited(unfinished), "no finished episode"),
        (edited(put("timeouts", lambda flags: np.arange(len(flags)) == len(flags) - 1)), "run across a reset"),
        (edited(put("rewards", lambda array: array.astype("S8"))), "not numbers"),
    ],
    ids=[
        "missing", "not HDF5", "truncated", "key", "lengths", "NaN", "infinite", "actions", "observations", "episodes",
        "ends", "text",
    ],
)  # fmt: skip
def test_a_defect_is_one_message_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], words: str
) -> None:
    def started(*_: Any, **__: Any) -> None:
        raise AssertionError("Ray was asked for")

    monkeypatch.setattr("vitamin.platform.experiments.train.ray_session", started)
    data = collect_dataset(get_task("Pendulum-v1"), steps=400, out=tmp_path / "data.hdf5")
    damage(data)
    out = tmp_path / "run"
    answer = vitamin("train", "Pendulum-v1", "--data", data, "--out", out, "--quiet", code=1)
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1
    assert words in answer.stderr
    assert not (out / "run.json").exists()
