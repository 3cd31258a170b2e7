"""Two methods, or the same methods in two results: what differs in protocol, and which differences tests support."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from vitamin.analysis.experiments import RESULTS
from vitamin.analysis.labels import base_label, find_label
from vitamin.analysis.protocol import protocol_table
from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.report.build import read
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.statistics.verdicts import sentences
from vitamin.analysis.tables.comparisons import comparison_table
from vitamin.analysis.tables.marks import scope_stand_ins
from vitamin.analysis.tables.summary import summary_table
from vitamin.errors import ReportError

MOST_SOURCES: Final = 2


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Attributes:
        verdicts: Of the tests, a sentence each.
        protocol: Differences in protocol, a sentence each; empty if there are none.
        tables: Protocol, scores, tests.
        notes: What was left out, and why.
    """

    verdicts: tuple[str, ...]
    protocol: tuple[str, ...]
    tables: tuple[TableBlock, ...]
    notes: tuple[str, ...]


def compare_methods(
    source: str, method_a: str, method_b: str, options: ReportOptions | None = None
) -> Compared:
    """Two methods of the same results.

    Args:
        source: Folder or URI of the results.
        method_a: A method (``td3_odt``) or label (``TD3+ODT, tau=0.02``).
        method_b: Another.
        options: Further choices.

    Raises:
        ReportError: If there is no such method, or no run that can be read.
    """
    options = options or ReportOptions()
    results = read(source)
    labels = ReportData(results, options).scores.labels
    chosen = find_label(method_a, labels), find_label(method_b, labels)
    if chosen[0] == chosen[1]:
        raise ReportError(f"{method_a} and {method_b} are the same method. Name two.")
    choice = replace(options.choice, methods=chosen)
    return _compared(ReportData(results, replace(options, choice=choice)), [chosen])


def compare_results(source_a: str, source_b: str, options: ReportOptions | None = None) -> Compared:
    """The methods that two results have in common; or of the one method of each, if they have none in common.

    Args:
        source_a: Folder or URI of results.
        source_b: Another.
        options: Further choices.

    Raises:
        ReportError: If there is nothing in common to compare, or no run that can be read.
    """
    options = options or ReportOptions()
    by = tuple(dict.fromkeys((*options.choice.by, RESULTS)))
    data = ReportData(read(source_a, source_b), replace(options, choice=replace(options.choice, by=by)))
    sides: dict[str, dict[tuple[str, ...], str]] = {}
    for label in data.scores.labels:
        settings = data.scores.settings[label]
        rest = (f"{name}={value}" for name, value in sorted(settings.items()) if name != RESULTS)
        sides.setdefault(settings[RESULTS], {})[base_label(label), *rest] = label
    if len(sides) < MOST_SOURCES:
        raise ReportError(
            f"{source_a} and {source_b} hold the same runs, or one of them none. Name two results."
        )
    first, second = list(sides.values())[:MOST_SOURCES]
    pairs = [(first[rest], second[rest]) for rest in first if rest in second]
    if not pairs and len(first) == len(second) == 1:
        pairs = [(next(iter(first.values())), next(iter(second.values())))]
    if not pairs:
        raise ReportError(
            f"No method is in both: {source_a} has {'; '.join(first.values())}, {source_b} has "
            f"{'; '.join(second.values())}. "
            "Choose one of each with --methods."
        )
    return _compared(data, pairs)


def _compared(data: ReportData, pairs: Iterable[tuple[str, str]]) -> Compared:
    found = [frozenset(pair) for pair in pairs]
    data = ReportData(data.results, data.options, pairs=found)
    tests = data.comparisons
    blocks = [protocol_table(data.protocol), summary_table(data.scores.frame, data.summary)]
    if len(tests.frame):
        stand_ins = scope_stand_ins(data.aggregates.frame)
        blocks.append(comparison_table(tests.frame, tests.method, stand_ins))
    verdicts = sentences(tests, data.aggregates) if len(found) == 1 else data.verdicts[:1]
    return Compared(verdicts, data.protocol.sentences, tuple(blocks), data.notes)
