"""Frames of figures, made by hand for tests of pictures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Sheet

from vitamin.analysis.pictures import print_style
from vitamin.analysis.plots import make_sheet
from vitamin.analysis.report.blocks import Figure, FigureKind

NAN = float("nan")


@contextmanager
def sheet_of(kind: FigureKind, frame: pd.DataFrame, **more: Any) -> Iterator[Sheet]:
    """The picture, in the style in which it is saved."""
    with print_style(parse_math=False):
        yield make_sheet(figure_of(kind, frame, **more))


def figure_of(kind: FigureKind, frame: pd.DataFrame, **more: Any) -> Figure:
    return Figure(more.pop("name", kind), kind, "A title", frame, "A caption.", "What is seen.", **more)


def curve(
    task: str,
    label: str,
    mean: Sequence[float],
    *,
    half: float = 2,
    seeds: Sequence[int] | int = 3,
    **more: Any,
) -> pd.DataFrame:
    """A curve with an evaluation every 1000 steps."""
    values = pd.Series(mean, dtype=float)
    columns = {"env_steps": [1000 * step for step in range(len(mean))], "mean": mean}
    ends = {"low": values - half, "high": values + half}
    rest = {"task": task, "label": label, "unit": "normalized", "seeds": seeds, "data": ""} | more
    return pd.DataFrame(columns | ends | rest)


def interval(
    scope: str, label: str, metric: str, value: float, low: float, high: float, **more: Any
) -> dict[str, Any]:
    return {
        "scope": scope,
        "label": label,
        "metric": metric,
        "value": value,
        "low": low,
        "high": high,
        "seeds": 3,
        "seeds_most": 3,
        "data": "",
    } | more


def legend_texts(sheet: Sheet) -> list[str]:
    (legend,) = sheet.legends
    return [text.get_text() for text in legend.get_texts()]


def notes(sheet: Sheet) -> str:
    """The notes below the legend."""
    return "\n".join(text.get_text() for text in sheet.texts)
