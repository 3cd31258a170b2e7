"""From evaluation episodes to scores: of each evaluation, then pretrained and final scores of each run."""

from typing import Final, Literal

import numpy as np
import pandas as pd

from vitamin.analysis.labels import run_labels
from vitamin.analysis.results import Results
from vitamin.analysis.schema import ONLINE, PRETRAIN

Unit = Literal["normalized", "return"]
NORMALIZED: Final = "normalized"
RETURN: Final = "return"

UNFINISHED: Final = "not finished"
NOT_EVALUATED: Final = "no online evaluation"
SHORTENED: Final = "its last evaluation may be lost"
ALTERED: Final = "its run.json changed since the run wrote it"
REPEATED: Final = "same task, settings and seed as another run"
_STATUS_RANK = {"finished": 0, "diverged": 1, "running": 2, "stopped": 2, "failed": 3}


def evaluation_scores(results: Results) -> pd.DataFrame:
    """One row for each evaluation, the mean over its episodes; by run, then iteration.

    Returns:
        Columns ``run``, ``task``, ``phase``, ``iteration``, ``env_steps``, ``unit``, ``score``, ``success``.
        The unit is ``normalized`` (0-100) for a task all of whose episodes have a normalized score, else
        ``return``. Success is the share of episodes that reached their goal, NaN where there is none.
    """
    episodes = results.evaluations.merge(results.runs[["run", "task"]], on="run")
    of_its_task = ~episodes["run"].isin(results.altered)
    without_reference = set(episodes.loc[episodes["normalized_score"].isna() & of_its_task, "task"])
    is_raw = episodes["task"].isin(without_reference)
    episodes["unit"] = np.where(is_raw, RETURN, NORMALIZED)
    episodes["score"] = episodes["normalized_score"].mask(is_raw, episodes["return"])
    key = ["run", "task", "unit", "iteration", "phase"]
    return episodes.groupby(key, as_index=False, observed=True).agg(
        env_steps=("env_steps", "max"), score=("score", "mean"), success=("success", "mean")
    )


def run_scores(results: Results, *, include_unfinished: bool = False) -> pd.DataFrame:
    """One row for each run: its pretrained and its final score, and whether it counts in the statistics.

    The final score is that of the last evaluation of the online phase, the pretrained score that of the last
    evaluation of the pretraining phase. A diverged run counts with the last score it reached: leaving it out
    would flatter its method. Runs that have not finished (status ``running`` or ``failed``) do not count, nor do
    runs of which the last evaluation may be lost, because files are damaged. Runs whose ``run.json`` changed never
    count: their task, method or seed may be another's.

    Args:
        results: What ``load_results`` read.
        include_unfinished: Let unfinished runs count, each with the last score it has reached.

    Returns:
        Columns ``run``, ``task``, ``method``, ``label``, ``seed``, ``status``, ``unit``, ``env_steps`` (at
        the last evaluation), ``pretrained``, ``final``, ``change``, ``success`` (of the final evaluation,
        NaN where the task has no goal), ``left_out`` (why the run does not count, or empty).
    """
    evaluations = evaluation_scores(results)
    last = evaluations.pivot_table(
        index="run", columns="phase", values="score", aggfunc="last", observed=True
    )
    scores = results.runs[["run", "task", "method", "seed", "status", "updated"]].copy()
    labels = run_labels(results.infos, results.altered)
    scores["label"] = [labels[run] for run in scores["run"]]
    scores["unit"] = scores["task"].map(evaluations.groupby("task")["unit"].first())
    scores["env_steps"] = (
        scores["run"].map(evaluations.groupby("run")["env_steps"].max()).fillna(0).astype(int)
    )
    for column, phase in (("pretrained", PRETRAIN), ("final", ONLINE)):
        scores[column] = scores["run"].map(last[phase]) if phase in last else np.nan
    scores["change"] = scores["final"] - scores["pretrained"]
    last_online = (
        evaluations[evaluations["phase"] == ONLINE].drop_duplicates("run", keep="last").set_index("run")
    )
    scores["success"] = scores["run"].map(last_online["success"])
    scores["left_out"] = _reasons(scores, results, include_unfinished=include_unfinished)
    columns = ["run", "task", "method", "label", "seed", "status", "unit", "env_steps"]
    return scores[[*columns, "pretrained", "final", "change", "success", "left_out"]]


def counted(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``run_scores`` that enter the statistics."""
    return scores[scores["left_out"] == ""]


def _reasons(scores: pd.DataFrame, results: Results, *, include_unfinished: bool) -> pd.Series:
    reasons = pd.Series("", index=scores.index)
    reasons[scores["final"].isna()] = NOT_EVALUATED
    if not include_unfinished:
        reasons[scores["run"].isin(results.shortened)] = SHORTENED
        reasons[scores["status"].isin(("running", "stopped", "failed"))] = UNFINISHED
    reasons[scores["run"].isin(results.altered)] = ALTERED
    candidates = scores[reasons == ""].assign(rank=lambda frame: frame["status"].map(_STATUS_RANK))
    best_first = candidates.sort_values(["rank", "updated", "run"], ascending=[True, False, True])
    repeated = best_first.duplicated(["task", "label", "seed"])
    reasons[repeated[repeated].index] = REPEATED
    return reasons
