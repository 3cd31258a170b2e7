"""HDF5 files that are damaged inside, hold something else than arrays, or are open elsewhere."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.cli.command import vitamin
from tests.platform.dataset_files import TOY, toy_arrays, write_file
from vitamin.errors import DatasetError
from vitamin.machine import available_memory
from vitamin.platform.datasets import hdf5, load_dataset
from vitamin.platform.datasets.hdf5 import RawDataset, read_attributes, write_raw
from vitamin.platform.datasets.loading import examine_dataset

Put = Callable[[h5py.File, str], Any]
STEPS = len(toy_arrays()["rewards"])


@pytest.mark.parametrize("layout", ["ours", "plain"])
def test_a_flipped_byte_gives_data_or_one_error(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "toy.hdf5"
    if layout == "ours":
        about = {"stand_in": True, "task": "toy-v0", "environment": "Toy-v0", "algorithm": "x"}
        write_raw(path, RawDataset(**toy_arrays()), about)
    else:
        write_file(path, toy_arrays())
    content = path.read_bytes()
    outcomes = {"read": 0, "refused": 0}
    for position in range(0, len(content), 37):
        mangled = bytearray(content)
        mangled[position] ^= 0xFF
        path.write_bytes(mangled)
        try:
            examine_dataset(path, TOY)
            outcomes["read"] += 1
        except DatasetError:
            outcomes["refused"] += 1
    assert outcomes["read"] > 10
    assert outcomes["refused"] > 10


def external_link(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("missing.hdf5", "/x")


def soft_link(file: h5py.File, name: str) -> None:
    file[name] = h5py.SoftLink("/nowhere")


def circle(file: h5py.File, name: str) -> None:
    file[name] = h5py.SoftLink(f"/{name}")


def virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout((STEPS,), "f4")
    layout[:] = h5py.VirtualSource("missing.hdf5", "x", (STEPS,))
    file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (lambda file, name: file.create_group(name), "rewards is a group, not an array"),
        (lambda file, name: file.create_dataset(name, data=3.0), "rewards is a single number"),
        (lambda file, name: file.create_dataset(name, data=h5py.Empty("f4")), "rewards holds nothing"),
        (lambda file, name: file.create_dataset(name, data=["a"] * STEPS), "rewards holds object, not numbers"),
        (lambda file, name: file.create_dataset(name, (STEPS,), [("a", "f4")]), "rewards holds .*, not numbers"),
        (lambda file, name: file.create_dataset(name, (STEPS,), h5py.vlen_dtype("f4")), "not numbers"),
        (lambda file, name: file.create_dataset(name, (STEPS,), "c8"), "rewards holds complex64, not numbers"),
        (lambda file, name: file.create_dataset(name, (STEPS, 10**13), "f4", chunks=(1, 100)), "GiB of memory"),
        (lambda file, name: file.create_dataset(name, (10**12,), "f4", chunks=(100,)), "lengths disagree"),
        (
            lambda file, name: file.create_dataset(name, (STEPS,), "f4", external=[("no.bin", 0, 4 * STEPS)]),
            "rewards lies in no.bin, which is not there",
        ),
        (virtual, "rewards lies in missing.hdf5, which is not there"),
        (external_link, "rewards is a link to /x in missing.hdf5, which is not there"),
        (soft_link, "rewards is a link to /nowhere, which is not there"),
        (circle, "damaged|not there"),
    ],
)  # fmt: skip
def test_what_is_no_array_of_numbers(tmp_path: Path, put: Put, message: str) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    with h5py.File(path, "r+") as file:
        del file["rewards"]
        put(file, "rewards")
    with pytest.raises(DatasetError, match=message):
        load_dataset(path, TOY)


def test_a_link_that_leads_on_is_followed(tmp_path: Path) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    with h5py.File(path, "r+") as file:
        file.move("rewards", "elsewhere")
        file["rewards"] = h5py.SoftLink("/elsewhere")
    assert load_dataset(path, TOY).num_steps


def test_observations_without_columns(tmp_path: Path) -> None:
    empty = np.zeros((STEPS, 0), np.float32)
    path = write_file(
        tmp_path / "toy.hdf5", toy_arrays() | {"observations": empty, "next_observations": empty}
    )
    with pytest.raises(DatasetError, match="observations are 0 wide"):
        load_dataset(path, TOY)


def test_attributes_of_other_types_than_ours_are_left_alone(tmp_path: Path) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    with h5py.File(path, "r+") as file:
        for name in ("task", "stand_in", "rewards", "observation_layout", "exported_from"):
            file.attrs[name] = np.arange(3)
        file.attrs["environment"] = h5py.Empty("f4")
        file.attrs["minari_dataset"] = 3
        file.attrs["minari_environment"] = "{no JSON"
        file.attrs["note"] = np.bytes_(b"caf\xe9")
    assert set(read_attributes(path)) == {"minari_environment", "note"}
    assert read_attributes(path)["note"] == "caf\ufffd"
    examine_dataset(path, TOY)
    vitamin("data", "inspect", path)


def test_a_file_that_another_program_writes_is_not_called_damaged(tmp_path: Path) -> None:
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    code = f"import h5py; file = h5py.File({str(path)!r}, 'r+'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(DatasetError, match="is open in another program that writes it: close it there"):
            load_dataset(path, TOY)
        writer.communicate("\n")
    assert load_dataset(path, TOY).num_steps


def test_a_file_that_its_writer_did_not_close(tmp_path: Path) -> None:
    path = tmp_path / "toy.hdf5"
    code = (
        f"import os, h5py; file = h5py.File({str(path)!r}, 'w', libver='latest'); file['x'] = 1; file.flush();"
        " file.swmr_mode = True; os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(DatasetError, match=r"was not closed by its writer.*h5clear -s"):
        load_dataset(path, TOY)


def test_files_that_do_not_fit_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert available_memory() > 1 << 20
    path = write_file(tmp_path / "toy.hdf5", toy_arrays())
    monkeypatch.setattr(hdf5, "available_memory", lambda: 100)
    monkeypatch.setattr(hdf5, "read_array", None)
    with pytest.raises(DatasetError, match=r"more than the 0\.0 GiB of memory that are available"):
        load_dataset(path, TOY)
