"""Claims that one method is above another, judged by the tests of a report."""

import re
from collections.abc import Sequence
from typing import Any, Final

from vitamin.analysis import markdown
from vitamin.analysis.labels import base_label, find_label
from vitamin.analysis.paper import published
from vitamin.analysis.statistics.comparisons import Comparisons
from vitamin.analysis.statistics.names import IQM, TASK
from vitamin.analysis.tables.comparisons import verdict
from vitamin.analysis.tables.texts import digits_of, number, probability, with_interval
from vitamin.errors import ReportError, nearest, shown

_CLAIM: Final = re.compile(r"(?P<above>.+) above (?P<below>.+) on (?P<scope>.+)")


def claim_sentence(claim: str, comparisons: Comparisons, labels: Sequence[str]) -> str:
    """Whether a claim is confirmed, refuted or undecided, and by what.

    It is confirmed if a test tells the two apart and the first is above, refuted if it tells them apart and the second
    is above, else undecided: of one task a test of the means, over tasks of the IQM, corrected for all of
    ``comparisons``.

    Args:
        claim: ``A above B on TASK``; A and B are methods or labels, TASK may be a scope such as ``mujoco (12 tasks)``.
        comparisons: The tests.
        labels: ``Scores.labels``.

    Raises:
        ReportError: If it is no such sentence, or names what there is not.
    """
    match = _CLAIM.fullmatch(claim.strip())
    if match is None:
        raise ReportError(f"{shown(claim)} is no claim. Write it as `td3_odt above odt on hopper-random-v2`.")
    above, below, scope = (
        find_label(match["above"], labels),
        find_label(match["below"], labels),
        match["scope"],
    )
    row = _test(above, below, scope, comparisons)
    difference, low, high = row["difference"], row["low"], row["high"]
    if row["method_a"] != above:
        difference, low, high = -difference, -high, -low
    decided = bool(row["apart"])
    if decided and difference < 0:
        outcome, first, second, sides = "Refuted", below, above, (-difference, -high, -low)
    else:
        outcome, first, second, sides = (
            "Confirmed" if decided else "Undecided",
            above,
            below,
            (difference, low, high),
        )
    by = with_interval(*sides, digits_of(row["unit"]), signed=not decided)
    p = f"p {'' if row['p_corrected'] < 0.001 else '= '}{probability(row['p_corrected'])} after correction"
    tested = row["p"] == row["p"]
    seeds = " and ".join(dict.fromkeys(str(row[side]) for side in ("n_a", "n_b")))
    told = f"{p}; {seeds} seeds" if tested else f"{seeds} {'seed' if seeds == '1' else 'seeds'}"
    what = f"{first} is above {second} on {scope}, by {by} ({told})"
    if not decided:
        what = f"whether {first} is above {second} on {scope}, difference {by} ({told}): {verdict(row)}"
    return f"**{outcome}**: {markdown.escape(what)}.{_published(above, below, scope)}"


def _test(above: str, below: str, scope: str, comparisons: Comparisons) -> dict[Any, Any]:
    """The row of the test of two methods."""
    frame = comparisons.frame
    here = frame[(frame["scope"] == scope) & ((frame["kind"] == TASK) | (frame["metric"] == IQM))]
    if here.empty:
        scopes = list(dict.fromkeys(frame["scope"]))
        raise ReportError(
            f"Nothing was compared on {shown(scope)}.{nearest(scope, scopes)} There are: {', '.join(scopes) or 'none'}."
        )
    for row in here.to_dict("records"):
        if {row["method_a"], row["method_b"]} == {above, below}:
            return row
    raise ReportError(
        f"{above} and {below} were not compared on {scope}: one has no run there, or is no baseline."
    )


def _published(above: str, below: str, scope: str) -> str:
    """The paper's comparison of the two; empty if it has not both."""
    scores = published().set_index(["task", "method"])["final"]
    keys = [(scope, base_label(label)) for label in (above, below)]
    if keys[0] == keys[1] or not all(key in scores.index for key in keys):
        return ""
    first, second = (number(float(scores[key])) for key in keys)
    return f" The paper has {first} and {second}."
