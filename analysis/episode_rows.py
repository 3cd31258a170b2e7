"""The rows of ``evaluations.csv`` as arrays: a file in which nothing is unusual is read at once, by Arrow."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from vitamin.analysis.lines import LARGEST_INTEGER, EpisodeLine
from vitamin.analysis.schema import (
    EVALUATION_COLUMNS,
    EVALUATION_DTYPES,
    EVALUATION_HEADER,
    LATER_COLUMNS,
    ONLINE,
    PRETRAIN,
)

PHASES: Final = (PRETRAIN, ONLINE)

Rows = Mapping[str, NDArray[Any]]
"""A row for each episode, by iteration, then episode: the columns of ``evaluations.csv``, (rows,) each; the phase as
its number in ``PHASES``, what is empty as NaN."""

# All that numbers and phases are made of: no quotes, spaces, hexadecimal digits or other scripts, which libraries read
# in different ways.
_USUAL: Final = b"0123456789.eE+-,\n" + b"pretrainonline" + b"NaNInfinity"
_ARROW: Final = {
    "str": pa.dictionary(pa.int32(), pa.string()),
    "int64": pa.int64(),
    "float64": pa.float64(),
}
_CONVERT: Final = pyarrow.csv.ConvertOptions(
    column_types={column.name: _ARROW[column.dtype] for column in EVALUATION_COLUMNS},
    include_columns=list(EVALUATION_HEADER),
    include_missing_columns=True,
    null_values=[""],
)
_PARSE: Final = pyarrow.csv.ParseOptions(quote_char=False, ignore_empty_lines=False)
_INTEGERS: Final = tuple(name for name, dtype in EVALUATION_DTYPES.items() if dtype == "int64")
_FLOATS: Final = tuple(name for name, dtype in EVALUATION_DTYPES.items() if dtype == "float64")
# What an evaluation that went astray may have; an infinity elsewhere is damage.
_FINITE: Final = ("target_return", "success")


def parse_rows(content: bytes) -> Rows | None:
    """The rows of a file, up to its last newline; none if it has no line yet.

    Returns:
        The rows, or None if anything is unusual: whatever is no number of its column, a missing column, a line of
        another length, an episode that is there twice.
    """
    content = content[: content.rfind(b"\n") + 1]
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
    if not content:
        return empty_rows()
    first = content.index(b"\n")
    header = content[:first].decode(errors="replace").split(",")
    required = {*EVALUATION_HEADER}.difference(LATER_COLUMNS)
    if not required <= {*header} or len({*header}) < len(header):
        return None
    if content[first:].translate(None, _USUAL):
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=len(content)),
            parse_options=_PARSE,
            convert_options=_CONVERT,
        )
    except pa.ArrowInvalid:
        return None
    if any(table[name].null_count for name in ("phase", "return", *_INTEGERS)):
        return None
    phase = _phase_numbers(table["phase"])
    rows = {name: table[name].to_numpy() for name in EVALUATION_HEADER if name != "phase"}
    return None if phase is None else _in_order({"phase": phase, **rows})


def rows_of(lines: Iterable[EpisodeLine]) -> Rows:
    """As `parse_rows`, of lines that were read one by one."""
    fields = [line.fields for line in lines]
    rows: dict[str, NDArray[Any]] = {
        "phase": np.array([PHASES.index(row["phase"]) for row in fields], dtype=np.int8)
    }
    rows |= {name: np.array([int(row[name]) for row in fields], dtype=np.int64) for name in _INTEGERS}
    rows |= {
        name: np.array([float(row.get(name) or "nan") for row in fields], dtype=np.float64)
        for name in _FLOATS
    }
    order = np.lexsort((rows["episode"], rows["iteration"]))
    return {name: rows[name][order] for name in EVALUATION_HEADER}


def empty_rows() -> Rows:
    """No rows."""
    return rows_of(())


def _phase_numbers(column: pa.ChunkedArray) -> NDArray[np.int8] | None:
    """Each phase as its number; None if there is another word."""
    numbers = [np.zeros(0, dtype=np.int8)]
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        if not {*words} <= {*PHASES}:
            return None
        numbers.append(np.array([PHASES.index(word) for word in words], dtype=np.int8)[chunk.indices])
    return np.concatenate(numbers)


def _in_order(rows: dict[str, NDArray[Any]]) -> Rows | None:
    """The rows by iteration and episode; None if one is there twice, or a number is out of range."""
    iteration, episode = rows["iteration"], rows["episode"]
    if not _increases(iteration, episode):
        order = np.lexsort((episode, iteration))
        rows = {name: values[order] for name, values in rows.items()}
        if not _increases(rows["iteration"], rows["episode"]):
            return None
    in_range = all(
        rows[name].max(initial=0) <= LARGEST_INTEGER and rows[name].min(initial=0) >= -LARGEST_INTEGER
        for name in _INTEGERS
    )
    return rows if in_range and not any(np.isinf(rows[name]).any() for name in _FINITE) else None


def _increases(iteration: NDArray[Any], episode: NDArray[Any]) -> bool:
    later = iteration[1:] > iteration[:-1]
    return bool((later | ((iteration[1:] == iteration[:-1]) & (episode[1:] > episode[:-1]))).all())
