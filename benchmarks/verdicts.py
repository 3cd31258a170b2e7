"""The reliability of the verdicts of reports, on scores whose truth is known: ``python -m benchmarks.verdicts``.

How often a report of equal methods calls something apart, how often intervals hold the true mean, and which differences
are told. Runs are normal (mean 50, standard deviation 10) or bimodal (70 % near 80, 30 % near 20, each with standard
deviation 5: some learn, some fail). About two minutes on one core; more ``--reports`` for less noise.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import pandas as pd
from scipy import stats

from vitamin.analysis.statistics.bootstrap import Draws, Strata, bootstrap, statistic
from vitamin.analysis.statistics.comparisons import LEVEL, Comparisons, compare
from vitamin.analysis.statistics.intervals import resampled_ends, t_interval
from vitamin.analysis.statistics.names import IQM, TASK, Floats
from vitamin.analysis.table import Table, cells, to_markdown

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

SHAPES: Final = (
    *((7, 12, 3), (7, 12, 5), (2, 12, 2), (2, 12, 3), (2, 12, 5), (2, 12, 10)),
    *((2, 3, 2), (2, 3, 3), (2, 3, 5), (3, 3, 3), (2, 1, 2), (2, 1, 3), (2, 1, 5), (2, 1, 10)),
)
"""Methods, tasks, seeds."""

PARTIAL: Final = (
    (1, (7, 12, 3)),
    (3, (7, 12, 3)),
    (1, (3, 1, 3)),
    (2, (4, 1, 3)),
    (1, (4, 2, 3)),
    (2, (5, 3, 4)),
)
"""How many methods are lower, of how many methods, tasks and seeds."""

UNEVEN: Final = (
    ((4, 4, 2), 1),
    ((4, 4, 4, 2), 1),
    ((5, 5, 5, 3), 1),
    ((4, 4, 2, 2), 3),
    ((8, 8, 8, 3, 3), 12),
    ((10, 10, 10, 2), 12),
)
"""Seeds of each method; tasks."""

_REPS: Final = 400


@dataclass(frozen=True)
class Page:
    """Scores of a page, with the attributes of `vitamin.analysis.scores.Scores` that comparisons use."""

    counted: pd.DataFrame
    labels: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """All runs: each counts."""
        return self.counted


def page(finals: Floats) -> "Scores":
    """Scores of an array of final scores (methods, tasks, seeds); NaN for a run that there is not."""
    methods, tasks, seeds = finals.shape
    task, method, _ = np.meshgrid(*map(range, (tasks, methods, seeds)), indexing="ij")
    labels = tuple(f"M{number}" for number in range(methods))
    columns: dict[str, object] = {
        "run": np.arange(finals.size),
        "task": [f"task {number}" for number in task.ravel()],
        "label": np.array(labels, dtype=object)[method.ravel()],
        "final": finals.transpose(1, 0, 2).ravel(),
    }
    counted = pd.DataFrame(columns).dropna().assign(suite="simulated", unit="normalized", data="")
    return cast("Scores", Page(counted, labels))


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Runs that differ by noise."""
    return random.normal(50, 10, shape)


def bimodal(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Runs of which 70 % learn and 30 % fail."""
    return np.where(random.random(shape) < 0.7, 80, 20) + random.normal(0, 5, shape)


KINDS: Final[Mapping[str, Draw]] = {"normal": normal, "bimodal": bimodal}
_TRUE_MEAN: Final = {"normal": 50.0, "bimodal": 0.7 * 80 + 0.3 * 20}


def reports(make: Callable[[np.random.Generator], Floats], number: int) -> list[Comparisons]:
    """Comparisons of ``number`` pages, each of new scores (methods, tasks, seeds)."""
    random = np.random.default_rng(number)
    return [compare(page(make(random)), reps=_REPS, seed=seed) for seed in range(number)]


def share_with_anything_apart(
    made: Sequence[Comparisons], among: Sequence[str] | None = None
) -> tuple[float, float]:
    """Share of reports that call two methods apart, of those in ``among`` if given; and what it is without the gate."""
    with_gate = without = 0
    for comparisons in made:
        frame = comparisons.frame
        if among is not None:
            frame = frame[frame["method_a"].isin(among) & frame["method_b"].isin(among)]
        with_gate += bool(frame["apart"].any())
        without += bool((frame["p_corrected"] < LEVEL).any())
    return with_gate / len(made), without / len(made)


def null_reports(number: int) -> Table:
    """Equal methods: what any verdict is worth."""
    rows = []
    for shape in SHAPES:
        row = [" × ".join(map(str, shape))]
        for draw in KINDS.values():
            found = reports(lambda random, draw=draw, shape=shape: draw(random, shape), number)  # type: ignore[misc]
            row += [_percent(share) for share in share_with_anything_apart(found)]
        rows.append(cells(*row))
    kinds = (f"{kind}{what}" for kind in KINDS for what in ("", ", tests alone"))
    return Table(("equal methods × tasks × seeds", *kinds), tuple(rows))


def uneven(random: np.random.Generator, draw: Draw, seeds: Sequence[int], tasks: int) -> Floats:
    """Final scores of methods, each with its number of ``seeds``, on ``tasks`` tasks."""
    finals = draw(random, (len(seeds), tasks, max(seeds)))
    for of_method, number in zip(finals, seeds, strict=True):
        of_method[:, number:] = np.nan
    return finals


def uneven_reports(number: int) -> Table:
    """Equal methods with other numbers of seeds: comparisons of many seeds pass beside those of few."""
    rows = []
    for seeds, tasks in UNEVEN:
        row = [f"{', '.join(map(str, seeds))} × {tasks}"]
        for draw in KINDS.values():
            found = reports(
                lambda random, draw=draw, seeds=seeds, tasks=tasks: uneven(random, draw, seeds, tasks),  # type: ignore[misc]
                number,
            )
            row += [_percent(share) for share in share_with_anything_apart(found)]
        rows.append(cells(*row))
    kinds = (f"{kind}{what}" for kind in KINDS for what in ("", ", tests alone"))
    return Table(("seeds of equal methods × tasks", *kinds), tuple(rows))


def partial_reports(number: int) -> Table:
    """Some methods differ from the rest, which are equal: whether the rest are called apart."""
    rows = []
    for lower, shape in PARTIAL:
        row = [f"{lower} of {' × '.join(map(str, shape))}"]
        equal = [f"M{method}" for method in range(lower, shape[0])]
        for draw in KINDS.values():

            def make(
                random: np.random.Generator,
                draw: Draw = draw,
                lower: int = lower,
                shape: tuple[int, ...] = shape,
            ) -> Floats:
                finals = draw(random, shape)
                finals[:lower] -= 60
                return finals

            row += [_percent(share) for share in share_with_anything_apart(reports(make, number), equal)]
        rows.append(cells(*row))
    kinds = (f"{kind}{what}" for kind in KINDS for what in ("", ", tests alone"))
    return Table(("lower by 60 points: methods of methods × tasks × seeds", *kinds), tuple(rows))


def task_coverage(number: int) -> Table:
    """How often a "95 %" interval of one task holds the true mean."""
    random = np.random.default_rng(number)
    rows = []
    for seeds in (2, 3, 4, 5, 10):
        row = [str(seeds)]
        for kind, draw in KINDS.items():
            for interval in (t_interval, _percentile):
                ends = np.array([interval(draw(random, (seeds,))) for _ in range(20 * number)])
                row.append(
                    _percent(np.mean((ends[:, 0] <= _TRUE_MEAN[kind]) & (_TRUE_MEAN[kind] <= ends[:, 1])))
                )
        rows.append(cells(*row))
    kinds = (f"{kind}, {what}" for kind in KINDS for what in ("t", "percentile bootstrap"))
    return Table(("seeds of one task", *kinds), tuple(rows))


def aggregate_coverage(number: int, tasks: int = 12) -> Table:
    """How often a "95 %" interval of the IQM over tasks holds its expectation."""
    random = np.random.default_rng(number)
    levels = random.uniform(10, 90, tasks)
    rows = []
    for seeds in (2, 3, 5, 10):
        row = [str(seeds)]
        for draw in KINDS.values():

            def strata(draw: Draw = draw, seeds: int = seeds) -> Strata:
                return Strata.of(list(levels[:, None] + draw(random, (tasks, seeds))))

            once = np.ones((1, tasks * seeds))
            expected = np.mean([statistic(IQM, strata(), once) for _ in range(3000)])
            found = [bootstrap(strata(), Draws(_REPS, seed), [IQM])[IQM] for seed in range(4 * number)]
            row.append(_percent(np.mean([one.low <= expected <= one.high for one in found])))
            row.append(_percent(np.mean([one.rliable_low <= expected <= one.rliable_high for one in found])))
        rows.append(cells(*row))
    kinds = (f"{kind}, {what}" for kind in KINDS for what in ("widened", "rliable"))
    return Table((f"seeds of {tasks} tasks", *kinds), tuple(rows))


def power(number: int) -> Table:
    """How often differences that are there are told: the share of reports, and of the pairs that differ."""

    def clear(methods: int, tasks: int, on: int) -> Callable[[np.random.Generator], Floats]:
        def make(random: np.random.Generator) -> Floats:
            finals = np.repeat(random.uniform(20, 80, (1, tasks, 1)), methods, axis=0)
            finals = finals + random.normal(0, 5, (methods, tasks, 3))
            finals[0, :on], finals[1, :on] = random.normal(2, 0.1, (on, 3)), random.normal(59, 2, (on, 3))
            return finals

        return make

    def ahead(methods: int, seeds: int, points: float) -> Callable[[np.random.Generator], Floats]:
        def make(random: np.random.Generator) -> Floats:
            finals = normal(random, (methods, 12, seeds))
            finals[0] += points
            return finals

        return make

    cases = {
        "2 methods × 3 tasks × 3 seeds: 2 ± 0.1 and 59 ± 2 on all tasks": (clear(2, 3, 3), 3),
        "the same on 2 of 3 tasks": (clear(2, 3, 2), 2),
        "the same on 1 of 3 tasks": (clear(2, 3, 1), 1),
        "the same on 2 of 3 tasks, beside 5 other methods": (clear(7, 3, 2), 2),
        "2 methods × 12 tasks × 3 seeds: one ahead by 10, one standard deviation": (ahead(2, 3, 10), 12),
        "2 methods × 12 tasks × 5 seeds: the same": (ahead(2, 5, 10), 12),
        "7 methods × 12 tasks × 3 seeds: one ahead by 20": (ahead(7, 3, 20), 12),
        "7 methods × 12 tasks × 10 seeds: one ahead by 20": (ahead(7, 10, 20), 12),
    }
    rows = []
    for case, (make, on) in cases.items():
        on_task, over_tasks = [], []
        for comparisons in reports(make, number):
            pair = comparisons.frame[
                (comparisons.frame["method_a"] == "M0") & (comparisons.frame["method_b"] == "M1")
            ]
            on_task.append(pair.loc[pair["kind"] == TASK, "apart"][:on].mean())
            over_tasks.append(pair.loc[pair["metric"] == IQM, "apart"].mean())
        rows.append(cells(case, _percent(np.mean(on_task)), _percent(np.mean(over_tasks))))
    return Table(("what differs", "told on a task where it does", "told over all tasks (IQM)"), tuple(rows))


def _percentile(values: Floats) -> tuple[float, float]:
    low, high = resampled_ends(values[:, None])
    return float(low[0]), float(high[0])


def _percent(share: float | np.floating) -> str:
    return f"{100 * share:.1f} %"


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--reports", type=int, default=60, help="simulated reports of each line (default 60)")
    number = parser.parse_args().reports
    noise = 100 * float(stats.norm.ppf(0.975)) * np.sqrt(0.05 * 0.95 / number)
    print(f"{number} reports a line: a share of 5 % is known to ±{noise:.1f} points.\n")
    print("Reports of equal methods that call something apart:\n")
    print(to_markdown(null_reports(number)))
    print("The same, of methods with other numbers of seeds each:\n")
    print(to_markdown(uneven_reports(number)))
    print(
        "Reports that call something apart among the methods that are equal, where some others are lower:\n"
    )
    print(to_markdown(partial_reports(number)))
    print("Coverage of 95 % intervals of the mean:\n")
    print(to_markdown(task_coverage(number)))
    print("Coverage of 95 % intervals of the IQM:\n")
    print(to_markdown(aggregate_coverage(number)))
    print("Power:\n")
    print(to_markdown(power(number)))


if __name__ == "__main__":
    main()
