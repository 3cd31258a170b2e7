"""Files in D4RL's layout with what the published ones differ in, made on the spot."""

from pathlib import Path

import numpy as np

from tests.platform.dataset_files import toy_arrays, write_file


def make_files(folder: Path) -> list[Path]:
    """Files of float32 and float64, with and without next observations and timeouts, rewards flat and as a column."""
    plain = toy_arrays(1)
    doubles = {
        name: array.astype(np.float64) if array.dtype == np.float32 else array
        for name, array in plain.items()
    }
    both = plain["timeouts"].copy()
    both[np.flatnonzero(plain["terminals"])[0]] = True
    variants = {
        "plain": {},
        "float64, rewards (N, 1)": doubles | {"rewards": doubles["rewards"][:, None]},
        "no next_observations": {"next_observations": None},
        "no timeouts": {"timeouts": None},
        "terminal and timeout at once": {"timeouts": both},
        "ends with the file": {name: array[:11] for name, array in plain.items()},
    }
    paths = []
    for name, changes in variants.items():
        arrays = {key: array for key, array in (plain | changes).items() if array is not None}
        paths.append(write_file(folder / f"{name}.hdf5", arrays))
    return paths
