"""The content of a suite's table of scores, and the sentences below it."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from vitamin.analysis.tables.texts import capital, count_text, sentences, step_text
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

Row = Mapping[Hashable, float]


@dataclass(frozen=True)
class Suite:
    """The values from which the table of a suite is made.

    Attributes:
        tasks: In the order of rows, each with its unit.
        labels: In the order of columns.
        means: Of each task and label with runs that count: a row of ``summarize``.
        partial: How many runs behind each of these did not finish.
        stand_ins: What stands in for their data.
    """

    name: str
    tasks: Mapping[str, str]
    labels: tuple[str, ...]
    means: Mapping[tuple[str, str], Row]
    partial: Mapping[tuple[str, str], int] = field(default_factory=dict)
    stand_ins: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def usual_seeds(self) -> int:
        """The most frequent number of seeds, the smallest of several."""
        cells = Counter(int(row["seeds"]) for row in self.means.values())
        return min(cells, key=lambda seeds: (-cells[seeds], seeds), default=0)

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """Labels with any normalized score: the others narrow no average."""
        normalized = {label for (task, label) in self.means if self.tasks[task] == NORMALIZED}
        return tuple(label for label in self.labels if label in normalized)

    @cached_property
    def averaged(self) -> tuple[str, ...]:
        """Tasks with normalized scores of all ``compared``; none if there are fewer than two, as aggregates have it."""
        shared = tuple(
            task
            for task, unit in self.tasks.items()
            if unit == NORMALIZED and all((task, label) in self.means for label in self.compared)
        )
        return shared if self.compared and len(shared) > 1 else ()


def seeds_text(suite: Suite) -> str:
    """How many seeds are behind a cell."""
    usual = suite.usual_seeds
    if not usual:
        return "No run counts."
    differs = any(row["seeds"] != usual for row in suite.means.values())
    return f"{capital(count_text(usual, 'seed'))}{' unless n says otherwise' if differs else ' each'}."


def steps_text(steps: Sequence[float]) -> str:
    """At which online steps methods are compared."""
    text = step_text(steps)
    return (
        f"Compared at {text} online steps{'' if len(set(steps)) == 1 else ', each task at one step'}."
        if text
        else ""
    )


def average_text(suite: Suite) -> str:
    """Which rows the average is of, and what it leaves out."""
    normalized = [task for task, unit in suite.tasks.items() if unit == NORMALIZED]
    missing = [task for task in suite.tasks if task not in suite.averaged]
    if len(suite.tasks) < 2:
        return ""
    if not suite.averaged:
        few = (
            "fewer than two tasks have normalized scores of every method"
            if normalized
            else "the scores are returns"
        )
        return f"No average: {few}."
    idle = [label for label in suite.labels if label not in suite.compared]
    return sentences(
        f"The average is that of the {len(suite.averaged)} rows in which every method has a score.",
        f"It leaves out {listed(missing)}." if missing else "",
        f"No run of {listed(idle)} counts." if idle else "",
    )
