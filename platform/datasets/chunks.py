"""Reading a gzip-compressed HDF5 dataset with all cores; h5py alone inflates one chunk after the other."""

import math
import os
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray


def read_array(dataset: h5py.Dataset) -> NDArray[Any]:
    """The whole of ``dataset``.

    Raises:
        OSError: If the file is damaged.
    """
    if not _only_gzip(dataset):
        return np.asarray(dataset[()])
    count, needed = dataset.id.get_num_chunks(), math.prod(map(_ceil_div, dataset.shape, dataset.chunks))
    out: NDArray[Any] = np.empty(dataset.shape, dataset.dtype)
    if count < needed:
        out[...] = (
            dataset.fillvalue
        )  # HDF5 crashes on some damaged ones, so that it is asked only where it counts
    workers = min(
        8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    starts = [dataset.id.get_chunk_info(i).chunk_offset for i in range(count)]
    with ThreadPoolExecutor(workers) as pool:
        _drain(pool.map(lambda start: _inflate(dataset, start, out), starts))
    return out


def _ceil_div(size: int, part: int) -> int:
    return -(-size // part)


def _only_gzip(dataset: h5py.Dataset) -> bool:
    """Whether the chunks are plain gzip streams of values in this machine's byte order."""
    other_filters = dataset.shuffle or dataset.fletcher32 or dataset.scaleoffset is not None
    return (
        dataset.compression == "gzip"
        and not other_filters
        and dataset.dtype.isnative
        and dataset.dtype.kind in "biuf"
    )


def _inflate(dataset: h5py.Dataset, start: tuple[int, ...], out: NDArray[Any]) -> None:
    skipped_filters, raw = dataset.id.read_direct_chunk(start)
    try:
        values = np.frombuffer(raw if skipped_filters else zlib.decompress(raw), dataset.dtype).reshape(
            dataset.chunks
        )
    except (zlib.error, ValueError) as error:
        raise OSError(f"chunk at {start} cannot be inflated ({error})") from None
    target = out[tuple(slice(first, first + size) for first, size in zip(start, dataset.chunks, strict=True))]
    target[...] = values[
        tuple(slice(size) for size in target.shape)
    ]  # chunks at the border reach past the array


def _drain(results: Iterable[None]) -> None:
    for _ in results:
        pass
