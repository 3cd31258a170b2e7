"""The marks behind numbers, and the sentences that explain them where they occur."""

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from vitamin.analysis.tables.texts import sentences
from vitamin.analysis.wording import listed

PARTIAL: Final = "†"
STAND_IN: Final = "‡"
WITHIN: Final = "°"

BOLD_TEXT: Final = "Bold: the best, and whatever the tests do not tell apart from it."
_PARTIAL_TEXT: Final = f"{PARTIAL} counts a run that diverged or is unfinished."
_WITHIN_TEXT: Final = (
    f"{WITHIN} not the best, but within 10 % of it (what the paper highlights; it is no test)."
)

_PREFIX: Final = "stand-in: "  # of the label that `vitamin data collect` gives

Places = Mapping[tuple[str, str], str]
"""Stand-ins for the data, by scope (a task or several) and label; empty where the data are the task's own."""


def explained(used: Iterable[str], stand_ins: Places | None = None) -> str:
    """The sentences on those marks that occur.

    Args:
        used: Texts in which marks may occur, such as those of all cells.
        stand_ins: What the marked data are.
    """
    text = "".join(used)
    return sentences(
        _PARTIAL_TEXT if PARTIAL in text else "",
        _WITHIN_TEXT if WITHIN in text else "",
        stand_in_text(stand_ins or {}) if STAND_IN in text else "",
    )


def stand_in_text(places: Places) -> str:
    """Which data stand in, and where: the methods too, if only some of a task's have them."""
    on_scope: dict[str, dict[str, list[str]]] = {}
    for (scope, label), data in places.items():
        on_scope.setdefault(scope, {}).setdefault(data, []).append(label)
    where: dict[str, list[str]] = {}
    for scope, of_data in on_scope.items():
        for data, labels in of_data.items():
            if data:
                whose = f": {listed(labels)}" if len(of_data) > 1 else ""
                where.setdefault(data, []).append(f"{scope}{whose}")
    kinds = "; ".join(f"{stand_in(data)} ({listed(scopes)})" for data, scopes in where.items())
    return f"{STAND_IN} stand-in data, not the task's published dataset{f': {kinds}' if kinds else ''}."


def stand_in(label: str) -> str:
    """The stand-in by the label of the data: sentences name it after the words "stand-in data"."""
    return label.removeprefix(_PREFIX)


def task_stand_ins(counted: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The stand-ins for the data of each task and label.

    Args:
        counted: Rows of ``Scores.frame`` that count: columns ``task``, ``label``, ``data``.
    """
    return _stand_ins(counted.rename(columns={"task": "scope"}))


def scope_stand_ins(aggregates: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The stand-ins for the data of each scope and label.

    Args:
        aggregates: ``Aggregates.frame``: columns ``scope``, ``label``, ``data``.
    """
    return _stand_ins(aggregates)


def _stand_ins(frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    rows = frame[["scope", "label"]].assign(data=frame["data"].fillna("")).drop_duplicates()
    for scope, label, data in rows.itertuples(index=False):
        found.setdefault((str(scope), str(label)), {})[data] = None
    return {key: "; ".join(filter(None, data)) for key, data in found.items()}


def marked_if(text: str, *data: str | None) -> str:
    """The text, with the mark of stand-in data if any of these are.

    Labels are never marked: a page finds the rows of a method by them.
    """
    return f"{text} {STAND_IN}" if any(data) else text


def common_stand_in(places: Places, scope: str, labels: Iterable[str]) -> str:
    """The data that stand in for all of these labels alike, so that the scope is marked and not each method."""
    data = {places.get((scope, label), "") for label in labels}
    return data.pop() if len(data) == 1 else ""
