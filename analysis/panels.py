"""Figures as data: for each panel and series what every seed gave, and its mean over seeds with an interval."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vitamin.analysis.statistics.bootstrap import bootstrap_mean
from vitamin.analysis.statistics.names import Floats
from vitamin.analysis.styles import Style

SEED_COLUMNS: Final = ("panel", "series", "seed", "x", "y")
MEAN_COLUMNS: Final = ("panel", "series", "x", "mean", "low", "high", "seeds")
_REPS: Final = 1000


def over_seeds(values: pd.DataFrame, *, reps: int = _REPS) -> pd.DataFrame:
    """Means over seeds with pointwise 95 % bootstrap intervals.

    Args:
        values: Columns ``SEED_COLUMNS``; every seed of a series has the same x.
        reps: Bootstrap resamples, always the same ones.

    Returns:
        Columns ``MEAN_COLUMNS``, in the order of ``values``. A single seed has no interval (NaN).
    """
    return pd.concat(_means(values, reps), ignore_index=True)[list(MEAN_COLUMNS)]


def interval_text(values: Floats, digits: int = 3, *, reps: int = _REPS) -> str:
    """Mean and 95 % bootstrap interval over seeds (N,), as ``0.912 [0.850, 0.961]``."""
    low, high = mean_interval(values[:, np.newaxis], reps=reps)
    text = f"{values.mean():.{digits}f}"
    return text if math.isnan(low[0]) else f"{text} [{low[0]:.{digits}f}, {high[0]:.{digits}f}]"


def mean_interval(values: Floats, *, reps: int = _REPS) -> tuple[Floats, Floats]:
    """95 % bootstrap interval of the mean over seeds, (seeds, points) -> (points,) twice; NaN for a single seed."""
    if len(values) == 1:
        return np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    return bootstrap_mean(values, reps=reps, seed=0)


def draw_mean(axes: Axes, means: pd.DataFrame, style: Style, **line: float | str) -> None:
    """One series as a line with its band."""
    axes.plot(means["x"], means["mean"], color=style.color, linestyle=style.line, linewidth=1.5, **line)  # type: ignore[arg-type]
    axes.fill_between(means["x"], means["low"], means["high"], color=style.color, alpha=0.18, linewidth=0)


def panel_label(axes: Axes, name: str, title: str) -> None:
    """The panel's letter and title, flush left."""
    axes.set_title(title, loc="left", x=0.0)
    axes.annotate(
        f"({name})",
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(-30, 5),
        textcoords="offset points",
        fontweight="bold",
        fontsize=10,
    )
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _means(values: pd.DataFrame, reps: int) -> Iterator[pd.DataFrame]:
    for (panel, series), group in values.groupby(["panel", "series"], sort=False):
        by_seed = group.pivot_table(index="seed", columns="x", values="y")
        matrix = by_seed.to_numpy(dtype=np.float64)
        low, high = mean_interval(matrix, reps=reps)
        columns = {"x": by_seed.columns, "mean": matrix.mean(axis=0), "low": low, "high": high}
        yield pd.DataFrame(columns | {"panel": panel, "series": series, "seeds": len(matrix)})
