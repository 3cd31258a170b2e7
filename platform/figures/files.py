"""The files of a figure in a folder: the picture, and its numbers as CSV."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from vitamin.analysis.table import Table, write_csv
from vitamin.analysis.together import written_together
from vitamin.errors import ReportError

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class FigureFiles:
    """A figure that was made.

    Attributes:
        pictures: Its picture in each format, PNG first.
        means: CSV of what is drawn: means over seeds with intervals.
        seeds: CSV of what each seed gave.
        table: Its main numbers.
    """

    pictures: tuple[Path, ...]
    means: Path
    seeds: Path
    table: Table

    @classmethod
    def moved(
        cls, folder: Path, pictures: tuple[Path, ...], numbers: tuple[Path, Path], table: Table
    ) -> "FigureFiles":
        """The files of `figure_folder`, which are in ``folder`` by now."""
        means, seeds = (folder / path.name for path in numbers)
        return cls(tuple(folder / path.name for path in pictures), means, seeds, table)


@contextmanager
def figure_folder(folder: Path) -> Iterator[Path]:
    """A folder for the figure's files, which move to ``folder`` when the block ends, all of them or none.

    Whether they can be written there shows before anything is computed.

    Raises:
        ReportError: If not, or if writing to it fails in the block.
    """
    try:
        with written_together(folder) as new:
            yield new
    except OSError as error:
        raise ReportError(
            f"Cannot write the figure to {folder}: {error.strerror or error}. Choose another --out."
        ) from error


def seed_rows(panel: str, series: str, seed: int, x: NDArray[Any], y: NDArray[Any]) -> pd.DataFrame:
    """The values that one seed gave for a series, as columns ``vitamin.analysis.panels.SEED_COLUMNS``."""
    return pd.DataFrame({"panel": panel, "series": series, "seed": seed, "x": x, "y": y})


def write_numbers(values: pd.DataFrame, means: pd.DataFrame, out: Path) -> tuple[Path, Path]:
    """Writes ``out.csv`` (means, as drawn) and ``out-seeds.csv`` (each seed); the paths."""
    return (
        write_csv(means, out.with_name(f"{out.name}.csv")),
        write_csv(values, out.with_name(f"{out.name}-seeds.csv")),
    )
