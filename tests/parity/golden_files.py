"""Reads golden numbers: .npz files of inputs and the outputs that the published code gives for them.

A set of golden numbers is a folder with ``config.json`` (sizes and constants), ``shared_weights.npz`` and one file a
case. Sets differ in their sizes and in which cases they hold, so everything is read from the files.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEFAULT_FOLDER = Path(__file__).parent / "golden"

_SHARED = "shared_weights"
_REFERENCE = "@ref"
_EVERY_16TH_ROW = "[::16]"


class GoldenFile(Mapping[str, NDArray[Any]]):
    """One case: a mapping from array names such as ``in/states`` to arrays.

    Arrays that live in ``shared_weights.npz`` are looked up there. An array of which only every 16th row is kept has
    its plain name here, and `thinned` tells it.

    Attributes:
        name: File name without the suffix.
        config: The set's ``config.json``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        shared_path = folder / f"{_SHARED}.npz"
        shared = np.load(shared_path) if shared_path.exists() else {}
        self._arrays: dict[str, NDArray[Any]] = {}
        self._thinned: set[str] = set()
        with np.load(folder / f"{name}.npz") as stored:
            for stored_name in stored.files:
                key = stored_name.removesuffix(_REFERENCE)
                array = stored[stored_name] if key == stored_name else shared[str(stored[stored_name])]
                if key.endswith(_EVERY_16TH_ROW):
                    self._thinned.add(key.removesuffix(_EVERY_16TH_ROW))
                self._arrays[key.removesuffix(_EVERY_16TH_ROW)] = array

    def __getitem__(self, key: str) -> NDArray[Any]:
        return self._arrays[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def thinned(self, key: str) -> bool:
        """Whether only every 16th row of ``key`` is kept."""
        return key in self._thinned

    def sibling(self, name: str) -> "GoldenFile | None":
        """Another case of the set, if it has that."""
        return GoldenFile(self._folder, name) if (self._folder / f"{name}.npz").exists() else None

    def group(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Arrays whose names begin with ``prefix/``, under the rest of their names."""
        return {
            key.removeprefix(f"{prefix}/"): array
            for key, array in self.items()
            if key.startswith(f"{prefix}/")
        }


def golden_names(folder: Path, *prefixes: str) -> list[str]:
    """Sorted names of the cases in ``folder`` that begin with one of ``prefixes``."""
    names = (path.stem for path in folder.glob("*.npz"))
    return sorted(name for name in names if name != _SHARED and name.startswith(prefixes))
