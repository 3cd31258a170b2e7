"""From scores of runs to what they support: estimates with intervals, comparisons with tests, verdicts in words.

Scores are on the 0-100 scale. The optimality gap is the mean amount by which scores fall short of 100, smaller being
better (Agarwal et al. 2021; rliable takes scores divided by 100 and γ = 1).
"""

from vitamin.analysis.statistics.aggregates import Aggregates, aggregate, summarize
from vitamin.analysis.statistics.comparisons import Comparisons, compare
from vitamin.analysis.statistics.efficiency import efficiency
from vitamin.analysis.statistics.improvement import improvement
from vitamin.analysis.statistics.names import (
    CONFIDENCE,
    DEFAULT_REPS,
    IQM,
    MEAN,
    MEDIAN,
    METRICS,
    OPTIMALITY_GAP,
    Floats,
)
from vitamin.analysis.statistics.profiles import profiles
from vitamin.analysis.statistics.verdicts import headlines, not_worse, sentences, within_ten_percent

__all__ = [
    "CONFIDENCE",
    "DEFAULT_REPS",
    "IQM",
    "MEAN",
    "MEDIAN",
    "METRICS",
    "OPTIMALITY_GAP",
    "Aggregates",
    "Comparisons",
    "Floats",
    "aggregate",
    "compare",
    "efficiency",
    "headlines",
    "improvement",
    "not_worse",
    "profiles",
    "sentences",
    "summarize",
    "within_ten_percent",
]
