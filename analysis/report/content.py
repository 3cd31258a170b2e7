"""Everything that a report's sections show, computed once; templates only lay it out."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any, Final

import pandas as pd

from vitamin.analysis.curves import BAND_TEXT, Band, learning_curves
from vitamin.analysis.labels import (
    DATASET,
    REFERENCE,
    differing_settings,
    method_label,
    short_fingerprint,
    sort_labels,
)
from vitamin.analysis.results import Results
from vitamin.analysis.scores import ALTERED, NOT_EVALUATED, SHORTENED, UNFINISHED, counted, run_scores
from vitamin.analysis.statistics import ALL_TASKS, Aggregates, aggregate, separation, summarize
from vitamin.analysis.tables import (
    NOTHING,
    Cell,
    Table,
    aggregate_table,
    score_table,
    success_table,
    summary_table,
)

ENOUGH_SEEDS: Final = 5
NOT_STARTED: Final = "not started"


@dataclass(frozen=True)
class ReportOptions:
    """What can be chosen about a report.

    Attributes:
        reps: Bootstrap resamples.
        seed: Of the resampling.
        band: What the bands of learning curves show.
        include_unfinished: Count running and failed runs, with the last score they reached.
    """

    reps: int
    seed: int
    band: Band
    include_unfinished: bool


@dataclass(frozen=True)
class Comparison:
    """Of a task's best method with the others, by the intervals of the IQM.

    Attributes:
        task: The task, or all of them.
        best: Label with the highest IQM.
        apart: Labels whose interval does not overlap that of the best.
        overlapping: Labels whose interval does.
    """

    task: str
    best: str
    apart: tuple[str, ...]
    overlapping: tuple[str, ...]


class ReportContent:
    """What the templates see, as ``report``. Frames are computed when they are first used, and then kept."""

    def __init__(self, results: Results, options: ReportOptions) -> None:
        self.results = results
        self.options = options
        self.name = results.directory.resolve().name
        self.infos = tuple(results.infos.values())
        sure = tuple(info for run, info in results.infos.items() if run not in results.altered)
        self._compared = sure or self.infos

    @cached_property
    def scores(self) -> pd.DataFrame:
        """``run_scores``."""
        return run_scores(self.results, include_unfinished=self.options.include_unfinished)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """``summarize``."""
        return summarize(self.scores)

    @cached_property
    def aggregates(self) -> Aggregates:
        """``aggregate``."""
        return aggregate(self.scores, reps=self.options.reps, seed=self.options.seed)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """``learning_curves``."""
        options = self.options
        return learning_curves(
            self.results, self.scores, band=options.band, reps=options.reps, seed=options.seed
        )

    @property
    def band_text(self) -> str:
        """What the curves and their bands are."""
        return BAND_TEXT[self.options.band]

    @property
    def has_scores(self) -> bool:
        """Whether any run counts."""
        return len(counted(self.scores)) > 0

    @property
    def has_narrow_intervals(self) -> bool:
        """Whether some interval rests on so few seeds that the bootstrap makes it too narrow."""
        return bool(self.summary["seeds"].between(2, ENOUGH_SEEDS - 1).any())

    @property
    def notes(self) -> tuple[str, ...]:
        """What the statistics leave out, in one line each."""
        left_out = Counter(reason for reason in self.scores["left_out"] if reason)
        runs = (
            f"{count} run{'s do' if count > 1 else ' does'} not count: {reason}."
            for reason, count in sorted(left_out.items())
        )
        hint = () if self.has_scores else (self.advice,)
        return (*self.aggregates.notes, *runs, *self._missing, *hint)

    @property
    def _missing(self) -> tuple[str, ...]:
        missing = self.results.missing
        if not missing:
            return ()
        some = f"{', '.join(missing[:3])}{' …' if missing[3:] else ''}"
        return (f"{len(missing)} trial{'s' if len(missing) > 1 else ''} of a sweep left no run: {some}.",)

    @property
    def advice(self) -> str:
        """What to do if no run counts."""
        unfinished = self.scores.loc[self.scores["left_out"].isin((UNFINISHED, SHORTENED)), "final"]
        if unfinished.notna().any():
            return "No run counts; --include-unfinished counts unfinished ones, with their last score."
        if (self.scores["left_out"] == ALTERED).any():
            return "No run counts: what was run is told by a run.json as the run wrote it."
        return (
            "No run counts, since none has evaluated online: scores of pretrained policies are in scores.csv."
        )

    @property
    def methods(self) -> list[str]:
        """Labels of the methods, without settings."""
        return sort_labels(method_label(info.method) for info in self._compared)

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return sorted({info.task for info in self._compared})

    @property
    def seeds(self) -> list[int]:
        """Seeds of the runs."""
        return sorted({info.seed for info in self._compared})

    @property
    def statuses(self) -> dict[str, int]:
        """Number of runs of each status."""
        return dict(sorted(Counter(info.status for info in self.infos).items()))

    @property
    def score_table(self) -> Table:
        """Final scores with change from the pretrained policy."""
        return score_table(self.scores, self.summary)

    @property
    def summary_table(self) -> Table:
        """Means and deviations."""
        return summary_table(self.summary)

    @property
    def success_table(self) -> Table:
        """Success rates of the tasks that have a goal."""
        return success_table(self.scores)

    @property
    def aggregate_table(self) -> Table:
        """Aggregates with intervals."""
        return aggregate_table(self.aggregates.frame)

    @property
    def headline_table(self) -> Table:
        """The rows of ``aggregate_table`` over all tasks, or all rows if there are no such aggregates."""
        frame = self.aggregates.frame
        over_tasks = frame[frame["task"] == ALL_TASKS]
        return aggregate_table(frame if over_tasks.empty else over_tasks)

    @property
    def comparisons(self) -> list[Comparison]:
        """How the method of highest IQM stands to the others, for each task and for all tasks."""
        rows = separation(self.aggregates.frame)
        return [
            Comparison(
                task=str(task),
                best=group["best"].iloc[0],
                apart=tuple(group.loc[[overlap is False for overlap in group["overlap"]], "other"]),
                overlapping=tuple(group.loc[[overlap is True for overlap in group["overlap"]], "other"]),
            )
            for task, group in rows.groupby("task", sort=False)
        ]

    @property
    def dataset_table(self) -> Table:
        """Each dataset used on each task."""
        used = {(info.task, info.dataset) for info in self._compared if info.dataset is not None}
        rows = {
            (
                task,
                PurePath(data.path).name,
                short_fingerprint(data.fingerprint),
                str(data.trajectories),
                str(data.steps),
                "; ".join(filter(None, [data.label, *(f"doubt: {doubt}" for doubt in data.doubts)]))
                or NOTHING,
            )
            for task, data in used
        }
        return _table(("Task", "File", "Fingerprint", "Trajectories", "Steps", "Label"), rows)

    @property
    def version_table(self) -> Table:
        """Versions used by the runs; several where runs differ."""
        names = list(dict.fromkeys(name for info in self.infos for name in info.versions))
        rows = [
            (name, ", ".join(sorted({info.versions[name] for info in self.infos if name in info.versions})))
            for name in names
        ]
        commits = sorted({info.commit[:12] for info in self.infos if info.commit})
        if commits:
            rows.append(("commit", ", ".join(commits)))
        return Table(("Software", "Version"), tuple(tuple(Cell(text) for text in row) for row in rows))

    @property
    def unusual_runs(self) -> Table:
        """Runs that did not finish, or do not count."""
        rows = []
        for row in self.scores.to_dict("records"):
            if row["status"] == "finished" and not row["left_out"]:
                continue
            message = self.results.infos[row["run"]].message or ""
            rows.append(
                (
                    row["run"],
                    row["status"],
                    str(row["env_steps"]),
                    NOTHING if pd.isna(row["final"]) else f"{row['final']:.2f}",
                    row["left_out"] or "counted",
                    " ".join(message.split()),
                )
            )
        rows += [
            (run, NOT_STARTED, NOTHING, NOTHING, NOT_EVALUATED, "a trial of a sweep without run.json")
            for run in self.results.missing
        ]
        header = ("Run", "Status", "Online steps", "Last score", "In the statistics", "Message")
        return _table(header, rows)

    @property
    def run_notes(self) -> list[str]:
        """What changed on the way of a run."""
        return [f"{run}: {note}" for run, info in self.results.infos.items() for note in info.notes]

    @property
    def settings_table(self) -> Table:
        """Settings in which runs of a method differ; datasets have a table of their own."""
        rows = []
        for method in sorted({info.method for info in self._compared}):
            infos = [info for info in self._compared if info.method == method]
            rows += [
                (method_label(method), key, ", ".join(values))
                for key, values in differing_settings(infos).items()
                if key not in (DATASET, REFERENCE)
            ]
        return _table(("Method", "Setting", "Values"), rows)


def _table(header: tuple[str, ...], rows: Any) -> Table:
    return Table(header, tuple(tuple(Cell(text) for text in row) for row in sorted(rows)))
