"""Aggregates as intervals, as rliable and the paper's Fig. 7 draw them."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.ticker import MaxNLocator

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.plots.axes import columns_of, draw_interval_rows, is_stand_in, marked, seed_range
from vitamin.analysis.plots.sheet import NOTE_SIZE, TEXT_SIZE, TITLE_SIZE, Legend, add_panel
from vitamin.analysis.plots.texts import STAND_IN_TEXT, line_count, printable, wrapped
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.styles import Style, label_styles

MOST_ROWS: Final = 60
"""Labels drawn of a single scope; the first ones."""
MOST_ROWS_OF_SEVERAL: Final = 24
"""Labels drawn of each of several scopes."""
_WIDTH, _GAP = 1.9, 0.2  # inches
_ABOVE, _BELOW = 0.6, 0.3
_ROW: Final = 0.24
_LINE: Final = TEXT_SIZE * 1.2 / 72
_LABEL_WIDTH: Final = 4.4
_LOWER_IS_BETTER: Final = frozenset({"optimality gap"})


def intervals_sheet(figure: Figure) -> Sheet:
    """A row of panels for each scope, a column for each metric, in the frame's order."""
    frame = figure.frame
    scopes, metrics = list(dict.fromkeys(frame["scope"])), list(dict.fromkeys(frame["metric"]))
    styles = label_styles(frame["label"].unique())
    parts = {scope: frame[frame["scope"] == scope] for scope in scopes}
    labels = {scope: sort_labels(part["label"].unique()) for scope, part in parts.items()}
    most = MOST_ROWS if len(scopes) == 1 else MOST_ROWS_OF_SEVERAL
    texts = {scope: _texts(parts[scope], labels[scope][:most]) for scope in scopes}
    rows = {scope: max(_ROW, max(map(line_count, texts[scope].values())) * _LINE + 0.07) for scope in scopes}
    heights = {scope: rows[scope] * len(texts[scope]) for scope in scopes}
    total = sum(heights.values()) + len(scopes) * (_ABOVE + _BELOW)
    sheet = Sheet(figsize=(len(metrics) * (_WIDTH + _GAP), total))
    top = total
    for scope in scopes:
        top -= _ABOVE + heights[scope]
        for column, metric in enumerate(metrics):
            axes = add_panel(sheet, column * (_WIDTH + _GAP), top, _WIDTH, heights[scope])
            part = parts[scope][parts[scope]["metric"] == metric]
            row_texts = [] if column else list(texts[scope].values())
            _draw_panel(axes, part, list(texts[scope]), row_texts, styles)
            lower = " (lower is better)" if metric in _LOWER_IS_BETTER else ""
            axes.set_title(f"{printable(metric)}{lower}", fontsize=TEXT_SIZE)
        _write_scope(sheet.axes[-len(metrics)], str(scope), len(metrics))
        rest = len(labels[scope]) - len(texts[scope])
        if rest:
            _write_rest(sheet.axes[-len(metrics)], rest)
        top -= _BELOW
    if is_stand_in(frame):
        Legend(notes=[STAND_IN_TEXT]).draw(sheet)
    return sheet


def _texts(part: pd.DataFrame, labels: list[str]) -> dict[str, str]:
    """For each label what stands left of its row: with the number of seeds, where that is known."""
    groups = dict(tuple(part.groupby("label", observed=True)))
    return {
        label: wrapped(f"{marked(label, groups[label])}{_seeds(groups[label])}", _LABEL_WIDTH, TEXT_SIZE)
        for label in labels
    }


def _seeds(part: pd.DataFrame) -> str:
    counts = [part[column] for column in ("seeds", "seeds_most") if column in part]
    text = seed_range(pd.concat(counts)) if counts else ""
    return f" ({text})" if text else ""


def _draw_panel(
    axes: Axes,
    part: pd.DataFrame,
    labels: Sequence[str],
    row_texts: Sequence[str],
    styles: Mapping[str, Style],
) -> None:
    rows = part.drop_duplicates("label").set_index("label").reindex(list(labels))
    value, low, high = columns_of(rows, "value", "low", "high")
    draw_interval_rows(axes, value, low, high, [styles[label].color for label in labels], row_texts)
    drawn = np.isfinite(value)
    if not drawn.any():
        axes.set_xticks([])
        axes.text(0.5, 0.5, "none", ha="center", va="center", color="0.35", transform=axes.transAxes)
        return
    ends = np.concatenate([value[drawn], low[drawn], high[drawn]])
    ends = ends[np.isfinite(ends)]
    margin = 0.06 * (float(np.ptp(ends)) or 1.0)
    axes.set_xlim(ends.min() - margin, ends.max() + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))


def _write_scope(axes: Axes, scope: str, columns: int) -> None:
    text = wrapped(scope, columns * (_WIDTH + _GAP), TITLE_SIZE)
    axes.annotate(
        text,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 22),
        textcoords="offset points",
        fontsize=TITLE_SIZE,
        fontweight="bold",
    )


def _write_rest(axes: Axes, rest: int) -> None:
    axes.annotate(
        f"and {rest} more, in aggregates.csv",
        xy=(0, 0),
        xycoords="axes fraction",
        xytext=(-6, -8),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=NOTE_SIZE,
        color="0.35",
    )
