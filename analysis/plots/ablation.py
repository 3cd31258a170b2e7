"""Ablations: final scores against a swept setting."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.transforms import ScaledTranslation

from vitamin.analysis.plots.axes import (
    MOST_STYLED,
    Floats,
    columns_of,
    draw_rest,
    is_stand_in,
    marked,
    say_empty,
    seed_range,
    set_score_limits,
)
from vitamin.analysis.plots.sheet import (
    MOST_COLUMNS,
    NOTE_SIZE,
    PANEL,
    TEXT_SIZE,
    Legend,
    is_lowest,
    make_panels,
)
from vitamin.analysis.plots.texts import STAND_IN_TEXT, line_count, text_width, wrapped
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.styles import Style, label_styles

_LOG_SPREAD: Final = 20
"""From the smallest to the largest positive value: above this an axis is logarithmic."""
_DODGE: Final = 3.0  # points between lines
_MOST_DODGED: Final = 0.4  # between the first and the last, of the distance of values
_BAND_REACH: Final = 2.0
_MARGIN: Final = 0.06
_LEAST_TICK_WIDTH, _MOST_TICK_WIDTH = 0.35, 0.9  # inches


def ablation_sheet(figure: Figure) -> Sheet:
    """A panel for each task, a line for each method and value of the second setting."""
    frame = figure.frame.assign(line=_line_names(figure.frame))
    tasks = list(dict.fromkeys(frame["task"]))
    styles = label_styles(list(dict.fromkeys(frame["line"]))[:MOST_STYLED])
    values = _numbers(frame["x"])
    names = [] if values is not None else _categories(frame["x"])
    frame["place"] = values if values is not None else frame["x"].map(lambda value: names.index(_text(value)))
    ticks = _tick_texts(names)
    titles = [marked(str(task), frame[frame["task"] == task]) for task in tasks]
    sheet, panels = make_panels(titles, tick_lines=max(map(line_count, ticks), default=1))
    cut = False
    for place, (task, axes) in enumerate(zip(tasks, panels, strict=True)):
        part = frame[frame["task"] == task]
        if np.isfinite(part["mean"].to_numpy(dtype=np.float64)).any():
            cut |= _draw_panel(sheet, axes, part, styles, connected=values is not None)
            _scale(sheet, axes, frame["place"].to_numpy(dtype=np.float64), ticks)
        else:
            say_empty(axes)
        if place % MOST_COLUMNS == 0:
            axes.set_ylabel("Final score")
        if is_lowest(place, len(tasks)):
            axes.set_xlabel(wrapped(str(frame["x_name"].iloc[0]), PANEL[0], TEXT_SIZE))
    _legend(frame, styles, cut=cut).draw(sheet)
    return sheet


def _line_names(frame: pd.DataFrame) -> list[str]:
    """``TD3+ODT``, or ``TD3+ODT, eval_context_length=5``: as labels of methods are spelled."""
    return [
        f"{method}, {z_name}={_text(z)}" if z_name else str(method)
        for method, z_name, z in zip(frame["method"], frame["z_name"].fillna(""), frame["z"], strict=True)
    ]


def _numbers(values: pd.Series) -> Floats | None:
    """The values as numbers, if all are; texts of numbers are, booleans are not."""
    if any(isinstance(value, bool | np.bool_) for value in values):
        return None
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    return numbers if np.isfinite(numbers).all() else None


def _categories(values: pd.Series) -> list[str]:
    """Distinct texts: numbers first, ascending, the others in the frame's order."""
    texts = list(dict.fromkeys(_text(value) for value in values))
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    keyed = sorted(
        range(len(texts)), key=lambda place: (bool(numbers.isna()[place]), numbers.fillna(0)[place], place)
    )
    return [texts[place] for place in keyed]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _draw_panel(
    sheet: Sheet, axes: Axes, part: pd.DataFrame, styles: Mapping[str, Style], *, connected: bool
) -> bool:
    """Means with intervals, lines a little beside each other; categories, which have no order, are not connected."""
    lines = {line: group.sort_values("place") for line, group in part.groupby("line", observed=True)}
    rest = [columns_of(group, "place", "mean") for line, group in lines.items() if line not in styles]
    draw_rest(axes, [np.stack(points, axis=1) for points in rest] if connected else [])
    room = _MOST_DODGED * PANEL[0] * 72 / part["place"].nunique()
    distance = min(_DODGE if connected else 2 * _DODGE, room / len(styles))
    for rank, (line, style) in enumerate(styles.items()):
        if line not in lines:
            continue
        x, mean, low, high = columns_of(lines[line], "place", "mean", "low", "high")
        known = np.isfinite(mean) & np.isfinite(low) & np.isfinite(high)
        shift = distance * (rank - (len(styles) - 1) / 2) / 72
        beside = axes.transData + ScaledTranslation(shift, 0, sheet.dpi_scale_trans)
        axes.errorbar(
            x[known],
            mean[known],
            np.maximum(np.stack([mean - low, high - mean])[:, known], 0),
            fmt="none",
            ecolor=style.color,
            elinewidth=0.9,
            capsize=2,
            transform=beside,
        )
        axes.plot(
            x,
            mean,
            color=style.color,
            linestyle=style.line if connected else "",
            linewidth=1.4,
            marker=style.marker,
            markersize=4.5,
            transform=beside,
        )
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    ends = [part["low"].to_numpy(), part["high"].to_numpy()]
    return set_score_limits(axes, [part["mean"].to_numpy()], ends, reach=_BAND_REACH)


def _scale(sheet: Sheet, axes: Axes, places: Floats, texts: Sequence[str]) -> None:
    """Ticks at the values of the sweep, on a linear or logarithmic axis, or at its categories."""
    if texts:
        axes.set_xticks(range(len(texts)), texts, fontsize=NOTE_SIZE)
        axes.set_xlim(-0.5, len(texts) - 0.5)
        return
    values = np.unique(places)
    positive = values[values > 0]
    if len(positive) > 1 and positive[-1] / positive[0] >= _LOG_SPREAD:
        if values[0] > 0:
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=positive[0], linscale=0.6)
    scale = axes.xaxis.get_transform()
    first, last = scale.transform(values[[0, -1]])
    margin = _MARGIN * (last - first) or 0.5
    axes.set_xlim(*scale.inverted().transform([first - margin, last + margin]))
    axes.minorticks_off()
    shown = _apart(sheet, axes, values)
    axes.set_xticks(shown, [f"{value:g}" for value in shown], fontsize=NOTE_SIZE)


def _tick_texts(names: Sequence[str]) -> list[str]:
    """Categories in lines that are as wide as there is room below a panel."""
    width = min(_MOST_TICK_WIDTH, max(_LEAST_TICK_WIDTH, PANEL[0] / max(len(names), 1)))
    return [wrapped(name, width, NOTE_SIZE) for name in names]


def _apart(sheet: Sheet, axes: Axes, values: Floats) -> Floats:
    """Those of the values whose texts do not overlap, from the left."""
    inches = axes.transData.transform(np.column_stack([values, np.zeros_like(values)]))[:, 0] / sheet.dpi
    shown: list[int] = []
    end = -np.inf
    for place, (value, middle) in enumerate(zip(values, inches, strict=True)):
        half = text_width(f"{value:g}", NOTE_SIZE) / 2
        if middle - half > end + 0.06:
            shown.append(place)
            end = middle + half
    return values[shown]


def _legend(frame: pd.DataFrame, styles: Mapping[str, Style], *, cut: bool) -> Legend:
    legend = Legend()
    by_line = dict(tuple(frame.groupby("line", observed=True)))
    for line, style in styles.items():
        seeds = seed_range(by_line[line]["seeds"])
        name = marked(line, by_line[line])
        legend.add_style(style, f"{name} ({seeds})" if seeds else name)
    legend.add_rest(len(by_line) - len(styles))
    notes = [frame.attrs.get("band", "points: means over n seeds; intervals as the caption says")]
    if cut:
        notes.append("wide intervals are cut")
    if is_stand_in(frame):
        notes.append(STAND_IN_TEXT)
    legend.notes.append("; ".join(notes))
    return legend
