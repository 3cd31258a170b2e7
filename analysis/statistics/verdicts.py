"""Verdicts of comparisons in plain words, and the scores that a table makes bold."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.aggregates import Aggregates
from vitamin.analysis.statistics.comparisons import BY_CHANCE, Comparisons
from vitamin.analysis.statistics.names import ALL, IQM, MEAN, SUITE, TASK
from vitamin.analysis.statistics.power import MOST_SEEDS
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

WITHIN: Final = 0.1
"""How far a mean may lie below the best to be marked as the paper marks it, as a share of the best's size."""

_TWO: Final = 2
_MOST_HEADLINES: Final = 4
_BREADTH: Final = {TASK: 0, SUITE: 1, ALL: 2}


def sentences(comparisons: Comparisons, aggregates: Aggregates) -> tuple[str, ...]:
    """A verdict for each scope: of tasks about their means, over tasks about the IQM; in the order of tables."""
    shown = comparisons.estimates[
        comparisons.estimates["metric"].eq(IQM) | comparisons.estimates["kind"].eq(TASK)
    ]
    tests = dict(tuple(comparisons.frame.groupby(["scope", "metric"], sort=False)))
    values = dict(tuple(aggregates.frame.groupby(["scope", "metric"], sort=False)))
    found = []
    for key, estimates in shown.groupby(["scope", "metric"], sort=False):
        if key not in tests:
            continue
        verdict = _against_baseline if comparisons.baseline else _against_best
        found.append(f"{key[0]}: {verdict(comparisons, tests[key], estimates, values.get(key))}")
    return tuple(found)


def headlines(comparisons: Comparisons, aggregates: Aggregates) -> tuple[str, ...]:
    """For the top of a page: how many comparisons, how many apart, and the verdicts of the broadest scopes."""
    apart = int(comparisons.frame["apart"].sum())
    if not comparisons.family:
        return ("No two methods have two seeds or more on one task: nothing could be tested.",)
    whom = f" with {' and '.join(comparisons.baseline)}" if comparisons.baseline else ""
    many = f"{comparisons.family:,} comparisons{whom}"
    lines = [
        f"The one comparison{whom} {'tells' if apart else 'does not tell'} its methods apart."
        if comparisons.family == 1
        else f"Of {many}, {apart or 'none'} {'is' if apart == 1 else 'are'} told apart, corrected for their number."
    ]
    verdicts = sentences(comparisons, aggregates)
    scopes = comparisons.frame.drop_duplicates("scope").set_index("scope")["kind"].map(_BREADTH)
    broadest = scopes.index[scopes == scopes.max()]
    lines += [line for line in verdicts if any(line.startswith(f"{scope}: ") for scope in broadest)][
        :_MOST_HEADLINES
    ]
    return tuple(lines)


def not_worse(comparisons: Comparisons, scope: str, metric: str) -> frozenset[str]:
    """Methods that a table makes bold: the highest estimates, and whatever a test does not tell apart from it.

    A method that could not be tested against the highest (a single seed, no spread, or no comparison because only those
    with a baseline were made) is not bold. Empty where there is nothing to compare: a single method, the median and the
    optimality gap.
    """
    estimates = comparisons.estimates
    here = estimates[(estimates["scope"] == scope) & (estimates["metric"] == metric)]
    if len(here) < _TWO:
        return frozenset()
    best, *as_high = _highest(here)
    frame = comparisons.frame
    tests = _against(frame[(frame["scope"] == scope) & (frame["metric"] == metric)], best)
    return frozenset([best, *as_high, *tests.loc[tests["p"].notna() & ~tests["apart"], "other"]])


def within_ten_percent(means: Mapping[str, float]) -> frozenset[str]:
    """The paper's own mark: the methods within 10 % of the best mean of a task, but for the best itself.

    No further below the highest mean than a tenth of its absolute value; so a best of −30 marks −33 and above.
    It is about means only: neither the spread nor the number of seeds enters.

    Args:
        means: Of the final scores on one task, by label.
    """
    best = max(means.values(), default=float("nan"))
    return frozenset(label for label, mean in means.items() if best > mean >= best - WITHIN * abs(best))


def _highest(estimates: pd.DataFrame) -> list[str]:
    """The label of the highest value, or of all that are as high."""
    return list(estimates.loc[estimates["value"] == estimates["value"].max(), "label"])


def _against(tests: pd.DataFrame, label: str) -> pd.DataFrame:
    """Tests of one method, with the ``other`` of each."""
    mine = tests[(tests["method_a"] == label) | (tests["method_b"] == label)]
    return mine.assign(other=mine["method_a"].where(mine["method_b"] == label, mine["method_b"]))


def _against_best(
    comparisons: Comparisons, tests: pd.DataFrame, estimates: pd.DataFrame, values: pd.DataFrame | None
) -> str:
    best, *as_high = _highest(estimates)
    pairs = _against(tests, best)
    what = "mean" if estimates["metric"].iloc[0] == MEAN else "IQM"
    also = f", as {'has' if len(as_high) == 1 else 'have'} {listed(as_high)}" if as_high else ""
    highest = f"{best} has the highest {what}, {_estimate(best, estimates, values)}{also}"
    parts = [_apart(pairs), *_not_apart(pairs, comparisons), _untested(pairs)]
    return f"{'; '.join([highest, *filter(None, parts)])}."


def _against_baseline(
    comparisons: Comparisons, tests: pd.DataFrame, estimates: pd.DataFrame, values: pd.DataFrame | None
) -> str:
    lines = []
    for baseline in comparisons.baseline:
        pairs = tests[tests["method_b"] == baseline].rename(columns={"method_a": "other"})
        if pairs.empty:
            continue
        parts = []
        for word, side in (("above", pairs["difference"] > 0), ("below", pairs["difference"] <= 0)):
            apart = pairs[pairs["apart"] & side]
            if len(apart):
                numbers = apart[["difference", "low", "high"]].abs().to_numpy()
                by = [
                    f"{other} by {_interval(size, *sorted(ends))}"
                    for other, (size, *ends) in zip(apart["other"], numbers, strict=True)
                ]
                parts.append(f"{listed(by)} {word} it ({_p(apart)})")
        parts += [*_not_apart(pairs, comparisons), _untested(pairs)]
        lines.append(
            f"{baseline} is at {_estimate(baseline, estimates, values)}; {'; '.join(filter(None, parts))}"
        )
    return f"{'. '.join(lines)}." if lines else "the baseline has no run here that counts."


def _apart(pairs: pd.DataFrame) -> str:
    apart = pairs[pairs["apart"]]
    return f"it is apart from {listed(apart['other'])} ({_p(apart)})" if len(apart) else ""


def _p(apart: pd.DataFrame) -> str:
    p = apart["p_corrected"].max()
    text = "< 0.001" if p < 0.001 else f"{'=' if len(apart) == 1 else '≤'} {p:.3f}"
    return f"p {text} after correction"


def _not_apart(pairs: pd.DataFrame, comparisons: Comparisons) -> list[str]:
    tested = pairs[pairs["p"].notna() & ~pairs["apart"]]
    held = tested["reason"] == BY_CHANCE
    parts = []
    for rows, why in ((tested[~held], _seeds), (tested[held], lambda _: f": {BY_CHANCE}")):
        if len(rows):
            others = listed(rows["other"])
            verb = (
                f"{others} not told apart from it"
                if comparisons.baseline
                else f"not told apart from {others}"
            )
            parts.append(verb + why(rows))
    return parts


def _seeds(rows: pd.DataFrame) -> str:
    """By how many seeds they are not told apart, and how many would tell how much."""
    seeds = sorted({*rows["n_a"], *rows["n_b"]})
    text = f" by {seeds[0]} seeds" if len(seeds) == 1 else f" by {seeds[0]} to {seeds[-1]} seeds"
    if rows["seeds_needed"].isna().all():
        return text
    more = rows[rows["seeds_needed"] > rows[["n_a", "n_b"]].min(axis=1)]
    worst = (more if len(more) else rows).sort_values("seeds_needed", na_position="first").iloc[-1]
    needed, points = worst["seeds_needed"], worst["points"]
    told = f"{points:g} points" if worst["unit"] == NORMALIZED else f"a difference of {points:.4g}"
    if more.empty:
        return f"{text}, which would tell {told} at this spread"
    about = f"more than {MOST_SEEDS:,}" if needed > MOST_SEEDS else f"about {needed:.0f}"
    each = " of each" if needed <= seeds[-1] else ""
    return f"{text}: at this spread {about}{each} would tell {told}"


def _untested(pairs: pd.DataFrame) -> str:
    rows = pairs[pairs["p"].isna()]
    if rows.empty:
        return ""
    whys = [f"{listed(part['other'])} ({why})" for why, part in rows.groupby("reason", sort=False)]
    return f"no test of {listed(whys)}"


def _estimate(label: str, estimates: pd.DataFrame, values: pd.DataFrame | None) -> str:
    value = float(estimates.loc[estimates["label"] == label, "value"].iloc[0])
    row = values[values["label"] == label] if values is not None else None
    if row is None or row.empty:
        return _interval(value, float("nan"), float("nan"))
    return _interval(value, float(row["low"].iloc[0]), float(row["high"].iloc[0]))


def _interval(value: float, low: float, high: float) -> str:
    def text(number: float) -> str:
        return f"{number:.1f}".replace("-", "−")

    return text(value) if np.isnan(low) else f"{text(value)} [{text(low)}, {text(high)}]"
