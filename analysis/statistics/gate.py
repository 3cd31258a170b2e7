"""Whether clusters of runs, rather than methods, could make the page's differences.

Welch's test takes runs for normal. Runs that either learn or fail are not: three that learned beside three that failed
have no spread and lie far apart, which happens by chance once in 32 pairs or less often, and p is then about 10⁻⁴. With
hundreds of pairs on a page that is certain to happen. So where chance could do it, runs are relabelled at random
within their tasks, on the whole page at once, and differences count only where they are larger than those of relabelled
runs. Such a test is exact whatever the distribution of scores, and it combines tasks, which is what Welch's test of a
single task cannot do and why three seeds suffice for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import betainc

from vitamin.analysis.statistics.names import TASK, Floats

LEVEL: Final = 0.04
"""Of the 0.05 that a page may err with, what is for clusters of runs on single tasks; the rest is for other errors."""

SPARED: Final = 0.03
"""Of ``LEVEL``, what may go to comparisons of many seeds beside others of few: these pass without the test."""

NEARLY_NORMAL: Final = 3
"""Seeds of each task from which on a statistic over tasks is not gated: two clusters cannot separate all its runs."""

RELABELLINGS: Final = 999
_FLOOR: Final = 1e-4  # of the share of variance within methods, so that no task counts without bound
_TOLERANCE: Final = 1e-9
_LARGEST: Final = 2_000_000  # relabelled runs at once: 16 MB


@dataclass(frozen=True)
class Gate:
    """The outcome of the relabelling test.

    Attributes:
        chance: Bound on the probability that clusters separate some pair on a task completely, by chance.
        p: Of the page's relabelling test; NaN if it was not needed.
        together: Methods that relabelling does not tell apart from each other.
        compared: Number of methods.
        spared: Pairs of numbers of runs that clusters separate so seldom that their comparisons pass on tasks.
    """

    chance: float
    p: float
    together: frozenset[str]
    compared: int
    spared: frozenset[tuple[int, int]] = frozenset()

    @property
    def sentence(self) -> str:
        """A sentence about the outcome."""
        if not self.chance:
            return ""
        if np.isnan(self.p):
            return "Seeds are many enough that clusters of runs do not pass for differences."
        test = f"Relabelling runs within their tasks gives p = {self.p:.3f} for the page"
        if self.spared:
            fewest = min(min(sizes) for sizes in self.spared)
            test = f"Clusters of runs seldom separate {fewest} seeds and more; for fewer, r{test[1:]}"
        if not self.together:
            return f"{test}, so differences are not those of clusters of runs."
        if len(self.together) == self.compared:
            return f"{test}: nothing is called apart, since clusters of runs could do this by chance."
        return f"{test}; {len(self.together)} of {self.compared} methods are not told from each other by it."

    def holds(self, frame: pd.DataFrame) -> "pd.Series[bool]":
        """Which comparisons it does not let pass: of two methods that belong together, on a task or with two seeds."""
        both = frame["method_a"].isin(self.together) & frame["method_b"].isin(self.together)
        sizes = zip(frame["n_a"].tolist(), frame["n_b"].tolist(), strict=True)
        spared = np.array([pair in self.spared for pair in sizes], dtype=bool)
        on_task = (frame["kind"] == TASK) & ~spared
        return both & (
            on_task | (frame["kind"] != TASK) & (frame[["n_a", "n_b"]].min(axis=1) < NEARLY_NORMAL)
        )


def gate(counted: pd.DataFrame, comparisons: pd.DataFrame, *, seed: int) -> Gate:
    """Tests whether runs could have been relabelled, and sets methods aside until the others could.

    The statistic is the sum over tasks of -log p of their F tests (Fisher's combination): it sees one clear task as
    well as a little on all, and tasks with few runs, which relabelling separates easily, count no more than they are
    worth. If relabelling says that methods differ, the one whose means lie farthest from the others' is set aside and
    the rest are tested again: they may still be equal.

    Args:
        counted: Columns task, label, final.
        comparisons: Columns kind, method_a, method_b, n_a, n_b, p, and apart before this.
        seed: Of the relabellings.
    """
    labels = list(dict.fromkeys([*comparisons["method_a"], *comparisons["method_b"]]))
    on_tasks = comparisons[(comparisons["kind"] == TASK) & comparisons["p"].notna()]
    sizes = Counter(zip(on_tasks["n_a"].tolist(), on_tasks["n_b"].tolist(), strict=True))
    chances = {pair: number * separation_by_chance(*pair) for pair, number in sizes.items()}
    chance = sum(chances.values())
    if chance <= LEVEL:
        return Gate(chance, float("nan"), frozenset(), len(labels))
    spared, spent = _spared(chances)
    gated = on_tasks[[pair not in spared for pair in zip(on_tasks["n_a"], on_tasks["n_b"], strict=True)]]
    gated = gated.assign(chance=list(map(separation_by_chance, gated["n_a"], gated["n_b"])))
    random = np.random.default_rng(seed)
    codes = pd.Categorical(counted["label"], labels).codes
    tasks = [
        (codes[rows], counted["final"].to_numpy(np.float64)[rows])
        for rows in counted.groupby("task", sort=False).indices.values()
    ]
    first: float | None = None
    remaining = set(range(len(labels)))
    while True:
        p, distinct = _relabelled(tasks, remaining, random)
        first = p if first is None else first
        together = frozenset(labels[code] for code in remaining)
        if p > LEVEL - spent:
            return Gate(chance, first, together, len(labels), spared)
        leaving = max(1, len(remaining) // 8)  # of many methods some at a time
        remaining -= set(sorted(remaining, key=lambda code: -distinct[code])[:leaving])
        together = frozenset(labels[code] for code in remaining)
        undecided = Gate(chance, first, together, len(labels), spared).holds(comparisons)
        among = gated[gated[["method_a", "method_b"]].isin(together).all(axis=1)]
        if not (comparisons["apart"] & undecided).any() or among["chance"].sum() <= LEVEL - spent:
            return Gate(chance, first, frozenset(), len(labels), spared)


def _spared(chances: Mapping[tuple[int, int], float]) -> tuple[frozenset[tuple[int, int]], float]:
    """The pairs of sizes of many seeds that pass, and what their chances add up to: ``SPARED`` at the most.

    Args:
        chances: For each pair of sizes, the bound for all comparisons of such sizes.
    """
    spared: set[tuple[int, int]] = set()
    spent = 0.0
    for sizes in sorted(chances, key=lambda sizes: (separation_by_chance(*sizes), sizes)):
        if spent + chances[sizes] > SPARED:
            break
        spared.add(sizes)
        spent += chances[sizes]
    return frozenset(spared), spent


@cache
def separation_by_chance(n_a: int, n_b: int) -> float:
    """Largest probability that all runs of one side fall into one cluster, and all of the other into the other.

    Over all sizes of the clusters; 2^(1 − 2n) for n runs each.
    """
    share = np.linspace(0, 0.5, 2001)
    separated = share**n_a * (1 - share) ** n_b + share**n_b * (1 - share) ** n_a
    return float(separated.max())


def _relabelled(
    tasks: Sequence[tuple[np.ndarray, Floats]], labels: set[int], random: np.random.Generator
) -> tuple[float, dict[int, float]]:
    """The p of relabelling some methods, and how far the means of each lie from the others'."""
    statistic = 0.0
    relabelled = np.zeros(RELABELLINGS)
    distinct = dict.fromkeys(labels, 0.0)
    for codes, finals in tasks:
        chosen = np.flatnonzero(np.isin(codes, list(labels)))
        chosen = chosen[np.argsort(codes[chosen], kind="stable")]
        present, starts, sizes = np.unique(codes[chosen], return_index=True, return_counts=True)
        values = finals[chosen] - finals[chosen].mean() if len(chosen) else finals[chosen]
        total = (values**2).sum()
        if len(present) < 2 or total == 0 or len(chosen) == len(present):
            continue

        def between(rows: Floats) -> Floats:
            sums = np.add.reduceat(rows, starts, axis=1)  # noqa: B023
            return np.asarray(sums**2 / sizes / total, dtype=np.float64)  # noqa: B023

        observed = between(values[None])[0]
        freedom = len(present) - 1, len(chosen) - len(present)
        statistic += float(_surprise(observed.sum(), freedom))
        for code, share in zip(present, observed, strict=True):
            distinct[int(code)] += share
        chunk = max(1, _LARGEST // len(values))
        for start in range(0, RELABELLINGS, chunk):
            rows = np.tile(values, (min(chunk, RELABELLINGS - start), 1))
            shares = between(random.permuted(rows, axis=1)).sum(axis=1)
            relabelled[start : start + chunk] += _surprise(shares, freedom)
    return (1 + (relabelled >= statistic - _TOLERANCE).sum()) / (1 + RELABELLINGS), distinct


def _surprise(between: Floats, freedom: tuple[int, int]) -> Floats:
    """-log p of the F test of one task, of the share of its variance that lies between methods."""
    within = np.clip(1 - between, _FLOOR, 1)
    return -np.log(betainc(freedom[1] / 2, freedom[0] / 2, within))
