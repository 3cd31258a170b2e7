"""From evaluations to scores: what each run had pretrained and has in the end, and whether it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from vitamin.analysis.choice import Choice, FinalRule, choose, parse_final
from vitamin.analysis.counting import budgets, common_steps, leave_out
from vitamin.analysis.experiments import told_apart
from vitamin.analysis.finals import Online, areas, final_scores
from vitamin.analysis.labels import experiment_label, find_label, method_label, sort_labels
from vitamin.analysis.results import Results
from vitamin.analysis.schema import ONLINE, PRETRAIN
from vitamin.analysis.score_columns import SCORE_COLUMNS
from vitamin.analysis.score_notes import score_notes
from vitamin.analysis.suites import sort_tasks, suite_of
from vitamin.analysis.units import NORMALIZED, find_units

EVERYTHING: Final = Choice()
_LARGEST: Final = 1e100  # of returns; statistics of larger ones are no finite numbers


@dataclass(frozen=True)
class Scores:
    """The scores of the runs that were chosen.

    Attributes:
        frame: A row for each run, by task, label, seed and start; the columns ``SCORE_COLUMNS``.
        evaluations: A row for each evaluation, in the runs' order, the pretrained one first, at step 0. Columns
            ``run``, ``task``, ``label``, ``phase`` (categorical), ``iteration``, ``env_steps``, ``score`` (in the
            task's unit), ``success``.
        common_steps: Online steps at which each task is compared.
        labels: Labels in the order of tables, also of methods none of whose runs counts.
        notes: Sentences on what is left out and what a reader has to know.
        settings: For each label the settings that tell it from others of its method, as text.
        choice: What was chosen.
        references: Of tasks with normalized scores the returns that count as 0 and 100.
    """

    frame: pd.DataFrame
    evaluations: pd.DataFrame
    common_steps: Mapping[str, int]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    choice: Choice = EVERYTHING
    references: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def counted(self) -> pd.DataFrame:
        """The rows of ``frame`` that enter the statistics."""
        return self.frame[self.frame["left_out"] == ""]


def run_scores(results: Results, choice: Choice = EVERYTHING) -> Scores:
    """Scores of the chosen runs: on each task in one unit, and at the most online steps that all of them reach.

    A run counts with the last evaluation if its budget is the common step, else with the one nearest to that step. A
    diverged run counts with the last score it reached, pretrained or later: leaving it out would flatter its method.
    Runs that have not finished do not count, nor do those whose last evaluation may be lost, because files are
    damaged. Runs whose ``run.json`` changed never count: their task, method or seed may be another's. Of several runs
    of one experiment and seed, the first that has a result counts.

    Args:
        results: What ``load_results`` read.
        choice: Which runs, at which step, by which rule.

    Raises:
        ReportError: If the choice names a task, method, setting or step that there is not.
    """
    rule = parse_final(choice.final)
    frame, settings = _chosen(results, choice)
    labels = tuple(settings)
    if choice.baseline is not None:
        find_label(choice.baseline, labels)
    evaluations = _evaluations(results, frame)
    online = Online.of(evaluations[evaluations["online"]], len(frame))
    frame["has_pretrained"] = frame.index.isin(evaluations.loc[~evaluations["online"], "row"])
    frame["has_online"] = online.has_any
    frame["end_steps"] = np.nan_to_num(online.take(online.steps, online.last)).astype(np.int64)
    frame["budget"] = budgets(frame)
    frame["left_out"] = leave_out(frame, choice)
    common = common_steps(frame, choice.at_steps)
    frame["at_steps"] = frame["task"].map(common).astype(np.float64)
    units = find_units(frame)
    frame["unit"] = frame["task"].map(units.by_task)
    evaluations["score"] = units.scores(
        evaluations["return"].to_numpy(), evaluations["row"].to_numpy(), frame["task"]
    )
    count = _fill_finals(frame, evaluations, online, rule)
    return Scores(
        frame=frame[[column.name for column in SCORE_COLUMNS]],
        evaluations=_scored(evaluations, frame),
        common_steps=common,
        labels=labels,
        notes=score_notes(frame.assign(count=count), labels, units, rule),
        settings=settings,
        choice=choice,
        references=units.references,
    )


def _chosen(results: Results, choice: Choice) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    """The chosen rows of ``results.runs`` with their labels, and the settings that each label stands for."""
    runs = results.runs
    if choice.tasks:
        runs = runs[runs["task"].isin(choose(choice.tasks, dict.fromkeys(runs["task"], ()), "task"))]
    apart = told_apart(results, runs, choice.by)
    labels = [
        experiment_label(method, apart[run]) for run, method in zip(runs["run"], runs["method"], strict=True)
    ]
    runs = runs.assign(label=labels)
    if choice.methods:
        names = {
            label: (method, method_label(method))
            for label, method in zip(runs["label"], runs["method"], strict=True)
        }
        runs = runs[runs["label"].isin(choose(choice.methods, names, "method"))]
    settings = {label: apart[run] for run, label in zip(runs["run"], runs["label"], strict=True)}
    tasks, order = sort_tasks(runs["task"]), sort_labels(runs["label"])
    frame = runs.assign(
        suite=runs["task"].map({task: suite_of(task) for task in tasks}),
        method=runs["method"].map(method_label),
        trusted=~runs["run"].isin(results.altered),
        shortened=runs["run"].isin(results.shortened),
        task_rank=runs["task"].map({task: rank for rank, task in enumerate(tasks)}),
        label_rank=runs["label"].map({label: rank for rank, label in enumerate(order)}),
    )
    frame = frame.sort_values(["task_rank", "label_rank", "seed", "started", "run"], ignore_index=True)
    return frame, {label: settings[label] for label in order}


def _evaluations(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """The online evaluations, and the last one before, of the runs in ``frame``, by run and iteration.

    Those with returns that are not finite are left out; ``frame`` gets a column ``infinite``: whether the run's last
    online evaluation is one of them.

    Returns:
        Columns ``row`` (number of the run in ``frame``), ``online``, ``iteration``, ``env_steps`` (0 if pretrained),
        ``return``, ``success``.
    """
    evaluations = results.evaluations
    runs = evaluations["run"].astype("category").cat
    rows = (
        pd.Series(frame.index, index=frame["run"])
        .reindex(runs.categories)
        .fillna(-1)
        .to_numpy(dtype=np.int64)
    )
    row = rows[runs.codes]
    order = np.lexsort((evaluations["iteration"], row))
    order = order[row[order] >= 0]
    found = evaluations[["iteration", "env_steps", "return", "success"]].take(order).reset_index(drop=True)
    found.insert(0, "row", row[order])
    found.insert(1, "online", (evaluations["phase"] == ONLINE).to_numpy()[order])
    found.loc[~found["online"], "env_steps"] = 0
    is_last = ~found.duplicated(["row", "online"], keep="last")
    is_finite = found["return"].abs() < _LARGEST
    frame["infinite"] = frame.index.isin(found.loc[found["online"] & is_last & ~is_finite, "row"])
    return found[(found["online"] | is_last) & is_finite].reset_index(drop=True)


def _fill_finals(
    frame: pd.DataFrame, evaluations: pd.DataFrame, online: Online, rule: FinalRule
) -> npt.NDArray[np.int64]:
    """Adds what the evaluations up to the common step make; returns how many the rule looked at."""
    before = evaluations[~evaluations["online"]].set_index("row").reindex(frame.index)
    score, success = (
        evaluations.loc[evaluations["online"], name].to_numpy() for name in ("score", "success")
    )
    steps, budget = frame["at_steps"].to_numpy(), frame["budget"].to_numpy()
    frame["pretrained"] = before["score"]
    pretrained = before["score"].to_numpy()
    chosen = np.where(budget > steps, online.nearest(steps), online.last)
    final = final_scores(online, score, success, chosen, rule)
    own = final_scores(online, score, success, online.last, rule)
    diverged = (frame["status"] == "diverged").to_numpy()
    held = diverged & ~online.has_any  # what they have reached is what pretraining left
    frame["final"] = np.where(held, pretrained, final.score)
    frame["own_final"] = np.where(held, pretrained, own.score)
    frame["final_steps"] = np.where(held & np.isfinite(pretrained), 0, final.steps)
    frame["success"] = np.where(held, before["success"], final.success)
    frame["change"] = frame["final"] - frame["pretrained"]
    frame["area"] = areas(online, score, chosen, pretrained, np.where(diverged, steps, np.nan))
    frame["regret"] = (100 - frame["area"]).where(frame["unit"] == NORMALIZED)
    return final.count


def _scored(evaluations: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of ``Scores.evaluations``."""
    row = evaluations["row"].to_numpy()
    columns = {
        name: pd.Categorical.from_codes(codes[row], values)
        for name in ("run", "task", "label")
        for codes, values in [pd.factorize(frame[name])]
    }
    is_online = evaluations["online"].to_numpy(dtype=np.int64)
    phase = pd.Categorical.from_codes(is_online, pd.Index([PRETRAIN, ONLINE]))
    rest = evaluations[["iteration", "env_steps", "score", "success"]].reset_index(drop=True)
    return pd.concat([pd.DataFrame({**columns, "phase": phase}), rest], axis=1)
