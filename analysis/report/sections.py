"""The sections of a report, in their order. Each says what its numbers are; formats only lay it out."""

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from vitamin.analysis.paper.tables import paper_tables
from vitamin.analysis.protocol import protocol_table
from vitamin.analysis.report.ablations import ablations
from vitamin.analysis.report.blocks import Block, Bullets, Page, Section, Text
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.figures import (
    ablation_figures,
    curve_figures,
    efficiency_figures,
    improvement_figures,
    interval_figures,
    profile_figures,
)
from vitamin.analysis.report.options import PAPER
from vitamin.analysis.statistics.verdicts import not_worse, sentences, summary_sentences
from vitamin.analysis.tables.ablations import ablation_tables
from vitamin.analysis.tables.aggregates import aggregate_tables, improvement_tables
from vitamin.analysis.tables.comparisons import comparison_table
from vitamin.analysis.tables.cost import cost_table
from vitamin.analysis.tables.marks import scope_stand_ins
from vitamin.analysis.tables.provenance import dataset_table, version_table
from vitamin.analysis.tables.runs import runs_table
from vitamin.analysis.tables.scores import score_tables
from vitamin.analysis.tables.summary import success_tables, summary_table
from vitamin.analysis.tables.texts import count_text


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
        Section("cost", "Time and cost", tuple(_cost(data))),
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
    verdicts = data.verdicts
    if verdicts:
        yield Bullets(verdicts)
    if not data.has_scores:
        yield Text(data.advice)


def _protocol(data: ReportData) -> Iterator[Block]:
    protocol = data.protocol
    if protocol.sentences:
        yield Bullets(protocol.sentences)
    yield protocol_table(protocol)


def _scores(data: ReportData) -> Iterator[Block]:
    frame, labels = data.scores.frame, data.scores.labels
    yield from score_tables(frame, data.summary, labels, not_worse=data.bold_means)
    if not data.has_scores:
        return
    yield Bullets(sentences(data.comparisons, data.aggregates))
    yield comparison_table(data.comparisons.frame, data.comparisons.method, scope_stand_ins(data.aggregates.frame))
    yield summary_table(frame, data.summary)
    yield from success_tables(frame, data.summary, labels)


def _against(data: ReportData) -> Iterator[Block]:
    if data.options.against == PAPER:
        yield from paper_tables(data.scores, data.summary, data.results)


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
    yield from improvement_tables(data.improvement, data.scores.labels, scope_stand_ins(frame))
    yield from efficiency_figures(data)


def _ablations(data: ReportData) -> Iterator[Block]:
    yield from ablation_figures(data)
    for frame in ablations(data.summary, data.options.choice.by):
        yield from ablation_tables(frame)


def _cost(data: ReportData) -> Iterator[Block]:
    if len(data.timing):
        yield cost_table(data.timing)


def _runs(data: ReportData) -> Iterator[Block]:
    notes = data.notes
    if notes:
        yield Bullets(notes)
    yield runs_table(data.results, data.scores)


def _provenance(data: ReportData) -> Iterator[Block]:
    yield dataset_table(data.results.runs, data.results.infos)
    yield version_table(data.results.infos)
