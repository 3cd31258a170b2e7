"""The choice of results, and how a final score is made."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

from vitamin.errors import ReportError, nearest, shown

FinalKind = Literal["last", "mean", "best"]
_FINAL: Final = re.compile(r"(?P<kind>last|mean|best)(:(?P<count>[1-9]\d{0,5}))?")
_MOST_LISTED: Final = 20


@dataclass(frozen=True)
class FinalRule:
    """Which online evaluations make the final score of a run.

    Attributes:
        kind: The ``last`` one, the ``mean`` of the last ones, or the ``best`` of them.
        count: How many are the last ones; None for all.
    """

    kind: FinalKind = "last"
    count: int | None = 1

    @property
    def text(self) -> str:
        """The rule in words."""
        if self.kind == "last":
            return "the last evaluation"
        which = "all evaluations" if self.count is None else f"the last {self.count} evaluations"
        return f"the {'mean' if self.kind == 'mean' else 'best'} of {which}"


@dataclass(frozen=True)
class Choice:
    """A choice of results.

    Attributes:
        tasks: Names or globs (``hopper-*``); empty for all.
        methods: Methods (``td3_odt``), their labels (``TD3+ODT``), or globs of either; empty for all.
        at_steps: Online steps at which methods are compared; None for the most that all of them reach.
        final: How a final score is made: ``last``, ``mean:K``, ``best`` or ``best:K``.
        by: Settings that are swept: part of every label, whether they differ or not.
        include_unfinished: Let runs count that are running, stopped or failed, with the last score they reached.
        baseline: The method with which all others are compared; None to compare all pairs.
    """

    tasks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    at_steps: int | None = None
    final: str = "last"
    by: tuple[str, ...] = ()
    include_unfinished: bool = False
    baseline: str | None = None


def parse_final(text: str) -> FinalRule:
    """The rule that ``last``, ``mean:K``, ``best`` or ``best:K`` stands for.

    Raises:
        ReportError: If it is none of these.
    """
    match = _FINAL.fullmatch(text.strip().casefold())
    count = match and match["count"]
    if match is None or (match["kind"] == "mean") > bool(count) or (match["kind"] == "last" and count):
        raise ReportError(
            f"Unknown final score {shown(text)}. Choose last, mean:K (of the last K evaluations, K from 1), best or"
            " best:K (of the last K)."
        )
    if match["kind"] == "last":
        return FinalRule()
    return FinalRule("mean" if match["kind"] == "mean" else "best", int(count) if count else None)


def choose(patterns: Iterable[str], names: Mapping[str, Iterable[str]], what: str) -> frozenset[str]:
    """The names that any of the patterns stands for.

    Args:
        patterns: Names or globs; case does not count.
        names: What there is, with the other names of each.
        what: What it is, in a word: ``task``.

    Raises:
        ReportError: If a pattern stands for none.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        found = {
            name
            for name, others in names.items()
            if any(_stands_for(pattern.casefold(), each.casefold()) for each in (name, *others))
        }
        if not found:
            listed = sorted(names)
            more = f" … ({len(listed)} in all)" if len(listed) > _MOST_LISTED else ""
            known = dict.fromkeys(each for name, others in names.items() for each in (name, *others))
            raise ReportError(
                f"No run of the {what} {shown(pattern)}.{nearest(pattern, known)} "
                f"{what.capitalize()}s here: {', '.join(listed[:_MOST_LISTED])}{more}."
            )
        chosen |= found
    return frozenset(chosen)


def _stands_for(pattern: str, name: str) -> bool:
    return pattern == name or fnmatchcase(name, pattern)
