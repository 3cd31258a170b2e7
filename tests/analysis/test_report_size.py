"""Reports on very many runs stay readable."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vitamin.analysis.page.data import column, numbers
from vitamin.analysis.report.blocks import Bullets, Page, Section, TableBlock
from vitamin.analysis.report.build import Report
from vitamin.analysis.report.markdown import render_markdown
from vitamin.analysis.report.notes import first_of, grouped
from vitamin.analysis.table import Table, cells
from vitamin.platform.cli.report import print_report


def _block(name: str, rows: int) -> TableBlock:
    return TableBlock(name, name, Table(("A",), tuple(cells(f"row{number}") for number in range(rows))))


def test_notes_of_which_the_same_is_said_are_one() -> None:
    notes = [(f"run-{number}", "is damaged") for number in range(9)] + [("run-1", "was continued")]
    assert grouped(notes) == ("run-0, run-1, run-2 and 6 more: is damaged", "run-1: was continued")


@pytest.mark.parametrize(("count", "shown"), [(20, 20), (21, 21), (22, 21)])
def test_the_first_notes(count: int, shown: int) -> None:
    found = first_of([str(number) for number in range(count)], 20, "the page")
    assert len(found) == shown
    assert found[-1] == (str(count - 1) if count < 22 else "… and 2 more, in the page.")


@pytest.mark.parametrize(("name", "file"), [("comparisons", "`comparisons.csv`"), ("x", "the HTML page")])
def test_long_tables_are_cut_in_markdown(name: str, file: str) -> None:
    items = Bullets(tuple(f"note{number}" for number in range(100)))
    page = Page("t", (Section("s", "S", (_block(name, 100), items)),), ())
    text = render_markdown(page, {})
    assert "| row59 |" in text
    assert "row60" not in text
    assert f"… and 40 more rows, in {file}." in text
    assert "- … and 40 more, in the HTML page." in text
    assert "note60" not in text


def test_a_terminal_shows_little(capsys: pytest.CaptureFixture[str]) -> None:
    notes = tuple(f"note {number}" for number in range(500))
    print_report(Report(Path("r/report.html"), (), ("yes",), (_block("scores", 200),), notes))
    lines = capsys.readouterr().out.splitlines()
    assert "… and 170 more rows, in the report." in lines
    assert lines[-1] == "… and 480 more, in report.html."
    assert len(lines) < 60


def test_columns_of_a_page_are_rounded_as_single_numbers() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(0, 10.0**power, 200) for power in range(-16, 20)])
    values = np.append(values, [0, -0.0, np.nan, np.inf, -np.inf, 5, 2**53, 1e300, 99999.5])
    found = column(pd.Series(values))
    assert found == numbers(values.tolist())
    assert [type(value) for value in found] == [type(value) for value in numbers(values.tolist())]


def test_texts_of_a_column() -> None:
    assert column(pd.Series(["a", "b", None, "a", "a", "a"])) == {
        "of": ["a", "b", ""],
        "at": [0, 1, 2, 0, 0, 0],
    }
    assert column(pd.Series(["a", "b"])) == ["a", "b"]
