"""The sections of a report, in their order. Each says what its numbers are; formats only lay it out."""

from collections.abc import Iterator

from vitamin.analysis.protocol import protocol_table
from vitamin.analysis.report.ablations import ablations
from vitamin.analysis.report.blocks import Block, Bullets, Page, Section, Text
from vitamin.analysis.report.data import ReportData, source_name
from vitamin.analysis.report.figures import (
    ablation_figures,
    curve_figures,
    efficiency_figures,
    improvement_figures,
    interval_figures,
    profile_figures,
)
from vitamin.analysis.report.options import PAPER
from vitamin.analysis.results import Results, load_results
from vitamin.analysis.scores import run_scores
from vitamin.analysis.statistics.aggregates import summarize
from vitamin.analysis.statistics.verdicts import sentences
from vitamin.analysis.tables.ablations import ablation_tables
from vitamin.analysis.tables.against_paper import paper_tables
from vitamin.analysis.tables.against_results import results_tables
from vitamin.analysis.tables.aggregates import aggregate_tables, improvement_tables
from vitamin.analysis.tables.comparable import why_not_comparable
from vitamin.analysis.tables.comparisons import comparison_table
from vitamin.analysis.tables.cost import cost_table
from vitamin.analysis.tables.marks import scope_stand_ins
from vitamin.analysis.tables.provenance import dataset_table, provenance_table
from vitamin.analysis.tables.runs import runs_table
from vitamin.analysis.tables.scores import score_tables
from vitamin.analysis.tables.summary import success_tables, summary_table
from vitamin.errors import ReportError, nearest

_MOST_LABELS_OF_PAIRS = 8


def make_page(data: ReportData) -> Page:
    """All sections that have something to show."""
    made = (
        Section("summary", "Summary", tuple(_summary(data))),
        Section("protocol", "Protocol", tuple(_protocol(data))),
        Section("scores", "Final scores", tuple(_scores(data))),
        Section("against", "Beside other results", tuple(_against(data))),
        Section("aggregates", "Aggregates over tasks", tuple(_aggregates(data))),
        Section("curves", "Learning curves", tuple(curve_figures(data))),
        Section("ablations", "Ablations", tuple(_ablations(data))),
        Section(
            "cost",
            "Time and cost",
            (cost_table(data.scores.frame, data.timing, data.results.runs, data.scores.labels),),
        ),
        Section("runs", "Runs", tuple(_runs(data))),
        Section("provenance", "Provenance", tuple(_provenance(data))),
    )
    return Page(
        title=f"Results in {data.name}",
        sections=tuple(section for section in made if section.blocks),
        labels=data.scores.labels,
    )


def _summary(data: ReportData) -> Iterator[Block]:
    yield Text(data.counts)
    if data.verdicts:
        yield Bullets(data.verdicts)
    if not data.has_scores:
        yield Text(data.advice)


def _protocol(data: ReportData) -> Iterator[Block]:
    if data.protocol.sentences:
        yield Bullets(data.protocol.sentences)
    if data.protocol.labels:
        yield protocol_table(data.protocol)


def _scores(data: ReportData) -> Iterator[Block]:
    frame, labels = data.scores.frame, data.scores.labels
    yield from score_tables(frame, data.summary, labels, not_worse=data.bold_means)
    if not data.has_scores:
        return
    verdicts = tuple(  # what the summary does not say already
        text for text in sentences(data.comparisons, data.aggregates) if text not in data.verdicts
    )
    if verdicts:
        yield Bullets(verdicts)
    tests = data.comparisons
    if len(tests.frame):
        yield comparison_table(tests.frame, tests.method, scope_stand_ins(data.aggregates.frame))
    yield summary_table(frame, data.summary)
    yield from success_tables(frame, data.summary, labels)


def _against(data: ReportData) -> Iterator[Block]:
    against, scores = data.options.against, data.scores
    if against is None:
        return
    if against == PAPER:
        reasons = why_not_comparable(scores.frame, data.results.runs, data.changed)
        found = paper_tables(scores.frame, data.summary, scores.labels, reasons)
    else:
        theirs = run_scores(_other_results(against), data.options.choice)
        found = results_tables(
            data.summary,
            summarize(theirs),
            scores.labels,
            name=source_name(against),
            steps=(scores.common_steps, theirs.common_steps),
        )
    yield from found.tables
    if found.notes:
        yield Bullets(found.notes)


def _other_results(against: str) -> Results:
    try:
        return load_results(against)
    except ReportError as error:
        raise ReportError(f"{error}{nearest(against, (PAPER,))}") from error


def _aggregates(data: ReportData) -> Iterator[Block]:
    if not data.has_scores:
        return
    frame = data.aggregates.frame
    yield from aggregate_tables(frame, interval=data.options.interval, not_worse=data.bold)
    if data.aggregates.notes:
        yield Bullets(data.aggregates.notes)
    yield from interval_figures(data)
    yield from profile_figures(data)
    yield from improvement_figures(data)
    if len(data.improvement) and len(data.scores.labels) <= _MOST_LABELS_OF_PAIRS:
        yield from improvement_tables(data.improvement, data.scores.labels, scope_stand_ins(frame))
    yield from efficiency_figures(data)


def _ablations(data: ReportData) -> Iterator[Block]:
    for frame, figure in zip(
        ablations(data.summary, data.options.choice.by), ablation_figures(data), strict=True
    ):
        yield figure
        yield from ablation_tables(frame)


def _runs(data: ReportData) -> Iterator[Block]:
    if data.notes:
        yield Bullets(data.notes)
    yield runs_table(
        data.scores.frame,
        links=data.links,
        settings=data.changed,
        messages=data.messages,
        missing=data.results.missing,
    )


def _provenance(data: ReportData) -> Iterator[Block]:
    infos = [data.results.infos[run] for run in data.scores.frame["run"]]
    if any(info.dataset is not None for info in infos):
        yield dataset_table(infos)
    yield provenance_table(infos)
