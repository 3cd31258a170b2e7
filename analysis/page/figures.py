"""Figures as a page's programs draw them: a specification, and the rows of each panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from vitamin.analysis.page.data import column, readable
from vitamin.analysis.page.vega import Ink, specification
from vitamin.analysis.report.blocks import Figure, FigureKind

POINTS: Final = 120
"""Of a curve in a panel, which is about 400 points wide."""
_SERIES: Final = 6
"""Colors of a second swept setting, ``--series-0`` and so on; more of them are told apart by their dashes."""
_DASHES: Final = ((), (4, 2), (1, 1), (6, 2, 1, 2))
_ALONG: Final[Mapping[str, str]] = {"curves": "env_steps", "efficiency": "x", "profiles": "threshold"}
_STEPS, _HOURS = "online environment steps", "wall-clock hours"


_LONG: Final = 20
"""Characters of a label."""


@dataclass(frozen=True)
class Panel:
    """One of a figure's charts.

    Attributes:
        title: What it is about.
        unit: What its vertical axis measures, empty if the title says it.
    """

    title: str
    unit: str = ""

    @property
    def name(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


@dataclass(frozen=True)
class Chart:
    """A figure, prepared.

    Attributes:
        panels: Its charts.
        inks: What is drawn with what.
        follows: Whether inks stand for methods, which a reader can choose.
        content: What the programs need.
        notes: What was left out.
    """

    panels: tuple[Panel, ...]
    inks: tuple[Ink, ...]
    follows: bool
    content: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def is_long(self) -> bool:
        """Whether a label takes more room than a narrow panel has beside its marks."""
        return any(len(ink.label) > _LONG for ink in self.inks)


def prepare(figure: Figure, inks: Mapping[str, Ink], *, runs: bool = True, points: int = POINTS) -> Chart:
    """A figure's panels, specification and rows.

    Args:
        figure: The figure.
        inks: Of each label of the page.
        runs: Whether single runs are drawn, where the figure has them.
        points: How many points a curve has at most.
    """
    frame, x = _with_x(figure.frame, figure)
    frame, follows = _with_labels(frame, figure.kind)
    drawn = _inks(frame, inks, follows=follows)
    keys, panels = _panels(frame, figure.kind)
    places = {key: place for place, key in enumerate(panels)}
    notes = []
    along = _ALONG.get(figure.kind)
    kept = frame
    if along is not None:
        kept = _thinned(frame, [keys, frame["label"]], points)
        if len(kept) < len(frame):
            notes.append(f"At most {points} points of a curve are drawn.")
    content = {
        "kind": figure.kind,
        "spec": specification(figure.kind, drawn, x=x),
        "panels": [panel.title for panel in panels.values()],
        "rows": _columns(kept, keys.loc[kept.index].map(places)),
        "follows": follows,
    }
    if figure.kind == "curves" and figure.runs is not None and not figure.runs.empty:
        if runs:
            lines = figure.runs[figure.runs["task"].isin(panels)].reset_index(drop=True)
            lines = _thinned(lines, [lines["task"], lines["label"], lines["seed"]], points)
            content["runs"] = _columns(
                lines[["label", "seed", "env_steps", "score"]], lines["task"].map(places)
            )
        else:
            notes.append("Single runs are not drawn here, for the page would be too large.")
    return Chart(tuple(panels.values()), drawn, follows, content, tuple(notes))


def _columns(frame: pd.DataFrame, at: "pd.Series[Any]") -> dict[str, Any]:
    """The frame by columns; ``at`` says for each row in which panel it is."""
    columns = {str(name): column(frame[name]) for name in frame.columns}
    return {"columns": columns, "at": [int(place) for place in at]}


def _with_x(frame: pd.DataFrame, figure: Figure) -> tuple[pd.DataFrame, str]:
    """The frame with what is drawn along the horizontal axis in ``x``, and the title of that axis."""
    frame = frame.reset_index(drop=True)
    match figure.kind:
        case "curves":
            return frame, _STEPS
        case "efficiency":
            names = {"env_steps": _STEPS, "hours": _HOURS}
            named = next((name for name in names if name in frame.columns), None)
            if named is not None:
                return frame.rename(columns={named: "x"}), names[named]
            return frame, _HOURS if "hours" in figure.name else _STEPS
        case "ablation":
            title = _only(frame["x_name"])
            numeric = pd.to_numeric(frame["x"], errors="coerce")
            if numeric.notna().all():
                return frame.assign(x=numeric), title
            return frame.assign(x=frame["x"].map(str)), f"*{title}"
        case _:
            return frame, ""


def _only(names: "pd.Series[Any]") -> str:
    return readable(", ".join(map(str, dict.fromkeys(names))))


def _with_labels(frame: pd.DataFrame, kind: FigureKind) -> tuple[pd.DataFrame, bool]:
    """The frame with what has a color in ``label``, and whether these are labels of methods."""
    match kind:
        case "ablation":
            names = frame["z"].where(frame["z"].notna(), "").map(str)
            prefix = frame["z_name"].where(frame["z_name"].notna(), "").map(str)
            single = (names == "") & (prefix == "")
            labels = (prefix + " = " + names).where(~single, frame["method"].map(str))
            return frame.assign(label=labels), False
        case "improvement":
            pairs = frame["method_a"].astype(str) + " > " + frame["method_b"].astype(str)
            return frame.assign(pair=pairs, label=frame["method_a"]), True
        case _:
            return frame, True


def _inks(frame: pd.DataFrame, inks: Mapping[str, Ink], *, follows: bool) -> tuple[Ink, ...]:
    names = [str(label) for label in dict.fromkeys(frame["label"])]
    if not follows:
        return tuple(
            Ink(readable(name), f"var(--series-{place % _SERIES})", _DASHES[place // _SERIES % len(_DASHES)])
            for place, name in enumerate(names)
        )
    if "method_b" in frame.columns:
        names += [str(label) for label in dict.fromkeys(frame["method_b"]) if label not in names]
    known = [name for name in inks if name in names]
    others = [Ink(readable(name), "var(--quiet)") for name in names if name not in inks]
    return (*(inks[name] for name in known), *others)


def _panels(frame: pd.DataFrame, kind: FigureKind) -> tuple["pd.Series[Any]", dict[str, Panel]]:
    """For each row the key of its panel, and the panels by key in their order."""
    by: Sequence[str]
    match kind:
        case "curves":
            by = ("task",)
        case "ablation":
            by = ("task", "method") if len(frame["method"].unique()) > 1 else ("task",)
        case "intervals":
            by = ("scope", "metric")
        case _:
            by = ("scope",)
    parts = [frame[name].map(str) for name in by]
    keys = parts[0] if len(parts) == 1 else parts[0] + ": " + parts[1]
    units = _units(frame, kind)
    first = ~keys.duplicated()
    panels = {key: Panel(readable(key), unit) for key, unit in zip(keys[first], units[first], strict=True)}
    return keys, panels


def _units(frame: pd.DataFrame, kind: FigureKind) -> "pd.Series[Any]":
    """The unit of the vertical axis of each row's panel."""
    if "unit" in frame.columns and kind in ("curves", "intervals"):
        return frame["unit"].map(lambda unit: {"normalized": "normalized score"}.get(unit, str(unit)))
    fixed = {"profiles": "share of runs above", "efficiency": "IQM of scores", "ablation": "final score"}
    return pd.Series(fixed.get(kind, ""), index=frame.index)


def _thinned(frame: pd.DataFrame, by: "list[pd.Series[Any]]", most: int) -> pd.DataFrame:
    """At most ``most`` rows a group, evenly chosen, and its last."""
    groups = frame.groupby(by, sort=False, observed=True, dropna=False)
    size = groups[frame.columns[0]].transform("size")
    rank = groups.cumcount()
    step = ((size - 1) / max(1, most - 1)).clip(lower=1)
    return frame[(rank // step != (rank - 1) // step) | (rank == size - 1)]
