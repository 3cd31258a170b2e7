"""The sentences of a report: in which words, how often, and of whom."""

from pathlib import Path

import numpy as np
import pytest

from tests.analysis.run_folders import write_seeds
from vitamin.analysis.choice import Choice
from vitamin.analysis.report.blocks import Bullets, Figure, Page, TableBlock
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.report.sections import make_page
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import DatasetInfo
from vitamin.errors import ReportError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_seeds(tmp_path / "runs", [70, 72, 74], method="td3_odt")
    write_seeds(tmp_path / "runs", [30, 31, 35], method="odt")
    return tmp_path / "runs"


def _page(directory: Path, **options: object) -> Page:
    return make_page(ReportData(load_results(directory), ReportOptions(reps=100, **options)))  # type: ignore[arg-type]


def _bullets(page: Page) -> list[str]:
    return [
        text
        for section in page.sections
        for block in section.blocks
        if isinstance(block, Bullets)
        for text in block.items
    ]


def _table(page: Page, name: str) -> TableBlock:
    blocks = (block for section in page.sections for block in section.blocks)
    return next(block for block in blocks if isinstance(block, TableBlock) and block.name == name)


@pytest.mark.parametrize("name", ["odt", "ODT"])
def test_a_baseline_is_named_by_its_method_or_its_label(directory: Path, name: str) -> None:
    write_seeds(directory, [50, 51, 52], method="iql")
    page = _page(directory, choice=Choice(baseline=name))
    rows = _table(page, "comparisons").table.rows
    assert [[cell.text for cell in row[1:3]] for row in rows] == [["IQL", "ODT"], ["TD3+ODT", "ODT"]]


def test_no_sentence_is_said_twice(directory: Path) -> None:
    said = _bullets(_page(directory))
    assert len(said) == len(set(said))
    assert said[0].startswith("The one comparison ")
    assert any(text.startswith("hopper-medium-v2: TD3+ODT has the highest mean") for text in said)


def test_seeds_are_told_as_ranges(directory: Path) -> None:
    write_seeds(directory, np.arange(9.0), method="iql")
    assert ReportData(load_results(directory), ReportOptions()).counts.endswith("1 task, seeds 0 to 8.")


def test_what_is_the_same_in_all_rows_is_said_once(directory: Path) -> None:
    block = _table(_page(directory, against="paper"), "paper-mujoco")
    assert [row[-1].text for row in block.table.rows] == ["no", "no"]
    assert (
        "None of these can be compared with the paper's: preset small; 1\N{NO-BREAK SPACE}000 steps"
        in block.caption
    )


def test_a_mistyped_paper(directory: Path) -> None:
    with pytest.raises(ReportError, match=r"papr is not a directory.*Did you mean paper\?"):
        _page(directory, against="papr")


def test_time_of_which_the_parts_are_not_known(directory: Path) -> None:
    block = _table(_page(directory), "cost")
    assert block.table.header == ("Method", "Runs", "Tasks", "Hours a run", "Machine")
    assert "what it was spent on is not known" in block.caption


def test_every_picture_tells_of_stand_in_data(directory: Path) -> None:
    data = DatasetInfo(path="/a", fingerprint="b", trajectories=1, steps=2, label="stand-in: SAC")
    for method, finals in (("td3_odt", [70, 72, 74]), ("odt", [30, 31, 35])):
        write_seeds(directory / "other", finals, method=method, task="walker2d-medium-v2", dataset=data)
    blocks = [block for section in _page(directory).sections for block in section.blocks]
    figures = {block.kind: block.caption for block in blocks if isinstance(block, Figure)}
    assert figures.keys() == {"curves", "intervals", "profiles", "improvement", "efficiency"}
    assert [
        kind
        for kind, caption in figures.items()
        if "‡ stand-in data" not in caption or "dataset: SAC" not in caption
    ] == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "95 % t intervals of the mean"),
        ({"interval": "rliable"}, "95 % bootstrap intervals"),
        ({"std": True}, "one standard deviation"),
    ],
)
def test_a_picture_says_what_its_bands_are(directory: Path, options: dict[str, object], text: str) -> None:
    blocks = (block for section in _page(directory, **options).sections for block in section.blocks)
    curves = next(block for block in blocks if isinstance(block, Figure) and block.kind == "curves")
    assert text in curves.frame.attrs["band"]
    assert text in curves.caption
