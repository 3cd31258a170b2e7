"""Probability of improvement (Agarwal et al. 2021): how often a run of one method is above a run of another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.bootstrap import Strata, draws, ends, widening
from vitamin.analysis.statistics.names import BAND_REPS, Floats
from vitamin.analysis.statistics.scopes import scopes_over_tasks

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

COLUMNS: Final = ("scope", "kind", "method_a", "method_b", "probability", "low", "high")


def improvement(scores: "Scores", *, reps: int = BAND_REPS, seed: int = 0) -> pd.DataFrame:
    """P(X > Y) of each pair of methods, averaged over the tasks that all share; a tie counts one half.

    Intervals are of a bootstrap that resamples both methods independently, widened as those of aggregates.

    Args:
        scores: What ``run_scores`` returned.
        reps: Resamples.
        seed: Of the resampling.

    Returns:
        Columns ``COLUMNS``, a row a pair; intervals are NaN where a method has a single run on a task.
    """
    parts = []
    for scope in scopes_over_tasks(scores)[0]:
        strata = list(scope.strata(scores.counted).values())
        counts = [
            draws(part.sizes, reps, np.random.RandomState([seed, rank])) for rank, part in enumerate(strata)
        ]
        labels = np.array(scope.labels, dtype=object)
        for first, one in enumerate(strata[:-1]):
            others = strata[first + 1 :]
            once = [np.ones((1, len(part.scores))) for part in strata]
            value = _above(one, others, once[first], once[first + 1 :])[0]
            low, high = ends(_above(one, others, counts[first], counts[first + 1 :]))
            factor = np.array([widening(one, other) for other in others])
            columns = {
                "scope": scope.name,
                "kind": scope.kind,
                "method_a": labels[first],
                "method_b": labels[first + 1 :],
                "probability": value,
                "low": np.clip(value + factor * np.minimum(low - value, 0), 0, 1),
                "high": np.clip(value + factor * np.maximum(high - value, 0), 0, 1),
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _above(one: Strata, others: Sequence[Strata], counts: Floats, other_counts: Sequence[Floats]) -> Floats:
    """P(X > Y) of one method and each of others, in each resample: (reps, others).

    Args:
        one: Scores of X.
        others: Scores of each Y, on the same tasks.
        counts: How often each run of X is in each resample (reps, R).
        other_counts: The same of each Y.
    """
    total = np.zeros((len(counts), len(others)))
    for task, (start, size) in enumerate(zip(one.starts, one.sizes, strict=True)):
        x = one.scores[start : start + size]
        where = [slice(other.starts[task], other.starts[task] + other.sizes[task]) for other in others]
        y = np.concatenate([other.scores[part] for other, part in zip(others, where, strict=True)])
        drawn = np.concatenate(
            [drawn[:, part] for drawn, part in zip(other_counts, where, strict=True)], axis=1
        )
        ahead = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        sizes = np.array([other.sizes[task] for other in others])
        pairs = (counts[:, start : start + size] @ ahead) * drawn
        total += np.add.reduceat(pairs, [0, *np.cumsum(sizes)[:-1]], axis=1) / (size * sizes)
    return np.asarray(total / len(one.sizes), dtype=np.float64)
