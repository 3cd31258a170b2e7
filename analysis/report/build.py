"""Writes a report: one content in every format that is asked for, and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vitamin.analysis.exports import is_export
from vitamin.analysis.report.blocks import Figure, Page, TableBlock
from vitamin.analysis.report.columns import frames_for_csv
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.report.sections import make_page
from vitamin.analysis.results import Results, load_results
from vitamin.analysis.table import write_csv
from vitamin.analysis.tables.aggregates import aggregate_tables
from vitamin.analysis.tables.scores import score_tables
from vitamin.analysis.together import written_together
from vitamin.errors import ReportError

HTML: Final = "report.html"
MARKDOWN: Final = "report.md"
PDF: Final = "report.pdf"
FOLDER: Final = "report"
LATEX: Final = "latex"
"""Subfolder of the report in LaTeX: compiled, it would else replace the printed page."""


@dataclass(frozen=True)
class Report:
    """A report as written, and the part of it that a terminal shows.

    Attributes:
        page: What to open: the HTML page, or else the first file.
        files: All files.
        summary: The verdicts.
        tables: Final scores, and aggregates.
        notes: What was skipped or left out, and why.
    """

    page: Path
    files: tuple[Path, ...]
    summary: tuple[str, ...]
    tables: tuple[TableBlock, ...]
    notes: tuple[str, ...]


def build_report(
    *sources: str | Path, out: Path | None = None, options: ReportOptions | None = None
) -> Report:
    """Reads the run folders at or below the sources and writes the report on them.

    The same run folders and options give the same bytes.

    Args:
        sources: Run folders, sweeps' folders, exports, any folders above them, or URIs of such.
        out: Folder of the report; by default ``report`` in the source, or here if there are several or it is no folder.
            An earlier report in it is replaced.
        options: What was chosen.

    Raises:
        ReportError: If no run is found, can be read, or has evaluations, a choice names what is not there, or ``out``
            cannot be written.
    """
    options = options or ReportOptions()
    data = ReportData(read(*sources), options, folder := report_folder(sources, out))
    page = make_page(data)
    try:
        with written_together(folder, replaced=True) as new:
            _write(page, data, new)
            names = sorted(file.relative_to(new) for file in new.rglob("*") if file.is_file())
    except OSError as error:
        raise ReportError(
            f"Cannot write the report to {folder}: {error.strerror or error}. Choose another --out."
        ) from error
    files = tuple(folder / name for name in names)
    first = next(
        (folder / name for name in (HTML, MARKDOWN, PDF, f"{LATEX}/report.tex") if folder / name in files),
        files[0],
    )
    return Report(first, files, (data.counts, *data.verdicts), _shown(data), data.notes)


def read(*sources: str | Path) -> Results:
    """The results that ``load_results`` reads, if any run has evaluated.

    Raises:
        ReportError: If none has, or none can be read.
    """
    results = load_results(*sources)
    if results.evaluations.empty:
        raise ReportError(
            f"No run below {', '.join(map(str, sources))} has evaluated yet ({len(results.infos)} found). "
            "Report again after the first evaluation; `eval_interval` sets when it comes."
        )
    return results


def report_folder(sources: Sequence[str | Path], out: Path | None) -> Path:
    """Where the report goes."""
    if out is not None:
        return out
    one_folder = len(sources) == 1 and "://" not in str(sources[0]) and not is_export(str(sources[0]))
    return Path(sources[0]) / FOLDER if one_folder else Path(FOLDER)


def _shown(data: ReportData) -> tuple[TableBlock, ...]:
    scores = score_tables(data.scores.frame, data.summary, data.scores.labels, not_worse=data.bold_means)
    if not data.has_scores:
        return scores
    aggregates = aggregate_tables(data.terminal_scopes, interval=data.options.interval, not_worse=data.bold)
    return (*scores, *aggregates)


def _write(page: Page, data: ReportData, folder: Path) -> None:
    formats = data.options.formats
    if "csv" in formats:
        frames = frames_for_csv(
            data.runs, data.scores.frame, data.aggregates.frame, data.curves, data.comparisons.frame
        )
        for name, frame in frames.items():
            write_csv(frame, folder / name)
    if "md" in formats:
        from vitamin.analysis.report.markdown import render_markdown

        text = render_markdown(page, _draw(page, folder, ".png"))
        (folder / MARKDOWN).write_text(text, encoding="utf-8", errors="backslashreplace")
    if "latex" in formats:
        from vitamin.analysis.report.latex import write_latex

        (folder / LATEX).mkdir()
        write_latex(page, _draw(page, folder / LATEX, ".pdf"), folder / LATEX)
    if "html" in formats or "pdf" in formats:
        _write_page(page, formats, folder)


def _write_page(page: Page, formats: Sequence[str], folder: Path) -> None:
    from vitamin.analysis.page.printing import print_page
    from vitamin.analysis.page.render import render_page

    html = folder / HTML
    html.write_text(render_page(page), encoding="utf-8", errors="backslashreplace")
    if "pdf" in formats:
        print_page(html, folder / PDF)
    if "html" not in formats:
        html.unlink()


def _draw(page: Page, folder: Path, suffix: str) -> dict[str, tuple[str, ...]]:
    """Draws all pictures; their files' names by figure."""
    from vitamin.analysis.plots import draw

    figures = [block for section in page.sections for block in section.blocks if isinstance(block, Figure)]
    return {figure.name: tuple(path.name for path in draw(figure, folder, (suffix,))) for figure in figures}
