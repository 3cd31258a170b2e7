"""The CSV files beside a report's page, column by column."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from vitamin.analysis import columns
from vitamin.analysis.schema import Column
from vitamin.analysis.score_columns import SCORE_COLUMNS

_RUN: Final = Column("run", "str", "key of the run: path of its folder, relative to the results")
_TASK: Final = Column("task", "str", "name of the task")
_SUITE: Final = Column("suite", "str", "`mujoco`, `adroit`, `antmaze`, `maze2d` or `other`")
_LABEL: Final = Column("label", "str", "the method, with the settings that tell its experiments apart")
_UNIT: Final = Column(
    "unit", "str", "`normalized` (0-100), or `return` where the task has no reference scores, or several"
)
_DATA: Final = Column("data", "str", "what stands in for the task's published dataset; empty if nothing does")
_SCOPE: Final = Column("scope", "str", "the task, or several tasks with their number: `mujoco (12 tasks)`")
_KIND: Final = Column("kind", "str", "`task`, `suite` or `all`")

RUN_COLUMNS: Final = (
    *columns.RUN_COLUMNS,
    *(column for column in columns.TIMING_COLUMNS if column.name not in columns.names(columns.RUN_COLUMNS)),
)
AGGREGATE_COLUMNS: Final = (
    _SCOPE,
    _KIND,
    Column("tasks", "int64", "how many"),
    _LABEL,
    Column("metric", "str", "`mean`, `median` (of the tasks' means), `IQM` or `optimality gap`"),
    Column("value", "float64", "the estimate"),
    Column("low", "float64", "lower end of its 95 % interval, as the page shows it; empty if undefined"),
    Column("high", "float64", "upper end"),
    Column("rliable_low", "float64", "lower end of rliable's own percentile interval"),
    Column("rliable_high", "float64", "upper end"),
    Column("seeds", "int64", "runs of the task that has the fewest"),
    Column("seeds_most", "int64", "runs of the task that has the most"),
    _UNIT,
    _DATA,
)
CURVE_COLUMNS: Final = (
    _TASK,
    _SUITE,
    _LABEL,
    _UNIT,
    Column("env_steps", "float64", "online environment steps; 0 for the pretrained policy"),
    Column("mean", "float64", "mean score over the runs that reach these steps"),
    Column("low", "float64", "lower end of the band; empty if undefined"),
    Column("high", "float64", "upper end"),
    Column("seeds", "int64", "how many runs these are"),
    _DATA,
)
COMPARISON_COLUMNS: Final = (
    _SCOPE,
    Column("metric", "str", "what is compared: `mean` on a task; `IQM` and `mean` over tasks"),
    Column("method_a", "str", "label of the first method"),
    Column("method_b", "str", "label of the second"),
    Column("n_a", "int64", "runs of the first, over tasks the fewest on one"),
    Column("n_b", "int64", "runs of the second"),
    Column("difference", "float64", "the first less the second"),
    Column(
        "low", "float64", "lower end of the difference's 95 % interval, not corrected; empty if undefined"
    ),
    Column("high", "float64", "upper end"),
    Column(
        "p",
        "float64",
        "of Welch's t test on a task, of the widened bootstrap over tasks; empty without a test",
    ),
    Column("p_corrected", "float64", "corrected by Holm over all tests of the page"),
    Column("apart", "bool", "whether the page calls the two apart"),
    _KIND,
    _UNIT,
    Column(
        "seeds_needed",
        "float64",
        "seeds of each side that would tell `points`; empty if apart; 1001: more than 1000",
    ),
    Column("points", "float64", "the difference for which they are counted"),
    Column("reason", "str", "why there is no test, or why a small p is not called apart; else empty"),
    _DATA,
)
CSV_COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = MappingProxyType(
    {
        "runs.csv": RUN_COLUMNS,
        "scores.csv": SCORE_COLUMNS,
        "aggregates.csv": AGGREGATE_COLUMNS,
        "curves.csv": CURVE_COLUMNS,
        "comparisons.csv": COMPARISON_COLUMNS,
    }
)
"""By file."""


def frames_for_csv(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    aggregates: pd.DataFrame,
    curves: pd.DataFrame,
    comparisons: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """The frames by file, with the documented columns first and in their order, then those that are not documented.

    Args:
        runs: ``Results.runs`` with the columns of ``Results.timing``.
        scores: ``Scores.frame``.
        aggregates: ``Aggregates.frame``.
        curves: What ``learning_curves`` returned.
        comparisons: ``Comparisons.frame``.

    Raises:
        ValueError: If a frame lacks a documented column.
    """
    frames = dict(zip(CSV_COLUMNS, (runs, scores, aggregates, curves, comparisons), strict=True))
    return {name: _in_order(name, frame) for name, frame in frames.items()}


def _in_order(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    documented = [column.name for column in CSV_COLUMNS[name]]
    missing = [column for column in documented if column not in frame]
    if missing:
        raise ValueError(f"The frame of {name} lacks {', '.join(missing)}.")
    return frame[[*documented, *(column for column in frame if column not in documented)]]
