"""Parts of panels of several kinds: lines with bands, limits, reference lines, and the text of an empty panel."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import EngFormatter, MaxNLocator

from vitamin.analysis.plots.sheet import REST_COLOR
from vitamin.analysis.plots.texts import NO_BREAK, STAND_IN

Floats = npt.NDArray[np.float64]

MOST_STYLED: Final = 24
"""Labels that have a style of their own in one picture."""
MOST_BANDS: Final = 8
"""Labels up to which bands are drawn: more of them hide each other."""
NO_BANDS_TEXT: Final = f"bands are left out, since there are more than {MOST_BANDS} lines"
MOST_POINTS: Final = 200
"""Of a line: a panel is about 500 pixels wide."""
_REFERENCES: Final = {0.0: "ref.\nmin", 100.0: "ref.\nmax"}
_LEAST_SPAN: Final = 0.2  # of limits, relative to the values


def draw_band(axes: Axes, x: Floats, low: Floats, high: Floats, color: str) -> None:
    """A band where both ends are known."""
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        axes.fill_between(x, low, high, where=list(known), color=color, alpha=0.15, linewidth=0)


def draw_interval_rows(
    axes: Axes, value: Floats, low: Floats, high: Floats, colors: Sequence[str], row_texts: Sequence[str]
) -> None:
    """Rows from the top, each a bar from end to end of an interval with a tick at the estimate, as rliable has them."""
    places = np.arange(len(value))
    drawn = np.isfinite(value)
    known = drawn & np.isfinite(low) & np.isfinite(high)
    x = np.stack([low, high, high, low], axis=1)[known]
    y = np.stack([places - 0.3, places - 0.3, places + 0.3, places + 0.3], axis=1)[known]
    shown = [color for color, there in zip(colors, known, strict=True) if there]
    axes.add_collection(
        PolyCollection(list(np.stack([x, y], axis=2)), facecolors=shown, alpha=0.55, linewidths=0)
    )
    axes.vlines(value[drawn], places[drawn] - 0.36, places[drawn] + 0.36, colors="black", linewidth=1.4)
    axes.set_ylim(len(value) - 0.4, -0.6)
    axes.set_yticks(places if row_texts else [], row_texts)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def draw_rest(axes: Axes, lines: Sequence[Floats]) -> None:
    """Lines (points, 2) of labels without a style of their own, behind the others."""
    if lines:
        axes.add_collection(LineCollection(lines, colors=REST_COLOR, linewidths=0.7, zorder=1.5))
        axes.autoscale_view()


def thinned(
    count: int, keep: npt.NDArray[np.bool_] | None = None, *, most: int = MOST_POINTS
) -> npt.NDArray[np.intp]:
    """Which of ``count`` points of a line to draw: about ``most``, evenly, with both ends and those to ``keep``."""
    if count <= most:
        return np.arange(count)
    chosen = np.zeros(count, dtype=bool) if keep is None else keep.copy()
    chosen[np.linspace(0, count - 1, most).round().astype(int)] = True
    return np.flatnonzero(chosen)


def columns_of(frame: pd.DataFrame, *names: str) -> list[Floats]:
    """Columns as arrays of numbers."""
    return [frame[name].to_numpy(dtype=np.float64) for name in names]


def finish(axes: Axes, x: Floats, *, engineering: bool = False) -> None:
    """Grid, and ticks for lines over ``x``, written as 100k if they count something."""
    if engineering:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    low, high = float(x.min()), float(x.max())
    if low < high:
        axes.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    else:
        axes.set_xlim(low - 1, low + 1)
        axes.set_xticks([low])
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def say_empty(axes: Axes, text: str = "no scores") -> None:
    """In a panel where nothing can be drawn."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, text, ha="center", va="center", color="0.35", transform=axes.transAxes)


def set_score_limits(axes: Axes, values: Iterable[Floats], bands: Iterable[Floats], *, reach: float) -> bool:
    """Limits that show all values, and bands as far as they do not flatten these.

    The t interval of two seeds is nine times as wide to either side as the two are apart.

    Args:
        axes: The panel.
        values: Must be seen.
        bands: Ends of bands.
        reach: How far bands may widen the limits to either side, in spans of the values.

    Returns:
        Whether some band leaves the panel.
    """
    shown = _finite(values)
    if not shown.size:
        return False
    low, high = float(shown.min()), float(shown.max())
    span = max(high - low, _LEAST_SPAN * max(abs(low), abs(high))) or 1.0
    low, high = min(low, (low + high - span) / 2), max(high, (low + high + span) / 2)
    ends = _finite(bands)
    lowest, highest = (float(ends.min()), float(ends.max())) if ends.size else (low, high)
    bottom = min(low, max(lowest, low - reach * span))
    top = max(high, min(highest, high + reach * span))
    margin = 0.05 * max(top - bottom, span)
    axes.set_ylim(bottom - margin, top + margin)
    return lowest < bottom - margin or highest > top + margin


def draw_references(axes: Axes) -> None:
    """Lines at 0 and 100, where they do not flatten what is drawn."""
    low, high = axes.get_ylim()
    reach = 0.25 * (high - low)
    scores = [score for score in _REFERENCES if low - reach <= score <= high + reach]
    for score in scores:
        axes.axhline(score, color="0.45", linestyle=(0, (2, 2)), linewidth=0.9, zorder=1)
        axes.annotate(
            _REFERENCES[score],
            xy=(1, score),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color="0.35",
        )
    if scores:
        margin = 0.03 * (high - low)
        axes.set_ylim(min(low, min(scores) - margin), max(high, max(scores) + margin))


def seed_range(seeds: pd.Series) -> str:
    """``n = 5``, or ``n = 2 to 5``; nothing if it is not known."""
    known = seeds.dropna()
    if known.empty:
        return ""
    low, high = int(known.min()), int(known.max())
    text = f"n = {low}" if low == high else f"n = {low} to {high}"
    return text.replace(" ", NO_BREAK)


def marked(name: str, frame: pd.DataFrame) -> str:
    """The name with the mark of stand-in data if some of its rows, which may have no column of that, are marked."""
    return f"{name} {STAND_IN}" if is_stand_in(frame) else name


def is_stand_in(frame: pd.DataFrame) -> bool:
    """Whether some row rests on stand-in data."""
    return "data" in frame and any(map(_is_marked, frame["data"].unique()))


def _is_marked(data: object) -> bool:
    return isinstance(data, str) and bool(data)


def _finite(parts: Iterable[Floats]) -> Floats:
    values = np.concatenate([np.zeros(0), *(np.asarray(part, dtype=np.float64).ravel() for part in parts)])
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
