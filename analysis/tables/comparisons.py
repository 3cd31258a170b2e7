"""The table of test results for each pair of methods."""

import math
from typing import Any, Final

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.statistics.power import MOST_SEEDS
from vitamin.analysis.table import Cell, Table
from vitamin.analysis.tables.marks import Places, explained, marked_if
from vitamin.analysis.tables.texts import (
    capital,
    digits_of,
    number,
    probability,
    sentences,
    sortable,
    whole,
    with_interval,
)
from vitamin.analysis.units import NORMALIZED

_SMALLER_IS_BETTER: Final = "optimality gap"
MOST_ROWS: Final = 1000
"""A page shows no more comparisons; their file has all."""


def comparison_table(
    comparisons: pd.DataFrame, method: str = "", stand_ins: Places | None = None, *, most: int = MOST_ROWS
) -> TableBlock:
    """The comparisons of the page; what is apart comes first, the rest in the order of ``comparisons``.

    Args:
        comparisons: ``Comparisons.frame``.
        method: What was done, in sentences: ``Comparisons.method``.
        stand_ins: What `scope_stand_ins` found in the aggregates.
        most: How many are shown; the caption tells how many there are.
    """
    data = stand_ins or {}
    ordered = comparisons.assign(later=~comparisons["apart"].astype(bool)).sort_values("later", kind="stable")
    rows = tuple(_row(row, data) for row in ordered.head(most).to_dict("records"))
    several = len(set(comparisons["metric"])) > 1
    header = (
        "Tasks",
        "Measure",
        "Method",
        "Compared with",
        "Seeds",
        "Difference",
        "p",
        "p corrected",
        "Verdict",
    )
    kept = [place for place, head in enumerate(header) if several or head != "Measure"]
    caption = sentences(
        "Difference of the first method's score less the second's [95 %, of this comparison alone].",
        "" if several or comparisons.empty else f"{capital(comparisons['metric'].iloc[0])} of final scores.",
        "Not apart: not told apart by a test, which is not equal; about n seeds for 20 points: n seeds of each"
        " method would tell a difference of 20 points at this spread."
        if any(row[-1].text.startswith("not apart") for row in rows)
        else "",
        method,
        f"The first {whole(most)} of {whole(len(comparisons))} comparisons; all are in `comparisons.csv`."
        if len(comparisons) > most
        else "",
        explained([cell.text for row in rows for cell in row[:1]], data),
    )
    table = Table(
        tuple(header[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        label_column=kept.index(2),
    )
    return TableBlock("comparisons", "Comparisons", table, caption)


def verdict(row: dict[Any, Any]) -> str:
    """The verdict of a row of ``Comparisons.frame``, in words."""
    if bool(row["apart"]):
        first_is_better = (row["difference"] > 0) != (row["metric"] == _SMALLER_IS_BETTER)
        return f"{row['method_a'] if first_is_better else row['method_b']} is better"
    reason = row.get("reason") or ""
    if not isinstance(reason, str):
        reason = ""
    needed, points = row.get("seeds_needed", math.nan), row.get("points", math.nan)
    if not (math.isfinite(needed) and math.isfinite(points)):
        return f"not apart{f': {reason}' if reason else ''}"
    what = f"{number(points, 0 if float(points).is_integer() else 1)} " + (
        "points" if row.get("unit", NORMALIZED) == NORMALIZED else "of return"
    )
    if needed <= min(row["n_a"], row["n_b"]):
        told = f"these seeds would tell {what}"
    else:
        count = f"over {whole(MOST_SEEDS)}" if needed > MOST_SEEDS else f"about {whole(needed)}"
        told = f"{count} seeds for {what}"
    return f"not apart: {reason}; {told}" if reason else f"not apart; {told}"


def _row(row: dict[Any, Any], data: Places) -> tuple[Cell, ...]:
    digits = digits_of(row.get("unit", NORMALIZED))
    n_a, n_b = int(row["n_a"]), int(row["n_b"])
    apart = bool(row["apart"])
    scope, a, b = row["scope"], row["method_a"], row["method_b"]
    return (
        Cell(marked_if(scope, data.get((scope, a)), data.get((scope, b)))),
        Cell(row["metric"]),
        Cell(a),
        Cell(b),
        Cell(str(n_a) if n_a == n_b else f"{n_a} and {n_b}", value=float(min(n_a, n_b))),
        Cell(
            with_interval(row["difference"], row["low"], row["high"], digits, signed=True),
            bold=apart,
            value=sortable(row["difference"]),
        ),
        Cell(probability(row["p"]), value=sortable(row["p"])),
        Cell(probability(row["p_corrected"]), value=sortable(row["p_corrected"])),
        Cell(verdict(row), bold=apart),
    )
