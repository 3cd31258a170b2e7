"""The evaluations that make a run's final score, and the area under its curve."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from vitamin.analysis.choice import FinalRule

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Online:
    """The online evaluations of R runs, one run after the other; E in all.

    Attributes:
        row: Number of the run of each, ascending, (E,).
        steps: Online steps, ascending within a run, (E,).
        first: Number of each run's first evaluation, (R,).
        end: Number after its last one, (R,).
    """

    row: Integers
    steps: Floats
    first: Integers
    end: Integers

    @classmethod
    def of(cls, evaluations: pd.DataFrame, runs: int) -> Self:
        """From columns ``row`` and ``env_steps``, sorted by run and iteration."""
        row = evaluations["row"].to_numpy(dtype=np.int64)
        numbers = np.arange(runs)
        return cls(
            row=row,
            steps=evaluations["env_steps"].to_numpy(dtype=np.float64),
            first=np.searchsorted(row, numbers, side="left"),
            end=np.searchsorted(row, numbers, side="right"),
        )

    @property
    def has_any(self) -> Flags:
        """Which runs have online evaluations, (R,)."""
        return self.end > self.first

    @property
    def last(self) -> Integers:
        """Number of each run's last evaluation, -1 without, (R,)."""
        return np.where(self.has_any, self.end - 1, -1)

    def take(self, values: Floats, chosen: Integers) -> Floats:
        """The values (E,) of the chosen evaluations (R,); NaN for -1."""
        taken = np.full(len(chosen), np.nan)
        taken[chosen >= 0] = values[chosen[chosen >= 0]]
        return taken

    def nearest(self, steps: Floats) -> Integers:
        """Number of each run's evaluation nearest to ``steps`` (R,), of two the earlier one; -1 without, (R,)."""
        distance = np.abs(self.steps - steps[self.row])
        chosen = np.full(len(self.first), -1)
        if len(distance):
            smallest = np.full(len(self.first), np.nan)
            smallest[self.has_any] = np.minimum.reduceat(distance, self.first[self.has_any])
            hits = np.flatnonzero(distance == smallest[self.row])
            rows, places = np.unique(self.row[hits], return_index=True)
            chosen[rows] = hits[places]
        return chosen


@dataclass(frozen=True)
class Final:
    """Final scores from the evaluations up to a chosen one, by a rule; NaN for runs without.

    Attributes:
        score: (R,).
        success: Success rate, (R,).
        steps: Online steps of the evaluation that counts, the last one for a mean, (R,).
        count: Number of evaluations that the rule looked at, (R,).
    """

    score: Floats
    success: Floats
    steps: Floats
    count: Integers


def final_scores(online: Online, score: Floats, success: Floats, chosen: Integers, rule: FinalRule) -> Final:
    """The final score of each run if the ``chosen`` evaluations (R,) are its last ones.

    Args:
        online: The evaluations.
        score: Their scores, (E,).
        success: Their success rates, (E,).
        chosen: Number of each run's last evaluation that counts, -1 without, (R,).
        rule: How a final score is made.
    """
    begin = online.first if rule.count is None else np.maximum(online.first, chosen - rule.count + 1)
    count = np.where(chosen >= 0, chosen - begin + 1, 0)
    best = chosen
    if rule.kind != "last":
        number = np.arange(len(online.row))
        inside = (number >= begin[online.row]) & (number <= chosen[online.row])
        rows = online.row[inside]
        if rule.kind == "mean":
            means = pd.DataFrame({"score": score[inside], "success": success[inside]}).groupby(rows).mean()
            means = means.reindex(range(len(chosen)))
            steps = online.take(online.steps, chosen)
            return Final(means["score"].to_numpy(), means["success"].to_numpy(), steps, count)
        found = pd.Series(score[inside], index=number[inside]).groupby(rows).idxmax()
        best = np.full(len(chosen), -1)
        best[found.index] = found.to_numpy()
    return Final(
        score=online.take(score, best),
        success=online.take(success, best),
        steps=online.take(online.steps, best),
        count=count,
    )


def areas(online: Online, score: Floats, chosen: Integers, pretrained: Floats, held_to: Floats) -> Floats:
    """Mean score over online steps, by trapezoids, from the pretrained score at step 0 to the chosen evaluation, (R,).

    Args:
        online: The evaluations.
        score: Their scores, (E,).
        chosen: The last evaluation that is looked at, -1 without, (R,).
        pretrained: Score at step 0; NaN where there is none: then from the first evaluation on, (R,).
        held_to: Step to which the last score is held, NaN if it is not, (R,).
    """
    number = np.arange(len(online.row))
    inside = number <= chosen[online.row]
    inner = inside[1:] & (online.row[1:] == online.row[:-1])
    pieces = np.diff(online.steps) * (score[1:] + score[:-1]) / 2
    area = np.bincount(online.row[1:][inner], weights=pieces[inner], minlength=len(chosen)).astype(np.float64)
    begins_at_zero = np.isfinite(pretrained)
    first = np.where(online.has_any, online.first, -1)
    first_step, first_score = online.take(online.steps, first), online.take(score, first)
    area += np.where(begins_at_zero & online.has_any, first_step * (pretrained + first_score) / 2, 0)
    last_step = np.where(online.has_any, online.take(online.steps, chosen), 0)
    last_score = np.where(online.has_any, online.take(score, chosen), pretrained)
    more = np.fmax(held_to - last_step, 0)
    span = last_step + more - np.where(begins_at_zero | ~online.has_any, 0, first_step)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (area + more * last_score) / span
    return np.where(span > 0, mean, last_score)
