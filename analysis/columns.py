"""The columns of the frames that ``load_results`` gives: their documentation and their types."""

from collections.abc import Iterable
from typing import Final

from vitamin.analysis.schema import EVALUATION_COLUMNS, METRIC_KEYS, Column

_RUN: Final = "key of the run: the path of its folder, relative to where it was looked for"

RUN_COLUMNS: Final = (
    Column("run", "str", _RUN),
    Column("folder", "str", "the run folder, its URI, or the file of the export that it is in"),
    Column("task", "str", "name of the task, or a Gymnasium environment id"),
    Column("method", "str", "row of the table of methods"),
    Column("preset", "str", "named set of hyperparameters the run started from"),
    Column("seed", "int64", "key of every random draw"),
    Column("status", "str", "`running`, `finished`, `stopped`, `failed` or `diverged`"),
    Column("message", "str", "why the run stopped, failed or diverged, else None"),
    Column("name", "str", "name of the run"),
    Column("started", "time", "when the run was first started, UTC"),
    Column("updated", "time", "when `run.json` was last written, UTC"),
    Column("wall_time_s", "float64", "seconds spent so far, resumed parts added up"),
    Column("host", "str", "name of the machine, empty of an export"),
    Column("commit", "str", "git commit of the source tree, None if there was none"),
    Column("version", "str", "version of Vitamin that wrote the run"),
    Column("data", "str", "what the data is when it is not the task's published dataset, else empty"),
    Column("fingerprint", "str", "digest of the data, empty if the run had none"),
    Column("reference_min", "float64", "return with normalized score 0, NaN without reference scores"),
    Column("reference_max", "float64", "return with normalized score 100, NaN without reference scores"),
    Column(
        "online_steps", "float64", "online environment steps that were asked for, NaN if that is not known"
    ),
    Column("env_steps", "int64", "online environment steps so far"),
    Column("gradient_updates", "int64", "actor updates so far"),
)
EVALUATION_MEANS: Final = (
    Column("run", "category", _RUN),
    Column("phase", "category", "`pretrain` or `online`"),
    Column("iteration", "int64", "iteration that ended with the evaluation"),
    Column("env_steps", "int64", "online environment steps so far; 0 during pretraining"),
    Column("gradient_updates", "int64", "actor updates so far"),
    Column("episodes", "int64", "number of episodes"),
    Column("target_return", "float64", "return-to-go at their start, scaled-reward units"),
    Column("return", "float64", "their mean undiscounted return"),
    Column("return_std", "float64", "standard deviation of their returns, over the episodes (ddof 0)"),
    Column("length", "float64", "their mean length, steps"),
    Column(
        "normalized_score",
        "float64",
        "their mean normalized score, 100·(return - min)/(max - min); NaN without reference scores",
    ),
    Column("success", "float64", "share of episodes that reached the goal, NaN if there is no goal"),
)
EPISODE_COLUMNS: Final = (Column("run", "category", _RUN), *EVALUATION_COLUMNS)
METRIC_COLUMNS: Final = (Column("run", "category", _RUN), *METRIC_KEYS)
TIMING_COLUMNS: Final = (
    Column("run", "str", _RUN),
    Column("sample_s", "float64", "seconds rolling out; times are NaN if they are not known"),
    Column("update_s", "float64", "seconds in gradient updates"),
    Column("evaluate_s", "float64", "seconds evaluating"),
    Column("sync_s", "float64", "seconds sending weights to the env runners"),
    Column("other_s", "float64", "the rest of `wall_time_s`"),
    Column("wall_time_s", "float64", "seconds spent so far, resumed parts added up"),
    Column("updates_per_s", "float64", "actor updates for each second of `update_s`"),
    Column("env_steps_per_s", "float64", "online environment steps for each second of `sample_s`"),
)


def names(columns: Iterable[Column]) -> list[str]:
    """The names of the columns."""
    return [column.name for column in columns]
