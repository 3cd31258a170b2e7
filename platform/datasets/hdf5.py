"""D4RL's HDF5 layout: arrays over all steps under fixed names; `infos/` and `metadata/` are left alone."""

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vitamin.errors import DatasetError
from vitamin.machine import available_memory
from vitamin.platform.datasets.chunks import read_array

REQUIRED_KEYS = ("observations", "actions", "rewards", "terminals")
OPTIONAL_KEYS = ("timeouts", "next_observations")
_CHUNK_BYTES = 1 << 20
_OWN_ATTRIBUTES: dict[str, Any] = {
    **dict.fromkeys(
        ("task", "environment", "algorithm", "rewards", "exported_from", "observation_layout"), str
    ),
    **dict.fromkeys(("minari_dataset", "minari_environment"), str),
    **dict.fromkeys(("ref_min_score", "ref_max_score", "stand_in"), (int, float, np.number, np.bool_)),
}
"""Attributes that this package reads, and their types; other programs may use the names for something else."""


@dataclass(frozen=True)
class RawDataset:
    """The arrays of a file as they are stored, of any number type.

    Attributes:
        observations: (N, S).
        actions: (N, A), in the environment's units.
        rewards: (N,) or (N, 1).
        terminals: (N,) or (N, 1), nonzero where the environment terminated.
        timeouts: Like ``terminals``, nonzero where an episode was cut off; None if the file has none.
        next_observations: (N, S); None if the file has none.
    """

    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[Any]
    terminals: NDArray[Any]
    timeouts: NDArray[Any] | None = None
    next_observations: NDArray[Any] | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are present, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) is not None
        }


def read_raw(path: Path) -> RawDataset:
    """The arrays of ``path``.

    Raises:
        DatasetError: If the file is missing, unreadable, not HDF5, truncated, damaged or open elsewhere, a required key
            is missing, or an array is none of numbers or does not fit into memory.
    """
    with _reading(path) as file:
        present = [key for key in (*REQUIRED_KEYS, *OPTIONAL_KEYS) if file.get(key, getlink=True) is not None]
        missing = [key for key in REQUIRED_KEYS if key not in present]
        if missing:
            found = ", ".join(sorted(map(readable, file))) or "nothing"
            raise DatasetError(
                f"{path} lacks {', '.join(missing)}; it holds {found}."
                f" D4RL's layout needs {', '.join(REQUIRED_KEYS)}."
            )
        stored = {key: _array(file, key, path) for key in present}
        _check_memory(stored, path)
        return RawDataset(**{key: read_array(dataset) for key, dataset in stored.items()})


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes at the file's root, without those under names of ours that hold what we do not write there.

    Raises:
        DatasetError: If the file is missing, unreadable, not HDF5, damaged or open elsewhere.
    """
    with _reading(path) as file:
        attributes = {readable(name): _plain(value) for name, value in file.attrs.items()}
    return {
        name: value
        for name, value in attributes.items()
        if isinstance(value, _OWN_ATTRIBUTES.get(name, object))
    }


def write_raw(path: Path, dataset: RawDataset, attributes: Mapping[str, Any]) -> None:
    """Write ``dataset`` to ``path``, gzip-compressed, with ``attributes`` where D4RL's readers do not look.

    Raises:
        DatasetError: If the file cannot be written.
    """
    # HDF5 crashes the process when a disk is full; memory holds the arrays anyway.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in dataset.arrays().items():
            row_bytes = array.dtype.itemsize * int(np.prod(array.shape[1:]))
            rows = min(len(array), max(1, _CHUNK_BYTES // row_bytes))
            file.create_dataset(
                name, data=array, chunks=(rows, *array.shape[1:]), compression="gzip", compression_opts=1
            )
        file.attrs.update(attributes)
    try:
        path.write_bytes(content.getbuffer())
    except OSError as error:
        raise DatasetError(
            f"Cannot write {path}: {error.strerror}. Free space or check permissions."
        ) from None


def readable(text: str) -> str:
    """``text`` with what is no valid UTF-8 in the file as replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _plain(value: Any) -> Any:
    """An attribute, text as str and readable."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return readable(value) if isinstance(value, str) else value


def _array(file: h5py.File, key: str, path: Path) -> h5py.Dataset:
    """The dataset ``key``, of numbers, with its values in reach."""
    link = file.get(key, getlink=True)
    if isinstance(link, (h5py.SoftLink, h5py.ExternalLink)) and not _leads_on(file, key):
        place = f" in {readable(link.filename)}" if isinstance(link, h5py.ExternalLink) else ""
        raise DatasetError(f"{path}: {key} is a link to {readable(link.path)}{place}, which is not there.")
    dataset = file[key]
    if not isinstance(dataset, h5py.Dataset):
        raise DatasetError(f"{path}: {key} is a group, not an array.")
    if dataset.shape is None or dataset.dtype.kind not in "biuf":
        held = "nothing" if dataset.shape is None else str(dataset.dtype)
        raise DatasetError(f"{path}: {key} holds {held}, not numbers.")
    if not dataset.shape:
        raise DatasetError(f"{path}: {key} is a single number, not an array.")
    others = [source.file_name for source in dataset.virtual_sources()] if dataset.is_virtual else []
    others += [name for name, *_ in dataset.external or ()]
    absent = [name for name in others if name != "." and not (path.parent / name).is_file()]
    if absent:  # HDF5 would give zeros for them
        raise DatasetError(f"{path}: {key} lies in {readable(absent[0])}, which is not there.")
    return dataset


def _leads_on(file: h5py.File, key: str) -> bool:
    try:
        return file[key] is not None
    except (KeyError, OSError):
        return False


def _check_memory(stored: Mapping[str, h5py.Dataset], path: Path) -> None:
    """Refuses arrays of other lengths than the others, and what cannot fit, before anything is read."""
    lengths = {name: dataset.shape[0] for name, dataset in stored.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DatasetError(f"{path}: lengths disagree: {told}.")
    needed = sum(math.prod(dataset.shape) * dataset.dtype.itemsize for dataset in stored.values())
    available = available_memory()
    if needed > available:
        raise DatasetError(
            f"{path}: its arrays take {needed / 2**30:,.1f} GiB, more than the {available / 2**30:,.1f} GiB of memory"
            " that are available. If it is not that large, it is damaged."
        )


@contextmanager
def _reading(path: Path) -> Iterator[h5py.File]:
    """The open file; whatever HDF5 makes of damage inside becomes one error."""
    if not path.is_file():
        raise DatasetError(f"There is no file {path}.")
    try:
        with _open(path) as file:
            yield file
    except DatasetError:
        raise
    except MemoryError:
        raise DatasetError(f"{path}: its arrays do not fit into memory, or it is damaged.") from None
    except Exception as error:  # noqa: BLE001 (h5py raises what its parts raise)
        reason = readable(str(error)) or type(error).__name__
        raise DatasetError(f"{path} is damaged: {reason}. Get a fresh copy.") from None


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except PermissionError:
        raise DatasetError(f"{path} cannot be read: permission denied.") from None
    except OSError as error:
        text = readable(str(error))
        if "unable to lock file" in text:
            raise DatasetError(
                f"{path} is open in another program that writes it: close it there first. If there is none, as on some"
                " network drives, HDF5_USE_FILE_LOCKING=FALSE in the environment reads it all the same."
            ) from None
        if "already open for" in text:
            raise DatasetError(
                f"{path} is being written, or was not closed by its writer. Close it there first; if no program has it"
                f" open, `h5clear -s {path}` clears the mark."
            ) from None
        if "truncated" in text:
            raise DatasetError(f"{path} is truncated: {text}. Get a fresh copy.") from None
        if h5py.is_hdf5(path):
            raise DatasetError(f"{path} is damaged: {text}. Get a fresh copy.") from None
        raise DatasetError(f"{path} is not an HDF5 file ({text}).") from None
