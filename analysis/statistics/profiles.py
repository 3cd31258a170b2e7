"""Performance profiles and sample efficiency over tasks (Agarwal et al. 2021)."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.bootstrap import Draws, ends, widening
from vitamin.analysis.statistics.names import BAND_REPS
from vitamin.analysis.statistics.scopes import scopes_over_tasks

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

PROFILE_COLUMNS: Final = ("scope", "kind", "label", "threshold", "share", "low", "high")
_THRESHOLDS: Final = 101
_BEST: Final = 100.0


def profiles(scores: "Scores", *, reps: int = BAND_REPS, seed: int = 0) -> pd.DataFrame:
    """Share of runs whose final score is above a threshold, by threshold: the distribution of scores over runs.

    Each of the tasks that all methods share has the same weight. Bands are pointwise, of rliable's stratified
    bootstrap, widened as the intervals of aggregates.

    Args:
        scores: What ``run_scores`` returned.
        reps: Resamples.
        seed: Of the resampling.

    Returns:
        Columns ``PROFILE_COLUMNS``: 101 thresholds from 0 to 100, or to the highest score if that is more.
    """
    parts = []
    drawn = Draws(reps, seed)
    for scope in scopes_over_tasks(scores)[0]:
        strata = scope.strata(scores.counted)
        highest = max(_BEST, *(part.scores.max() for part in strata.values()))
        thresholds = np.linspace(0, highest, _THRESHOLDS)
        for label, part in strata.items():
            above = part.weights[:, None] * (part.scores[:, None] > thresholds)
            share = above.sum(axis=0)
            low, high = ends(drawn.of(part.sizes) @ above)
            factor = widening(part)
            columns = {
                "scope": scope.name,
                "kind": scope.kind,
                "label": label,
                "threshold": thresholds,
                "share": share,
                "low": np.clip(share + factor * (low - share), 0, 1),
                "high": np.clip(share + factor * (high - share), 0, 1),
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(PROFILE_COLUMNS))
