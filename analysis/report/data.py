"""Everything that a report shows, as frames and sentences, each computed when it is first asked for and then kept."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from vitamin.analysis.curves import learning_curves
from vitamin.analysis.exports import export_name
from vitamin.analysis.influence import without_influence
from vitamin.analysis.labels import find_label
from vitamin.analysis.protocol import Protocol, protocol
from vitamin.analysis.report.notes import grouped
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.results import Results
from vitamin.analysis.scores import Scores, run_scores
from vitamin.analysis.statistics.aggregates import Aggregates, aggregate, summarize
from vitamin.analysis.statistics.comparisons import Comparisons, compare
from vitamin.analysis.statistics.efficiency import efficiency
from vitamin.analysis.statistics.improvement import improvement
from vitamin.analysis.statistics.names import IQM, MEAN, TASK
from vitamin.analysis.statistics.profiles import profiles
from vitamin.analysis.statistics.verdicts import headlines, not_worse
from vitamin.analysis.tables.comparable import changed_settings
from vitamin.analysis.tables.runs import run_links
from vitamin.analysis.tables.texts import count_text
from vitamin.analysis.wording import listed

_HOUR = 3600


def _ranges(numbers: Sequence[int]) -> str:
    """Sorted whole numbers in words: ``0 to 4 and 7``."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    return listed(f"{part[0]} to {part[-1]}" if len(part) > 2 else listed(map(str, part)) for part in ranges)


def source_name(source: str) -> str:
    """The name of results: that of the folder or export, or the URI."""
    return source if "://" in source else export_name(Path(source).resolve().name)


class ReportData:
    """The frames of a report.

    Args:
        results: What ``load_results`` read.
        options: What was chosen.
        folder: Of the report, from which links lead to runs; None for no links.
        pairs: The only pairs of labels that are compared; None for all.

    Raises:
        ReportError: If a choice names what the results lack.
    """

    def __init__(
        self,
        results: Results,
        options: ReportOptions,
        folder: Path | None = None,
        *,
        pairs: Collection[frozenset[str]] | None = None,
    ) -> None:
        self.results = results
        self.pairs = pairs
        self.options = options
        self.folder = folder
        self.scores: Scores = run_scores(results, options.choice)

    @cached_property
    def name(self) -> str:
        """The name of the results."""
        return ", ".join(source_name(source) for source in self.results.sources)

    @cached_property
    def has_scores(self) -> bool:
        """Whether any run counts."""
        return len(self.scores.counted) > 0

    @cached_property
    def summary(self) -> pd.DataFrame:
        """``summarize``."""
        return summarize(self.scores)

    @cached_property
    def aggregates(self) -> Aggregates:
        """``aggregate``."""
        options = self.options
        return aggregate(self.scores, interval=options.interval, reps=options.reps, seed=options.seed)

    @cached_property
    def comparisons(self) -> Comparisons:
        """``compare``."""
        options = self.options
        return compare(
            self.scores,
            baseline=self._baseline,
            only=self.pairs,
            reps=options.reps,
            seed=options.seed,
        )

    @property
    def _baseline(self) -> str | None:
        """The label of the baseline, which a user may have named by its method."""
        name = self.options.choice.baseline
        return None if name is None else find_label(name, self.scores.labels)

    @cached_property
    def protocol(self) -> Protocol:
        """``protocol``."""
        return protocol(self.results, self.scores)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """``learning_curves``."""
        return learning_curves(self.scores, band=self.options.band)

    @cached_property
    def profiles(self) -> pd.DataFrame:
        """``profiles``."""
        return profiles(self.scores, seed=self.options.seed)

    @cached_property
    def improvement(self) -> pd.DataFrame:
        """``improvement``."""
        return improvement(self.scores, seed=self.options.seed)

    @cached_property
    def efficiency(self) -> pd.DataFrame:
        """``efficiency`` against online steps."""
        return efficiency(self.scores, seed=self.options.seed)

    @cached_property
    def efficiency_hours(self) -> pd.DataFrame:
        """``efficiency`` against the hours that runs took, pretraining included."""
        runs = self.results.runs
        known = runs[runs["wall_time_s"] > 0]
        hours = dict(zip(known["run"], known["wall_time_s"] / _HOUR, strict=True))
        return efficiency(self.scores, "hours", hours=hours, seed=self.options.seed)

    @cached_property
    def timing(self) -> pd.DataFrame:
        """``Results.timing``."""
        return self.results.timing()

    @cached_property
    def runs(self) -> pd.DataFrame:
        """``Results.runs`` with their times."""
        return self.results.runs.merge(self.timing.drop(columns="wall_time_s"), on="run")

    @cached_property
    def bold_means(self) -> dict[str, frozenset[str]]:
        """Of each scope, the methods with the best mean and those not told apart from it."""
        return {scope: labels for (scope, metric), labels in self.bold.items() if metric == MEAN}

    @cached_property
    def bold(self) -> dict[tuple[str, str], frozenset[str]]:
        """Of each scope and metric that is compared, the best methods and those not told apart from them."""
        estimates = self.comparisons.estimates
        keys = estimates[["scope", "metric"]].drop_duplicates().itertuples(index=False, name=None)
        return {(scope, metric): not_worse(self.comparisons, scope, metric) for scope, metric in keys}

    @cached_property
    def verdicts(self) -> tuple[str, ...]:
        """The verdicts of the summary; none if no run counts."""
        return headlines(self.comparisons, self.aggregates) if self.has_scores else ()

    @cached_property
    def counts(self) -> str:
        """How many runs there are, of which methods, tasks and seeds."""
        frame = self.scores.frame
        statuses = Counter(frame["status"])
        tasks, seeds = frame["task"].nunique(), sorted(frame["seed"].unique())
        methods = list(dict.fromkeys(frame["method"]))
        told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        missing = len(self.results.missing)
        return " ".join(
            filter(
                None,
                [
                    f"{count_text(len(frame), 'run')}: {told}; {len(self.scores.counted)} count.",
                    f"{count_text(missing, 'trial')} of a sweep left no run." if missing else "",
                    f"{count_text(len(methods), 'method')} ({listed(methods)}), {count_text(tasks, 'task')},",
                    f"seeds {_ranges(seeds)}.",
                ],
            )
        )

    @cached_property
    def advice(self) -> str:
        """Advice for when no run counts."""
        frame = self.scores.frame
        if frame["status"].isin(("running", "stopped", "failed")).any() and frame["final"].notna().any():
            return "No run counts; --include-unfinished counts unfinished ones, with their last score."
        return "No run counts: why not is told for each run below."

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Notes on what the statistics leave out, what is damaged, and what changed in the course of a run."""
        results = self.results
        changes = grouped((run, note) for run, info in results.infos.items() for note in info.notes)
        damages = grouped(
            (place, what) for place, _, what in (text.partition(": ") for text in results.damages)
        )
        skipped = [f"Skipped: {warning}" for warning in results.warnings]
        return (*self.scores.notes, *self._missing, *skipped, *damages, *changes)

    @property
    def _missing(self) -> tuple[str, ...]:
        missing = self.results.missing
        return (
            (f"{count_text(len(missing), 'trial')} of a sweep left no run: {listed(missing)}.",)
            if missing
            else ()
        )

    @cached_property
    def links(self) -> dict[str, str]:
        """Where the name of each run leads."""
        runs = self.results.runs
        folders = dict(zip(runs["run"], runs["folder"], strict=True))
        return {} if self.folder is None else run_links(folders, self.folder)

    @cached_property
    def messages(self) -> dict[str, str]:
        """Why runs failed or diverged, or were stopped."""
        return {run: info.message for run, info in self.results.infos.items() if info.message}

    @cached_property
    def changed(self) -> dict[str, str]:
        """Settings of influence in which runs differ from their preset, in words."""
        return changed_settings(self.results.infos, without_influence)

    @property
    def terminal_scopes(self) -> pd.DataFrame:
        """The aggregates that a terminal shows: over tasks, or of each task where there are none over tasks."""
        frame = self.aggregates.frame
        over_tasks = frame[frame["kind"] != TASK]
        shown = frame if over_tasks.empty else over_tasks
        return shown[shown["metric"].isin((MEAN, IQM))] if len(shown) else shown
