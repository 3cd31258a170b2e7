"""Probability of improvement for pairs of methods, as rliable draws it."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from vitamin.analysis.plots.axes import columns_of, draw_interval_rows, is_stand_in
from vitamin.analysis.plots.sheet import TEXT_SIZE, TITLE_SIZE, Legend, add_panel
from vitamin.analysis.plots.texts import STAND_IN_TEXT, line_count, wrapped
from vitamin.analysis.report.blocks import Figure

MOST_PAIRS: Final = 40
"""Pairs drawn for one scope; the first ones."""
_WIDTH: Final = 3.4  # inches
_ABOVE, _BELOW = 0.5, 0.5
_ROW: Final = 0.24
_LINE: Final = TEXT_SIZE * 1.2 / 72
_LABEL_WIDTH: Final = 2.6
_COLOR: Final = "#5b7c99"


def improvement_sheet(figure: Figure) -> Sheet:
    """A panel for each scope, one below the other: X stands left of its row, Y right of it."""
    scopes = list(dict.fromkeys(figure.frame["scope"]))
    parts = {scope: figure.frame[figure.frame["scope"] == scope] for scope in scopes}
    texts = {scope: _texts(parts[scope][:MOST_PAIRS]) for scope in scopes}
    rows = {
        scope: max(_ROW, max(line_count(text) for pair in texts[scope] for text in pair) * _LINE + 0.07)
        for scope in scopes
    }
    total = sum(rows[scope] * len(texts[scope]) + _ABOVE + _BELOW for scope in scopes)
    sheet = Sheet(figsize=(_WIDTH, total))
    top = total
    for scope in scopes:
        height = rows[scope] * len(texts[scope])
        top -= _ABOVE + height
        axes = add_panel(sheet, 0, top, _WIDTH, height)
        _draw_panel(axes, parts[scope][:MOST_PAIRS], texts[scope])
        axes.set_title(wrapped(str(scope), _WIDTH, TITLE_SIZE), pad=16)
        rest = len(parts[scope]) - MOST_PAIRS
        axes.set_xlabel("P(X > Y)" if rest <= 0 else f"P(X > Y); and {rest} more pairs")
        top -= _BELOW
    if is_stand_in(figure.frame):
        Legend(notes=[STAND_IN_TEXT]).draw(sheet)
    return sheet


def _texts(pairs: pd.DataFrame) -> list[tuple[str, str]]:
    return [
        (wrapped(str(first), _LABEL_WIDTH, TEXT_SIZE), wrapped(str(second), _LABEL_WIDTH, TEXT_SIZE))
        for first, second in zip(pairs["method_a"], pairs["method_b"], strict=True)
    ]


def _draw_panel(axes: Axes, pairs: pd.DataFrame, texts: list[tuple[str, str]]) -> None:
    probability, low, high = columns_of(pairs, "probability", "low", "high")
    axes.axvline(0.5, color="0.45", linestyle=(0, (2, 2)), linewidth=0.9, zorder=0.9)
    draw_interval_rows(axes, probability, low, high, [_COLOR] * len(texts), [first for first, _ in texts])
    axes.set(xlim=(-0.02, 1.02), xticks=[0, 0.25, 0.5, 0.75, 1])
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    right.set_yticks(range(len(texts)), [second for _, second in texts])
    right.tick_params(axis="y", length=0)
    for side, name, place in ((axes, "X", 0), (right, "Y", 1)):
        side.annotate(
            name,
            xy=(place, 1),
            xycoords="axes fraction",
            xytext=(6 * (2 * place - 1), 3),
            textcoords="offset points",
            ha="left" if place else "right",
            fontsize=TEXT_SIZE,
            fontweight="bold",
        )
