"""Two methods, or the same methods in two results: what differs in protocol, and which differences tests support."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
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
    """The outcome of a comparison.

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
    """The methods that two results have in common; or the one method of each, if they have none in common.

    A method is the same with other settings, such as another preset, if each of the results has it but once.

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
    names = dict.fromkeys(
        run.split("/", maxsplit=1)[0] for run in data.results.infos
    )  # in the order of the sources
    sides: dict[str, dict[tuple[str, ...], str]] = {name: {} for name in names}
    for label in data.scores.labels:
        settings = data.scores.settings[label]
        rest = (f"{name}={value}" for name, value in sorted(settings.items()) if name != RESULTS)
        sides[settings[RESULTS]][base_label(label), *rest] = label
    first, second = (*filter(None, sides.values()), {}, {})[:MOST_SOURCES]
    if not second:
        raise ReportError(
            f"{source_a} and {source_b} hold the same runs, or one of them none. Name two results."
        )
    pairs = _pairs(first, second)
    if not pairs:
        raise ReportError(
            f"No method is in both: {source_a} has {'; '.join(first.values())}, {source_b} has "
            f"{'; '.join(second.values())}. "
            "Choose one of each with --methods."
        )
    return _compared(data, pairs)


def _pairs(
    first: Mapping[tuple[str, ...], str], second: Mapping[tuple[str, ...], str]
) -> list[tuple[str, str]]:
    """Labels of two results that belong together; keys are the method and its other settings."""
    pairs = {first[key]: second[key] for key in first if key in second}
    left = [label for label in first.values() if label not in pairs]
    right = [label for label in second.values() if label not in pairs.values()]
    once = Counter(map(base_label, left)), Counter(map(base_label, right))
    for a, b in product(left, right):
        method = base_label(a)
        if method == base_label(b) and all(count[method] == 1 for count in once):
            pairs[a] = b
    if not pairs and len(left) == len(right) == 1:
        pairs = {left[0]: right[0]}
    return [(label, pairs[label]) for label in first.values() if label in pairs]


def _compared(data: ReportData, pairs: Sequence[tuple[str, str]]) -> Compared:
    alone = [label for label in data.scores.labels if not any(label in pair for pair in pairs)]
    chosen = tuple(label for pair in pairs for label in pair)
    options = replace(data.options, choice=replace(data.options.choice, methods=chosen))
    data = ReportData(data.results, options, pairs=[frozenset(pair) for pair in pairs])
    tests = data.comparisons
    blocks = [protocol_table(data.protocol), summary_table(data.scores.frame, data.summary)]
    if len(tests.frame):
        stand_ins = scope_stand_ins(data.aggregates.frame)
        blocks.append(comparison_table(tests.frame, tests.method, stand_ins))
    verdicts = sentences(tests, data.aggregates) if len(pairs) == 1 else data.verdicts[:1]
    protocol = (*_settings_apart(data, pairs), *data.protocol.sentences)
    notes = (f"Not in both, so not compared: {'; '.join(alone)}.",) if alone else ()
    return Compared(verdicts, protocol, tuple(blocks), (*notes, *data.notes))


def _settings_apart(data: ReportData, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The settings in which the two of a pair differ, which their labels name."""
    for pair in pairs:
        first, second = (data.scores.settings[label] for label in pair)
        for name in sorted({*first, *second} - {RESULTS}):
            values = first.get(name), second.get(name)
            if values[0] != values[1]:
                told = " and ".join("none" if value is None else value for value in values)
                yield f"{name} of {pair[0]} and {pair[1]}: {told}."
