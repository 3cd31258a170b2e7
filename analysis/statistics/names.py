"""Names and defaults that all statistics share."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

CONFIDENCE: Final = 0.95
DEFAULT_REPS: Final = 2000
BAND_REPS: Final = 500
"""Resamples of what has many intervals side by side: a point of a band, a pair of methods."""

MEAN: Final = "mean"
MEDIAN: Final = "median"
IQM: Final = "IQM"
OPTIMALITY_GAP: Final = "optimality gap"
METRICS: Final = (MEAN, MEDIAN, IQM, OPTIMALITY_GAP)

TASK: Final = "task"
SUITE: Final = "suite"
ALL: Final = "all"
"""Kinds of scopes: one task, the tasks of a suite, all tasks."""

Floats = NDArray[np.float64]
