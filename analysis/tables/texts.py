"""Numbers as tables write them: with a real minus, and never as nan, an infinity or a negative zero."""

import math
import re
from collections.abc import Iterable
from typing import Final

from vitamin.analysis.table import NOTHING
from vitamin.analysis.units import NORMALIZED

SUITE_TITLES: Final = {"mujoco": "MuJoCo", "adroit": "Adroit", "antmaze": "AntMaze", "maze2d": "Maze2D"}
_MINUS: Final = "\N{MINUS SIGN}"
_SPACE: Final = "\N{NO-BREAK SPACE}"
_LARGEST: Final = 1e7  # beyond it digits after the point are noise, and columns too wide
_SMALLEST_P: Final = 0.001


def digits_of(unit: str) -> int:
    """Digits after the point: two of normalized scores, as the paper has them, one of returns."""
    return 2 if unit == NORMALIZED else 1


def suite_title(suite: str) -> str:
    """A suite's name as a heading has it."""
    return SUITE_TITLES.get(suite, "Other tasks")


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A number with ``digits`` digits after the point; a dash if it is none."""
    if not math.isfinite(value):
        return NOTHING
    kind = "f" if abs(value) < _LARGEST else "e"
    text = f"{value:{'+' if signed else ''}.{digits}{kind}}"
    if float(text) == 0:
        text = text.replace("-", "+" if signed else "")
    return text.replace("-", _MINUS)


def sortable(value: float) -> float | None:
    """The value by which a page sorts a cell: the number, None if it is none."""
    return float(value) if math.isfinite(value) else None


def with_spread(mean: float, deviation: float, digits: int = 2, *, signed: bool = False) -> str:
    """``89.07 ± 2.10``; without a deviation, as of a single seed, the mean alone."""
    text = number(mean, digits, signed=signed)
    return (
        f"{text} ± {number(deviation, digits)}" if math.isfinite(mean) and math.isfinite(deviation) else text
    )


def with_interval(value: float, low: float, high: float, digits: int = 2, *, signed: bool = False) -> str:
    """``89.07 [80.00, 95.00]``; a dash between the brackets if the interval is undefined."""
    text = number(value, digits, signed=signed)
    if not math.isfinite(value):
        return text
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{text} [{NOTHING}]"
    return f"{text} [{number(low, digits, signed=signed)}, {number(high, digits, signed=signed)}]"


def whole(value: float) -> str:
    """``10 000``: a count, groups of three digits apart by spaces that do not break."""
    return f"{round(value):,}".replace(",", _SPACE).replace("-", _MINUS) if math.isfinite(value) else NOTHING


def step_text(steps: Iterable[float]) -> str:
    """``10 000``, or ``10 000 to 20 000`` if they differ; empty if there are none."""
    known = [step for step in steps if math.isfinite(step)]
    if not known:
        return ""
    first, last = whole(min(known)), whole(max(known))
    return first if first == last else f"{first} to {last}"


def probability(p: float) -> str:
    """``0.034``, ``< 0.001``."""
    if not math.isfinite(p):
        return NOTHING
    return f"{p:.3f}" if p >= _SMALLEST_P else f"< {_SMALLEST_P}"


def count_text(count: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{whole(count)} {noun}{'' if count == 1 else 's'}"


def capital(text: str) -> str:
    """With a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def sentences(*texts: str) -> str:
    """Sentences joined, empty ones left out."""
    return " ".join(filter(None, texts))


def slug(text: str) -> str:
    """A name that any file system takes: ``all tasks (24)`` → ``all-tasks-24``."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "unnamed"
