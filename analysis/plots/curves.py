"""Learning curves: a panel for each task, a line with its band for each label."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.plots.axes import (
    MOST_BANDS,
    MOST_POINTS,
    MOST_STYLED,
    NO_BANDS_TEXT,
    Floats,
    columns_of,
    draw_band,
    draw_references,
    draw_rest,
    finish,
    is_stand_in,
    marked,
    say_empty,
    seed_range,
    set_score_limits,
    thinned,
)
from vitamin.analysis.plots.sheet import MOST_COLUMNS, Legend, is_lowest, make_panels
from vitamin.analysis.plots.texts import STAND_IN_TEXT
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.styles import Style, label_styles

MOST_SEEDS_DRAWN: Final = 5
"""Of a label: its single runs are drawn up to this many."""
_MARKERS_PER_CURVE: Final = 8
_BAND_REACH: Final = 0.6
_FEWER_SEEDS: Final = (0, (1, 1.5))
_UNIT_TEXT: Final = {"normalized": "Normalized score (0-100)", "return": "Return"}


def curves_sheet(figure: Figure) -> Sheet:
    """One panel for each task, in the frame's order, with a legend common to all.

    A label's line is dotted where fewer of its seeds are left than it has at most on the task. The first labels have
    a style of their own, the others are grey. Beyond a few labels there are lines only.
    """
    by_task = dict(tuple(figure.frame.groupby("task", sort=False, observed=True)))
    labels = sort_labels(figure.frame["label"].unique())
    styles = label_styles(labels[:MOST_STYLED])
    runs = _runs_to_draw(figure, labels)
    sheet, panels = make_panels([marked(str(task), part) for task, part in by_task.items()])
    one_unit = len(figure.frame["unit"].unique()) == 1
    cut = False
    for place, ((task, part), axes) in enumerate(zip(by_task.items(), panels, strict=True)):
        curves = part[np.isfinite(part["mean"].to_numpy(dtype=np.float64))]
        if curves.empty:
            say_empty(axes)
        else:
            cut |= _draw_panel(axes, curves, runs[runs["task"] == task], labels, styles)
        if place % MOST_COLUMNS == 0 or not one_unit:
            unit = part["unit"].iloc[0]
            axes.set_ylabel(_UNIT_TEXT.get(unit, str(unit)))
        if is_lowest(place, len(panels)):
            axes.set_xlabel("Online environment steps")
    _legend(figure, runs, labels, styles, cut=cut).draw(sheet)
    return sheet


def _draw_panel(
    axes: Axes,
    curves: pd.DataFrame,
    runs: pd.DataFrame,
    labels: Sequence[str],
    styles: Mapping[str, Style],
) -> bool:
    """Draws the curves of one task, and tells whether a band leaves the panel."""
    curves = curves.sort_values("env_steps", kind="stable")
    parts = dict(tuple(curves.groupby("label", observed=True)))
    rest = [parts[label] for label in labels if label in parts and label not in styles]
    draw_rest(axes, [np.stack(_points(curve, "mean"), axis=1) for curve in rest])
    few = len(labels) <= MOST_BANDS
    for rank, (label, style) in enumerate(styles.items()):
        if label in parts:
            _draw_runs(axes, runs[runs["label"] == label], style)
            _draw_curve(axes, parts[label], style, rank, few=few)
    values = [curves["mean"].to_numpy(), runs["score"].to_numpy()]
    bands = [curves["low"].to_numpy(), curves["high"].to_numpy()] if few else []
    cut = set_score_limits(axes, values, bands, reach=_BAND_REACH)
    finish(axes, curves["env_steps"].to_numpy(dtype=np.float64), engineering=True)
    if (curves["unit"] == "normalized").all():
        draw_references(axes)
    return cut


def _draw_curve(axes: Axes, curve: pd.DataFrame, style: Style, rank: int, *, few: bool) -> None:
    """The line, dotted where seeds are missing; if lines are few, its band and a hollow marker on the first score."""
    x, mean, low, high, seeds = columns_of(curve, "env_steps", "mean", "low", "high", "seeds")
    fewer = seeds < seeds.max()
    change = np.diff(fewer.astype(int), prepend=int(fewer[0]), append=int(fewer[-1])) != 0
    most = MOST_POINTS if few else MOST_POINTS // 2
    shown = thinned(len(x), change[:-1] | change[1:], most=most)
    x, mean, low, high, fewer = x[shown], mean[shown], low[shown], high[shown], fewer[shown]
    every = max(1, int((~fewer).sum()) // _MARKERS_PER_CURVE)
    axes.plot(
        x[~fewer],
        mean[~fewer],
        color=style.color,
        linestyle=style.line,
        linewidth=1.5,
        marker=style.marker,
        markersize=3.6,
        markevery=(rank * every // 3 % every, every),
    )
    if fewer.any():
        beside = fewer | np.append(fewer[1:], False) | np.insert(fewer[:-1], 0, False)
        dotted = np.where(beside, mean, np.nan)
        axes.plot(x, dotted, color=style.color, linestyle=_FEWER_SEEDS, linewidth=1.1)
    if few:
        draw_band(axes, x, low, high, style.color)
    if few and x[0] == 0:
        axes.plot(
            x[:1],
            mean[:1],
            color=style.color,
            marker=style.marker,
            markersize=5,
            markerfacecolor="white",
            zorder=2.5,
        )


def _points(line: pd.DataFrame, y: str) -> list[Floats]:
    """The points of a line."""
    return [column[thinned(len(line))] for column in columns_of(line, "env_steps", y)]


def _draw_runs(axes: Axes, runs: pd.DataFrame, style: Style) -> None:
    """Single runs as thin lines."""
    in_order = runs.sort_values("env_steps", kind="stable").groupby("seed", sort=True)
    lines = [np.stack(_points(run, "score"), axis=1) for _, run in in_order]
    if lines:
        axes.add_collection(
            LineCollection(lines, colors=style.color, linewidths=0.6, alpha=0.45), autolim=False
        )


def _runs_to_draw(figure: Figure, labels: Sequence[str]) -> pd.DataFrame:
    """Those of labels with few seeds on a task, if there are few labels."""
    columns = ["task", "label", "seed", "env_steps", "score"]
    runs = figure.runs
    if runs is None or len(labels) > MOST_BANDS:
        return pd.DataFrame(columns=columns)
    seeds = runs.groupby(["task", "label"], observed=True)["seed"].transform("nunique")
    return runs.loc[seeds.between(2, MOST_SEEDS_DRAWN) & np.isfinite(runs["score"].astype(float)), columns]


def _legend(
    figure: Figure, runs: pd.DataFrame, labels: Sequence[str], styles: Mapping[str, Style], *, cut: bool
) -> Legend:
    legend = Legend()
    by_label = dict(tuple(figure.frame.groupby("label", observed=True)))
    for label, style in styles.items():
        seeds = seed_range(by_label[label]["seeds"])
        name = marked(label, by_label[label])
        legend.add_style(style, f"{name} ({seeds})" if seeds else name)
    legend.add_rest(len(labels) - len(styles))
    many = len(labels) > MOST_BANDS
    grey = "0.35"
    if (figure.frame["env_steps"] == 0).any() and not many:
        hollow = Line2D([], [], color=grey, marker="o", markersize=5, markerfacecolor="white", linestyle="")
        legend.entries.append((hollow, "pretrained"))
    if not runs.empty:
        legend.entries.append((Line2D([], [], color=grey, linewidth=0.6), "a single seed"))
    seeds_at_most = figure.frame.groupby(["task", "label"], observed=True)["seeds"].transform("max")
    if (figure.frame["seeds"] < seeds_at_most).any():
        dotted = Line2D([], [], color=grey, linestyle=_FEWER_SEEDS, linewidth=1.1)
        legend.entries.append((dotted, "fewer seeds"))
    legend.notes.append(_note(figure, cut=cut, many=many))
    return legend


def _note(figure: Figure, *, cut: bool, many: bool) -> str:
    """The note on what lines and bands are."""
    if not (figure.frame["seeds"] > 1).any():
        notes = ["single seeds"]
    elif many:
        notes = ["lines: means over n seeds", NO_BANDS_TEXT]
    else:
        notes = [figure.frame.attrs.get("band", "lines: means over n seeds; bands as the caption says")]
    if cut:
        notes.append("wide bands are cut")
    if is_stand_in(figure.frame):
        notes.append(STAND_IN_TEXT)
    return "; ".join(notes)
