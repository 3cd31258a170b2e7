"""The pictures of a report, as data: what each shows, how it was made, and what is seen for those who do not see it."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.report.ablations import ablations
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.statistics.scopes import stand_ins
from vitamin.analysis.suites import sort_tasks
from vitamin.analysis.tables.marks import scope_stand_ins, stand_in_text
from vitamin.analysis.tables.texts import sentences, slug, suite_title
from vitamin.analysis.wording import listed

PANELS: Final = 12
_FEW_SEEDS: Final = 5
_MOST_PAIRS: Final = 21
_MOST_THIN_POINTS: Final = 60_000
_BANDS: Final = {
    "t": "95 % t intervals of the mean over seeds",
    "rliable": "95 % bootstrap intervals of the mean over seeds, too narrow for few of them",
    "std": "± one standard deviation over seeds",
}


def curve_figures(data: ReportData) -> Iterator[Figure]:
    """Learning curves, a figure for each suite and each twelve of its tasks."""
    curves = data.curves
    for suite, of_suite in curves.groupby("suite", sort=False):
        tasks = sort_tasks(of_suite["task"].unique())
        pages = [tasks[start : start + PANELS] for start in range(0, len(tasks), PANELS)]
        for number, page in enumerate(pages, start=1):
            frame = of_suite[of_suite["task"].isin(page)].reset_index(drop=True)
            suffix = f"-{number}" if len(pages) > 1 else ""
            frame.attrs["band"] = f"lines: means over n seeds; bands: {_BANDS[data.options.band]}"
            thin = _single_runs(data, page)
            yield Figure(
                name=f"curves-{slug(str(suite))}{suffix}",
                kind="curves",
                title=f"{suite_title(str(suite))}: score against online environment steps",
                frame=frame,
                caption=" ".join(
                    filter(
                        None,
                        [
                            f"Mean over seeds with {_BANDS[data.options.band]}, pointwise."
                            if (frame["seeds"] > 1).any()
                            else "Single seeds.",
                            "Thin lines are single runs." if thin is not None else "",
                            "Step 0 is the pretrained policy.",
                            "A curve ends where its runs end, and has fewer seeds where some have ended.",
                            _stand_ins(frame, "task"),
                        ],
                    )
                ),
                alt=_seen(frame),
                runs=thin,
            )


def interval_figures(data: ReportData) -> Iterator[Figure]:
    """Aggregates with their intervals as bars, as in the paper's Fig. 7."""
    frame = data.aggregates.frame
    over_tasks = frame[frame["kind"] != "task"].reset_index(drop=True)
    if over_tasks.empty:
        return
    widened = "" if data.options.interval == "rliable" else ", widened by √(n/(n−1))"
    yield Figure(
        name="intervals",
        kind="intervals",
        title="Aggregates over tasks",
        frame=over_tasks,
        caption=(
            "Estimates and 95 % intervals of rliable's stratified bootstrap"
            f"{widened}. A smaller optimality gap is better. {_stand_ins(over_tasks, 'scope')}"
        ).strip(),
        alt="; ".join(
            f"{scope}: the highest IQM is that of {_highest(rows[rows['metric'] == 'IQM'], 'value')}"
            for scope, rows in over_tasks.groupby("scope", sort=False)
        )
        + ".",
    )


def profile_figures(data: ReportData) -> Iterator[Figure]:
    """Performance profiles (Agarwal et al. 2021)."""
    if data.profiles.empty:
        return
    frame = _marked(data, data.profiles, "label")
    yield Figure(
        name="profiles",
        kind="profiles",
        title="Performance profiles",
        frame=frame,
        caption=sentences(
            "Share of runs that score above a threshold, tasks weighted equally; 95 % bootstrap intervals.",
            _stand_ins(frame, "scope"),
        ),
        alt="Falling curves, one for each method: the higher one is better at that threshold.",
    )


def improvement_figures(data: ReportData) -> Iterator[Figure]:
    """Probability that a run of one method scores above one of another."""
    frame = _marked(data, data.improvement, "method_a", "method_b")
    pairs = frame.groupby("scope").size().max() if len(frame) else 0
    if not 0 < pairs <= _MOST_PAIRS:
        return
    yield Figure(
        name="improvement",
        kind="improvement",
        title="Probability of improvement",
        frame=frame,
        caption=sentences(
            "Probability that a run of the left method scores above one of the right method on a task drawn at"
            " random, with 95 % intervals, widened as those of aggregates, not corrected for their number.",
            _stand_ins(frame, "scope", ""),
        ),
        alt="Points with intervals around one half, a row for each pair of methods; numbers are in the table.",
    )


def efficiency_figures(data: ReportData) -> Iterator[Figure]:
    """IQM over tasks against online steps and against hours."""
    for name, found, what in (
        ("efficiency", data.efficiency, "online environment steps"),
        ("efficiency-hours", data.efficiency_hours, "wall-clock hours, which depend on the machine"),
    ):
        if found.empty:
            continue
        frame = _marked(data, found, "label")
        yield Figure(
            name=name,
            kind="efficiency",
            title=f"IQM over tasks against {what.split(',')[0]}",
            frame=frame,
            caption=sentences(
                f"IQM of the scores that runs had reached, over {what}; widened 95 % bootstrap intervals.",
                _stand_ins(frame, "scope"),
            ),
            alt=_seen(frame.rename(columns={"scope": "task", "IQM": "mean"})),
        )


def ablation_figures(data: ReportData) -> Iterator[Figure]:
    """Final scores against the values of swept settings."""
    for frame in ablations(data.summary, data.options.choice.by):
        method, x_name, z_name = (frame[column].iloc[0] for column in ("method", "x_name", "z_name"))
        lines = f", each line a value of {z_name}" if z_name else ""
        yield Figure(
            name=f"ablation-{slug(method)}-{slug(x_name)}",
            kind="ablation",
            title=f"{method}: final score against {x_name}" + (f" and {z_name}" if z_name else ""),
            frame=frame,
            caption=sentences(
                f"Mean over seeds with 95 % t intervals; each panel is a task{lines}.",
                _stand_ins(frame, "task"),
            ),
            alt="; ".join(
                f"{task}: highest at {x_name} {rows['x'].iloc[int(rows['mean'].argmax())]}"
                for task, rows in frame.dropna(subset=["mean"]).groupby("task", sort=False)
            )
            + ".",
        )


def _single_runs(data: ReportData, tasks: list[str]) -> pd.DataFrame | None:
    """Scores of single runs, where they are few enough to be told apart."""
    counted = data.scores.counted
    counted = counted[counted["task"].isin(tasks)]
    if counted.empty or counted.groupby(["task", "label"]).size().max() > _FEW_SEEDS:
        return None
    seeds = counted.set_index("run")["seed"]
    evaluations = data.scores.evaluations
    shown = evaluations[evaluations["run"].isin(seeds.index)]
    if len(shown) > _MOST_THIN_POINTS:
        return None
    seed = shown["run"].astype(str).map(seeds)
    return shown.assign(seed=seed)[["task", "label", "seed", "env_steps", "score"]].reset_index(drop=True)


def _marked(data: ReportData, frame: pd.DataFrame, *labels: str) -> pd.DataFrame:
    """With a column ``data``: what stands in for the data of the methods in the columns ``labels``."""
    places = scope_stand_ins(data.aggregates.frame)
    found = [
        stand_ins(places.get((row[0], label), "") for label in row[1:])
        for row in frame[["scope", *labels]].itertuples(index=False)
    ]
    return frame.assign(data=found)


def _stand_ins(frame: pd.DataFrame, scope: str, label: str = "label") -> str:
    """The sentence on what stands in for data, and of which methods; without a ``label`` on which tasks alone."""
    rows = frame.rename(columns={scope: "scope"})
    rows = rows.assign(label=rows[label] if label else "")
    places = scope_stand_ins(rows)
    return stand_in_text(places) if any(places.values()) else ""


def _seen(frame: pd.DataFrame) -> str:
    """The last point of the highest curve of each panel, in words."""
    texts = []
    for task, rows in frame.groupby("task", sort=False):
        last = rows.groupby("label", sort=False, observed=True).tail(1).dropna(subset=["mean"])
        if len(last):
            texts.append(f"{task}: {_highest(last, 'mean')} ends highest")
    labels = sort_labels(frame["label"].astype(str).unique())
    return f"Curves of {listed(labels)}. {'; '.join(texts)}." if texts else f"Curves of {listed(labels)}."


def _highest(rows: pd.DataFrame, column: str) -> str:
    known = rows.dropna(subset=[column])
    if known.empty:
        return "no method"
    row = known.iloc[int(known[column].argmax())]
    return f"{row['label']} ({row[column]:.1f})"
