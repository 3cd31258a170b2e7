"""D4RL's HDF5 layout: arrays over all steps under fixed names; `infos/` and `metadata/` are left alone."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vitamin.errors import DatasetError
from vitamin.platform.datasets.chunks import read_array

REQUIRED_KEYS = ("observations", "actions", "rewards", "terminals")
OPTIONAL_KEYS = ("timeouts", "next_observations")
_CHUNK_BYTES = 1 << 20


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
        DatasetError: If the file is missing, unreadable, not HDF5, truncated or damaged, or a required key is
            missing.
    """
    with _open(path) as file:
        present = [key for key in (*REQUIRED_KEYS, *OPTIONAL_KEYS) if isinstance(file.get(key), h5py.Dataset)]
        missing = [key for key in REQUIRED_KEYS if key not in present]
        if missing:
            found = ", ".join(sorted(file)) or "nothing"
            raise DatasetError(
                f"{path} lacks {', '.join(missing)}; it holds {found}."
                f" D4RL's layout needs {', '.join(REQUIRED_KEYS)}."
            )
        try:
            return RawDataset(**{key: read_array(file[key]) for key in present})
        except (OSError, RuntimeError) as error:
            raise DatasetError(f"{path} is damaged: {error}. Get a fresh copy.") from None


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes at the file's root.

    Raises:
        DatasetError: If the file is missing, unreadable or not HDF5.
    """
    with _open(path) as file:
        return dict(file.attrs)


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


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise DatasetError(f"There is no file {path}.")
    try:
        return h5py.File(path, "r")
    except PermissionError:
        raise DatasetError(f"{path} cannot be read: permission denied.") from None
    except OSError as error:
        if "truncated" in str(error):
            raise DatasetError(f"{path} is truncated: {error}. Get a fresh copy.") from None
        raise DatasetError(f"{path} is not an HDF5 file ({error}).") from None
