"""Writes a report: its page from one template for each section, its tables as CSV, its pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from vitamin.analysis.curves import Band
from vitamin.analysis.pictures import PICTURE_SUFFIXES
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.report.content import ReportContent, ReportOptions
from vitamin.analysis.results import load_results
from vitamin.analysis.statistics import DEFAULT_REPS
from vitamin.analysis.tables import Table, to_markdown, write_csv
from vitamin.analysis.together import written_together
from vitamin.errors import ReportError

PAGE: Final = "report.md"
_CURVES: Final = "curves"
_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Report:
    """What was written, and what of it a terminal shows.

    Attributes:
        page: The Markdown page.
        files: All files, the page first.
        scores: Final scores with change from the pretrained policy.
        aggregates: Median, IQM, mean and optimality gap with intervals: over all tasks, or of each task where
            no two tasks have normalized scores of every method.
        notes: What was skipped or left out, and why.
    """

    page: Path
    files: tuple[Path, ...]
    scores: Table
    aggregates: Table
    notes: tuple[str, ...]


def build_report(
    directory: Path,
    out: Path | None = None,
    *,
    reps: int = DEFAULT_REPS,
    seed: int = 0,
    band: Band = "bootstrap",
    include_unfinished: bool = False,
) -> Report:
    """Reads the run folders at or below ``directory`` and writes the report on them.

    The same run folders and options give the same bytes.

    Args:
        directory: A run folder, a sweep's folder, or any folder above them.
        out: Folder of the report, ``report`` in ``directory`` if None; an earlier report in it is replaced.
        reps: Bootstrap resamples of the 95 % intervals.
        seed: Of the resampling.
        band: Bands of the learning curves: ``bootstrap`` (95 % interval) or ``std`` (± standard deviation).
        include_unfinished: Count running and failed runs, with the last score they reached.

    Raises:
        ReportError: If no run folder is found, can be read, or has evaluations, or ``out`` cannot be written.
    """
    results = load_results(directory)
    if results.evaluations.empty:
        raise ReportError(
            f"No run below {directory} has evaluated yet ({len(results.infos)} found). "
            "Report again after the first evaluation; `eval_interval` sets when it comes."
        )
    options = ReportOptions(reps=reps, seed=seed, band=band, include_unfinished=include_unfinished)
    content = ReportContent(results, options)
    folder = directory / "report" if out is None else out
    try:
        with written_together(folder) as new:
            files = tuple(folder / file.name for file in _write(content, new))
        if not content.has_scores:  # the pictures of an earlier report
            for suffix in PICTURE_SUFFIXES:
                (folder / _CURVES).with_suffix(suffix).unlink(missing_ok=True)
    except OSError as error:
        raise ReportError(
            f"Cannot write the report to {folder}: {error.strerror}. Choose another --out."
        ) from error
    return Report(
        page=files[0],
        files=files,
        scores=content.score_table,
        aggregates=content.headline_table,
        notes=(*results.warnings, *results.damages, *content.notes),
    )


def render_sections(content: ReportContent) -> str:
    """The page: every ``*.md.j2`` of the templates folder, in the order of their names."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = to_markdown
    names = sorted(path.name for path in _TEMPLATES.glob("*.md.j2"))
    sections = (environment.get_template(name).render(report=content).strip() for name in names)
    return "\n\n".join(section for section in sections if section) + "\n"


def _write(content: ReportContent, folder: Path) -> tuple[Path, ...]:
    page = folder / PAGE
    page.write_text(render_sections(content), encoding="utf-8", errors="backslashreplace")
    frames = {
        "scores.csv": content.scores,
        "summary.csv": content.summary,
        "aggregates.csv": content.aggregates.frame,
        "curves.csv": content.curves,
    }
    tables = [write_csv(frame, folder / name) for name, frame in frames.items()]
    if not content.has_scores:
        return (page, *tables)
    from vitamin.analysis.plots import draw  # which knows the blocks of this package

    curves = Figure(_CURVES, "curves", "Learning curves", content.curves, "", "Learning curves of each task.")
    return (page, *tables, *draw(curves, folder))
