"""Pictures of learning curves."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from vitamin.analysis.curves import BAND_TEXT, Band
from vitamin.analysis.labels import sort_labels
from vitamin.analysis.pictures import print_style, save_picture
from vitamin.analysis.scores import NORMALIZED
from vitamin.analysis.styles import Style, label_styles

_PANEL_WIDTH, _PANEL_HEIGHT = 3.4, 2.4  # inches
_LEAST_WIDTH = 4.6  # inches
_MOST_COLUMNS = 3
_MARKERS_PER_CURVE = 8
_REFERENCES: Final = {0.0: "ref.\nmin", 100.0: "ref.\nmax"}
_UNIT_TEXT: Final = {True: "Normalized score (0-100)", False: "Return"}


def plot_curves(curves: pd.DataFrame, out: Path, *, band: Band = "bootstrap") -> tuple[Path, ...]:
    """Draws a panel for each task and writes ``out`` with the suffixes ``.png``, ``.svg`` and ``.pdf``.

    Args:
        curves: What ``learning_curves`` returned; at least one row.
        out: Path without suffix, in an existing folder.
        band: The one the curves were made with; for the legend.

    Returns:
        The paths written. The same curves give the same bytes.
    """
    with print_style():
        return save_picture(curves_figure(curves, band=band), out)


def curves_figure(curves: pd.DataFrame, *, band: Band) -> Figure:
    """One panel for each task, with a legend common to all."""
    tasks = sorted(curves["task"].unique())
    styles = label_styles(curves["label"])
    columns = min(len(tasks), _MOST_COLUMNS)
    rows = math.ceil(len(tasks) / columns)
    texts = [f"{label} (n = {_seed_range(curves, label)})" for label in styles]
    width = max(columns * _PANEL_WIDTH, _LEAST_WIDTH)
    legend_columns = max(1, min(len(texts), int(width / (0.6 + 0.075 * max(map(len, texts))))))
    legend_height = 0.2 * (1 + math.ceil(len(texts) / legend_columns))
    figure = Figure(figsize=(width, rows * _PANEL_HEIGHT + legend_height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    one_unit = len(set(curves["unit"])) == 1
    for place, axes in enumerate(grid.flat):
        if place >= len(tasks):
            axes.remove()
            continue
        on_task = curves[curves["task"] == tasks[place]]
        _draw_panel(axes, on_task, styles)
        axes.set_title(tasks[place])
        if place % columns == 0 or not one_unit:
            axes.set_ylabel(_UNIT_TEXT[_is_normalized(on_task)])
        if place + columns >= len(tasks):
            axes.set_xlabel("Online environment steps")
    handles = [
        Line2D([], [], color=style.color, linestyle=style.line, marker=style.marker, markersize=4)
        for style in styles.values()
    ]
    figure.legend(
        handles,
        texts,
        loc="outside lower center",
        ncols=legend_columns,
        title=BAND_TEXT[band] if (curves["seeds"] > 1).any() else "single seeds",
        title_fontsize=8,
        handlelength=3.2,
    )
    return figure


def _draw_panel(axes: Axes, curves: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    for rank, label in enumerate(sort_labels(curves["label"])):
        curve, style = curves[curves["label"] == label], styles[label]
        every = max(1, len(curve) // _MARKERS_PER_CURVE)
        axes.plot(
            curve["env_steps"],
            curve["mean"],
            color=style.color,
            linestyle=style.line,
            linewidth=1.5,
            marker=style.marker,
            markersize=3.6,
            markevery=(rank * every // 3 % every, every),
        )
        axes.fill_between(
            curve["env_steps"], curve["low"], curve["high"], color=style.color, alpha=0.15, linewidth=0
        )
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.02)
    if _is_normalized(curves):
        _draw_references(axes)


def _draw_references(axes: Axes) -> None:
    """Lines at 0 and 100, where they do not flatten the curves."""
    low, high = axes.get_ylim()
    reach = 0.25 * (high - low)
    for score, name in _REFERENCES.items():
        if low - reach <= score <= high + reach:
            axes.axhline(score, color="0.45", linestyle=(0, (2, 2)), linewidth=0.9, zorder=1)
            axes.annotate(
                name,
                xy=(1, score),
                xycoords=("axes fraction", "data"),
                xytext=(2, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                color="0.35",
            )


def _is_normalized(curves: pd.DataFrame) -> bool:
    return bool((curves["unit"] == NORMALIZED).all())


def _seed_range(curves: pd.DataFrame, label: str) -> str:
    seeds = curves.loc[curves["label"] == label, "seeds"]
    low, high = seeds.min(), seeds.max()
    return str(low) if low == high else f"{low} to {high}"
