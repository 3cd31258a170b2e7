"""Everything that a report shows, as frames, each computed when it is first asked for and then kept."""

from functools import cached_property

import pandas as pd

from vitamin.analysis.curves import learning_curves
from vitamin.analysis.protocol import Protocol, protocol
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.results import Results
from vitamin.analysis.scores import Scores, run_scores
from vitamin.analysis.statistics.aggregates import Aggregates, aggregate, summarize
from vitamin.analysis.statistics.comparisons import Comparisons, compare
from vitamin.analysis.statistics.profiles import efficiency, improvement, profiles


class ReportData:
    """The frames of a report.

    Args:
        results: What ``load_results`` read.
        options: What was chosen.

    Raises:
        ReportError: If a choice names what the results lack.
    """

    def __init__(self, results: Results, options: ReportOptions) -> None:
        self.results = results
        self.options = options
        self.scores: Scores = run_scores(results, options.choice)

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
            self.scores, baseline=options.choice.baseline, reps=options.reps, seed=options.seed
        )

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
        return profiles(self.scores, reps=self.options.reps, seed=self.options.seed)

    @cached_property
    def improvement(self) -> pd.DataFrame:
        """``improvement``."""
        return improvement(self.scores, reps=self.options.reps, seed=self.options.seed)

    @cached_property
    def efficiency(self) -> pd.DataFrame:
        """``efficiency`` against online steps."""
        return efficiency(self.scores, reps=self.options.reps, seed=self.options.seed)

    @cached_property
    def timing(self) -> pd.DataFrame:
        """Times of the runs that are chosen, with their method, task and machine."""
        rows = self.scores.frame[["run", "task", "label", "left_out"]]
        return rows.merge(self.results.timing(), on="run")
