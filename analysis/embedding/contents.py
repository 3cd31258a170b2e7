"""The content of a block of a page: the same tables, sentences and pictures that a report has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from vitamin.analysis.choice import FinalRule, parse_final
from vitamin.analysis.embedding.claims import claim_sentence
from vitamin.analysis.embedding.markers import Block
from vitamin.analysis.pictures import PICTURE_SUFFIXES
from vitamin.analysis.protocol import protocol_table
from vitamin.analysis.report.blocks import Block as Shown
from vitamin.analysis.report.blocks import Bullets, Figure, TableBlock
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.figures import (
    ablation_figures,
    curve_figures,
    efficiency_figures,
    improvement_figures,
    interval_figures,
    profile_figures,
)
from vitamin.analysis.report.markdown import render_block
from vitamin.analysis.tables.aggregates import aggregate_tables
from vitamin.analysis.tables.comparisons import comparison_table
from vitamin.analysis.tables.cost import cost_table
from vitamin.analysis.tables.marks import scope_stand_ins
from vitamin.analysis.tables.scores import score_tables
from vitamin.analysis.tables.search import search_table
from vitamin.analysis.tables.summary import summary_table
from vitamin.analysis.tables.texts import slug
from vitamin.errors import ReportError, nearest, shown

_CLAIMS: Final = "claims"


@dataclass(frozen=True)
class Content:
    """The content of a block.

    Attributes:
        text: Markdown.
        pictures: Those that it shows, by their paths relative to the page.
    """

    text: str
    pictures: Mapping[str, Figure]


def _comparisons(data: ReportData) -> Iterable[Shown]:
    tests = data.comparisons
    yield comparison_table(tests.frame, tests.method, scope_stand_ins(data.aggregates.frame))


def _search(data: ReportData) -> Iterable[Shown]:
    scores = data.scores
    yield search_table(scores.frame, data.summary, data.results.runs, scores.labels, scores.settings)


def _protocol(data: ReportData) -> Iterable[Shown]:
    if data.protocol.sentences:
        yield Bullets(data.protocol.sentences)
    yield protocol_table(data.protocol)


_KINDS: Final[Mapping[str, Callable[[ReportData], Iterable[Shown]]]] = MappingProxyType(
    {
        "verdicts": lambda data: [Bullets(data.verdicts)],
        "scores": lambda data: score_tables(
            data.scores.frame, data.summary, data.scores.labels, not_worse=data.bold_means
        ),
        "summary": lambda data: [summary_table(data.scores.frame, data.summary)],
        "comparisons": _comparisons,
        "aggregates": lambda data: aggregate_tables(
            data.terminal_scopes, interval=data.options.interval, not_worse=data.bold
        ),
        "protocol": _protocol,
        "cost": lambda data: [
            cost_table(data.scores.frame, data.timing, data.results.runs, data.scores.labels)
        ],
        "search": _search,
        "curves": curve_figures,
        "intervals": interval_figures,
        "profiles": profile_figures,
        "improvement": improvement_figures,
        "efficiency": efficiency_figures,
        "ablations": ablation_figures,
    }
)
KINDS: Final = (*_KINDS, _CLAIMS)
"""The kinds of contents that a block can show."""


def make_content(block: Block, data: ReportData) -> Content:
    """The content that the block asks for.

    Raises:
        ReportError: If there is no such kind, nothing of it to show, or a word too many or too few.
    """
    if block.kind not in KINDS:
        raise ReportError(
            f"No block {shown(block.kind)}.{nearest(block.kind, KINDS)} There are {', '.join(KINDS)}."
        )
    if (block.kind == _CLAIMS) != bool(block.arguments):
        example = 'claims "td3_odt above odt on hopper-random-v2"'
        raise ReportError(
            f"Claims are to be named: `{example}`."
            if block.kind == _CLAIMS
            else f"{block.kind} takes options such as final=mean:3, not {shown(block.arguments[0])}."
        )
    if not data.has_scores:
        raise ReportError(f"No run in {data.name} counts, so there is nothing to show.")
    if block.kind == _CLAIMS:
        told = [claim_sentence(claim, data.comparisons, data.scores.labels) for claim in block.arguments]
        return Content("\n".join(f"- {sentence}" for sentence in told) + _rule(data), {})
    blocks = [*_KINDS[block.kind](data)]
    if not blocks:
        raise ReportError(f"The results in {data.name} have no {block.kind}.")
    figures = [each for each in blocks if isinstance(each, Figure)]
    files = _files(block, figures)
    parts = []
    for each in blocks:
        plain = replace(each, caption="") if block.bare and isinstance(each, TableBlock | Figure) else each
        parts.append(render_block(plain, files))
    text = "\n\n".join(parts)
    shows_finals = block.kind in ("scores", "summary", "search", "aggregates")
    pictures = {files[figure.name][0]: figure for figure in figures}
    return Content(text + (_rule(data) if shows_finals and not block.bare else ""), pictures)


def _rule(data: ReportData) -> str:
    """How final scores were made, if not of the last evaluation alone."""
    rule = parse_final(data.scores.choice.final)
    return "" if rule == FinalRule() else f"\n\nFinal scores are {rule.text}."


def _files(block: Block, figures: list[Figure]) -> dict[str, tuple[str, ...]]:
    """The path of each picture; of several, their names follow that of the block."""
    if not figures:
        if block.file is not None:
            raise ReportError(f"{block.kind} has no picture: leave out file={block.file}.")
        return {}
    path = PurePosixPath(block.file or "")
    if path.suffix not in PICTURE_SUFFIXES:
        raise ReportError(
            f"{block.kind} needs file=PATH for its picture, which ends in {', '.join(PICTURE_SUFFIXES)}."
        )
    if len(figures) == 1:
        return {figures[0].name: (str(path),)}
    return {
        figure.name: (str(path.with_name(f"{path.stem}-{slug(figure.name)}{path.suffix}")),)
        for figure in figures
    }
