"""Results as DataFrames, from runs to a verdict: ``python docs/examples/analyse_results.py results/quickstart``.

In a notebook the same calls give frames to look at. Without an argument it reads the quickstart's results that this
repository keeps.
"""

import sys
from pathlib import Path

import pandas as pd

import vitamin
from vitamin.analysis.curves import learning_curves
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.scores import run_scores
from vitamin.analysis.statistics.intervals import t_interval

QUICKSTART = Path(__file__).parents[1] / "results" / "quickstart-runs.csv"


def main(source: str | Path = QUICKSTART) -> pd.DataFrame:
    """Prints what the runs are, their scores, their curves and verdicts; the scores of each task and method."""
    results = vitamin.load_results(source)
    print(results.runs[["run", "task", "method", "seed", "status", "env_steps"]])
    for warning in (*results.warnings, *results.damages):
        print("Not read:", warning)

    # One final score for each run, at the steps that all reach; `left_out` says why a run does not count.
    scores = run_scores(results)
    rows = []
    for (task, label), runs in scores.counted.groupby(["task", "label"], observed=True):
        finals = runs["final"].to_numpy(float)
        low, high = t_interval(finals)
        rows.append(
            {
                "task": task,
                "label": label,
                "seeds": len(finals),
                "mean": finals.mean(),
                "low": low,
                "high": high,
            }
        )
    table = pd.DataFrame(rows)
    print(table.round(1).to_string(index=False))

    curves = learning_curves(scores)
    print(curves.groupby(["task", "label"], observed=True).tail(1)[["label", "env_steps", "mean", "seeds"]])

    # The sentences of a report: two methods are apart only where a test says so, corrected for all tests on the page.
    for sentence in ReportData(results, ReportOptions()).verdicts:
        print(sentence)
    return table


if __name__ == "__main__":
    main(*sys.argv[1:])
