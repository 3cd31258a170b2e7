"""Lines with bands, a panel for each scope: performance profiles, and aggregates against cost."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.plots.axes import (
    MOST_BANDS,
    MOST_STYLED,
    NO_BANDS_TEXT,
    columns_of,
    draw_band,
    draw_rest,
    finish,
    is_stand_in,
    marked,
    say_empty,
    thinned,
)
from vitamin.analysis.plots.sheet import MOST_COLUMNS, Legend, is_lowest, make_panels
from vitamin.analysis.plots.texts import STAND_IN_TEXT
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.styles import Style, label_styles


def scope_sheet(
    figure: Figure, *, x: str, y: str, x_title: str, y_title: str, steps: bool
) -> tuple[Sheet, list[Axes]]:
    """A panel for each scope in the frame's order.

    Args:
        figure: Its frame has columns scope, label, low, high and these two.
        x: Column along the horizontal axis.
        y: Column along the vertical axis.
        x_title: What stands below the lowest panels.
        y_title: What stands left of the first ones.
        steps: Whether ``x`` counts steps, written as 100k.
    """
    known = np.isfinite(figure.frame[[x, y]].to_numpy(dtype=np.float64)).all(axis=1)
    frame = figure.frame[known]
    scopes = list(dict.fromkeys(figure.frame["scope"]))
    labels = sort_labels(figure.frame["label"].unique())
    styles = label_styles(labels[:MOST_STYLED])
    sheet, panels = make_panels([str(scope) for scope in scopes])
    for place, (scope, axes) in enumerate(zip(scopes, panels, strict=True)):
        part = frame[frame["scope"] == scope]
        if part.empty:
            say_empty(axes)
        else:
            _draw_panel(axes, part, styles, x=x, y=y, banded=len(labels) <= MOST_BANDS)
            finish(axes, part[x].to_numpy(dtype=np.float64), engineering=steps)
        if place % MOST_COLUMNS == 0:
            axes.set_ylabel(y_title)
        if is_lowest(place, len(scopes)):
            axes.set_xlabel(x_title)
    legend = Legend()
    for label, style in styles.items():
        legend.add_style(style, marked(label, figure.frame[figure.frame["label"] == label]), has_marker=False)
    legend.add_rest(len(labels) - len(styles))
    if len(labels) > MOST_BANDS:
        legend.notes.append(NO_BANDS_TEXT)
    if is_stand_in(figure.frame):
        legend.notes.append(STAND_IN_TEXT)
    legend.draw(sheet)
    return sheet, panels


def _draw_panel(
    axes: Axes, part: pd.DataFrame, styles: Mapping[str, Style], *, x: str, y: str, banded: bool
) -> None:
    lines = {
        label: [column[thinned(len(line))] for column in columns_of(line, x, y, "low", "high")]
        for label, line in part.sort_values(x, kind="stable").groupby("label", observed=True)
    }
    draw_rest(axes, [np.stack(line[:2], axis=1) for label, line in lines.items() if label not in styles])
    for label, style in styles.items():
        if label not in lines:
            continue
        along, middle, low, high = lines[label]
        if banded:
            draw_band(axes, along, low, high, style.color)
        axes.plot(
            along,
            middle,
            color=style.color,
            linestyle=style.line,
            linewidth=1.5,
            marker=style.marker if len(along) == 1 else "",
            markersize=4,
        )
