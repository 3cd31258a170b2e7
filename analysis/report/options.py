"""The options of a report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from vitamin.analysis.choice import Choice
from vitamin.analysis.curves import Band
from vitamin.errors import ReportError, nearest

Interval = Literal["t", "rliable"]
Format = Literal["html", "md", "csv", "latex", "pdf"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
DEFAULT_FORMATS: Final[tuple[Format, ...]] = ("html", "md", "csv")
DEFAULT_REPS: Final = 2000
PAPER: Final = "paper"


@dataclass(frozen=True)
class ReportOptions:
    """The choices.

    Attributes:
        choice: Which runs and which of their evaluations.
        against: ``paper``, or another folder of results; None for neither.
        formats: What is written.
        interval: ``t``: t intervals on tasks, widened bootstrap intervals over tasks; ``rliable``: rliable's own.
        std: Bands of curves are a standard deviation to either side.
        reps: Bootstrap resamples.
        seed: Of the resampling; the same input gives the same bytes.
    """

    choice: Choice = field(default_factory=Choice)
    against: str | None = None
    formats: tuple[Format, ...] = DEFAULT_FORMATS
    interval: Interval = "t"
    std: bool = False
    reps: int = DEFAULT_REPS
    seed: int = 0

    @property
    def band(self) -> Band:
        """The kind of the bands of learning curves."""
        return "std" if self.std else self.interval


def parse_formats(texts: Sequence[str]) -> tuple[Format, ...]:
    """The formats in ``html,md``, given once or several times, in the order of `FORMATS`.

    Raises:
        ReportError: If one is unknown.
    """
    asked = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    for name in asked:
        if name not in FORMATS:
            raise ReportError(f"No format {name!r}.{nearest(name, FORMATS)} There are {', '.join(FORMATS)}.")
    return tuple(name for name in get_args(Format) if name in asked) or DEFAULT_FORMATS


def parse_interval(text: str) -> Interval:
    """``t`` or ``rliable``.

    Raises:
        ReportError: If it is neither.
    """
    for name in get_args(Interval):
        if text == name:
            return cast(Interval, name)
    raise ReportError(f"No interval {text!r}. There are {' and '.join(get_args(Interval))}.")
