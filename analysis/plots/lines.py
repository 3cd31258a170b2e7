"""Lines with bands, a panel for each scope: performance profiles, and aggregates against cost."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.plots.axes import (
    MOST_STYLED,
    REST_COLOR,
    draw_band,
    finish,
    is_stand_in,
    marked,
    say_empty,
    thinned,
)
from vitamin.analysis.plots.sheet import MOST_COLUMNS, Legend, is_lowest, make_panels
from vitamin.analysis.plots.texts import STAND_IN_TEXT
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.styles import label_styles


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
        lines = {
            label: thinned(part.sort_values(x))
            for label, part in frame[frame["scope"] == scope].groupby("label", observed=True)
        }
        rest = [
            lines[label][[x, y]].to_numpy(dtype=np.float64)
            for label in labels
            if label in lines and label not in styles
        ]
        if rest:
            axes.add_collection(LineCollection(rest, colors=REST_COLOR, linewidths=0.7, zorder=1.5))
        for label, style in styles.items():
            if label not in lines:
                continue
            part = lines[label]
            along, low, high = (part[column].to_numpy(dtype=np.float64) for column in (x, "low", "high"))
            draw_band(axes, along, low, high, style.color)
            marker = style.marker if len(part) == 1 else ""
            axes.plot(
                along,
                part[y],
                color=style.color,
                linestyle=style.line,
                linewidth=1.5,
                marker=marker,
                markersize=4,
            )
        if lines:
            axes.autoscale_view()
            finish(axes, engineering=steps)
            axes.margins(x=0.02)
        else:
            say_empty(axes)
        if place % MOST_COLUMNS == 0:
            axes.set_ylabel(y_title)
        if is_lowest(place, len(scopes)):
            axes.set_xlabel(x_title)
    legend = Legend()
    for label, style in styles.items():
        legend.add_style(style, marked(label, figure.frame[figure.frame["label"] == label]), marked=False)
    if len(labels) > len(styles):
        legend.entries.append(
            (Line2D([], [], color=REST_COLOR, linewidth=1.5), f"and {len(labels) - len(styles)} more")
        )
    if is_stand_in(figure.frame):
        legend.notes.append(STAND_IN_TEXT)
    legend.draw(sheet)
    return sheet, panels
