"""`vitamin compare`: two results, or two methods of the same."""

import re
from pathlib import Path

import pytest
from scipy import stats
from typer.testing import CliRunner

from tests.analysis.run_folders import write_run, write_seeds
from vitamin.analysis.report.comparing import Compared, compare_methods, compare_results
from vitamin.analysis.report.options import ReportOptions
from vitamin.errors import ReportError
from vitamin.platform.cli import app

OPTIONS = ReportOptions(reps=50)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    write_seeds(tmp_path / "ours", [70, 72, 74])
    write_seeds(tmp_path / "ours", [10, 12, 14], method="odt")
    return tmp_path / "ours"


def compared(a: Path, b: Path) -> Compared:
    return compare_results(str(a), str(b), OPTIONS)


def cells(found: Compared, name: str) -> list[list[str]]:
    (block,) = [block for block in found.tables if block.name == name]
    return [[cell.text for cell in row] for row in block.table.rows]


def test_two_methods(ours: Path) -> None:
    found = compare_methods(str(ours), "td3_odt", "ODT", OPTIONS)
    assert found.tables[0].name == "protocol"
    (row,) = cells(found, "comparisons")
    interval = stats.ttest_ind([10, 12, 14], [70, 72, 74], equal_var=False).confidence_interval()
    assert row[:3] == ["hopper-medium-v2", "ODT", "TD3+ODT"]
    assert row[4] == f"−60.00 [−{-interval.low:.2f}, −{-interval.high:.2f}]"
    assert found.protocol == ()
    (verdict,) = found.verdicts
    assert "TD3+ODT has the highest mean, 72.0 [67.0, 77.0]; it is apart from ODT" in verdict


def test_other_methods_take_no_part(ours: Path) -> None:
    """The common step, and the number of tests, are those of the two alone."""
    for seed in range(3):
        write_run(ours / f"short-{seed}", {0: 1.0, 500: 99.0}, method="iql", seed=seed, online_steps=500)
    found = compare_methods(str(ours), "td3_odt", "odt", OPTIONS)
    assert len(cells(found, "comparisons")) == 1
    assert "IQL" not in str(found)
    (budget,) = [row for row in cells(found, "protocol") if row[0] == "Online steps"]
    assert budget[1:] == ["1 000", "1 000", "="]


def test_methods_that_are_none_or_the_same(ours: Path) -> None:
    for a, b, said in (
        ("td3_odt", "TD3+ODT", "td3_odt and TD3+ODT are the same method"),
        ("td3_odt", "od", "No method 'od' among those compared. Did you mean ODT"),
        ("iql", "odt", "No method 'iql'"),
    ):
        with pytest.raises(ReportError, match=re.escape(said)):
            compare_methods(str(ours), a, b, OPTIONS)


def test_a_method_with_several_experiments_asks_which(ours: Path) -> None:
    write_seeds(ours, [1, 2], method="odt", overrides={"context_length": 3}, preset="tiny")
    with pytest.raises(ReportError, match="'odt' has several experiments"):
        compare_methods(str(ours), "td3_odt", "odt", OPTIONS)


def test_two_results_are_compared_method_by_method(ours: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "again"
    write_seeds(theirs, [50, 52, 54])
    write_seeds(theirs, [10, 12, 14], method="odt")
    write_seeds(theirs, [99, 99, 99], method="iql")
    found = compared(ours, theirs)
    rows = sorted(row[1:3] for row in cells(found, "comparisons"))
    assert rows == [
        ["ODT, results=again", "ODT, results=ours"],
        ["TD3+ODT, results=again", "TD3+ODT, results=ours"],
    ]
    assert found.notes[0] == "Not in both, so not compared: IQL, results=again."
    assert found.protocol == ()
    assert found.verdicts == ("Of 2 comparisons, 1 is told apart, corrected for their number.",)


def test_what_differs_in_protocol_is_named(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    for seed, final in enumerate((50, 52, 54)):
        write_run(
            theirs / f"run-{seed}",
            {0: 10.0, 1000: final, 2000: 99.0},
            seed=seed,
            online_steps=2000,
        )
    for seed, final in enumerate((70, 72, 74)):
        write_run(tmp_path / "known" / f"run-{seed}", [10, final], seed=seed, online_steps=1000)
    found = compared(tmp_path / "known", theirs)
    sentence, updates = found.protocol
    assert "TD3+ODT, results=known 1 000" in sentence
    assert "TD3+ODT, results=theirs 2 000" in sentence
    assert sentence.endswith("Finals are compared at 1 000.")
    assert updates.startswith("Gradient updates on hopper-medium-v2: ")
    ((*_, difference, _, _, _),) = cells(found, "comparisons")
    assert difference.startswith("+20.00 [")


def test_a_method_with_another_preset_is_the_same_method(ours: Path, tmp_path: Path) -> None:
    write_seeds(tmp_path / "theirs", [50, 52, 54], preset="paper")
    found = compared(ours, tmp_path / "theirs")
    assert len(cells(found, "comparisons")) == 1
    assert found.protocol == (
        "preset of TD3+ODT, preset=small, results=ours and TD3+ODT, preset=paper, results=theirs: small and paper.",
    )
    assert found.notes[0] == "Not in both, so not compared: ODT, results=ours."


def test_results_with_one_other_method_each(tmp_path: Path) -> None:
    write_seeds(tmp_path / "z", [70, 72, 74])
    write_seeds(tmp_path / "a", [10, 12, 14], method="odt")
    (row,) = cells(compared(tmp_path / "z", tmp_path / "a"), "comparisons")
    assert row[1:3] == ["ODT, results=a", "TD3+ODT, results=z"]


def test_no_method_in_common(ours: Path, tmp_path: Path) -> None:
    write_seeds(tmp_path / "a", [70, 72, 74], method="iql")
    with pytest.raises(ReportError) as raised:
        compared(ours, tmp_path / "a")
    assert (
        f"No method is in both: {ours} has ODT, results=ours; TD3+ODT, results=ours, "
        f"{tmp_path / 'a'} has IQL, results=a."
    ) in str(raised.value)


def test_the_same_results_twice(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(ours, target_is_directory=True)
    for other in (ours, tmp_path / "link"):
        with pytest.raises(ReportError, match="hold the same runs"):
            compared(ours, other)


def command(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_tells_methods_from_folders(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = command("td3_odt", "odt", "--results", ours, "--reps", 50)
    assert code == 0
    assert "No difference in protocol.\n" in out
    assert "TD3+ODT has the highest mean" in out.splitlines()[-1]
    write_seeds(tmp_path / "theirs", [50, 52, 54])
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("ours", "theirs", "--reps", 50)
    assert code == 0
    assert "TD3+ODT, results=theirs" in out


def test_bad_input_ends_with_a_message(ours: Path, tmp_path: Path) -> None:
    for arguments, said in (
        ((ours, tmp_path / "nowhere"), "nowhere is not a directory"),
        (("td3_odt", "nothing", "--results", ours), "No method 'nothing'"),
        (("td3_odt", "odt", "--results", tmp_path / "nowhere"), "nowhere is not a directory"),
        (
            ("td3_odt", "odt", "--results", ours, "--tasks", "hoper-medium-v2"),
            "Did you mean hopper-medium-v2?",
        ),
    ):
        code, _, error = command(*arguments)
        assert code == 1
        assert said in error
        assert error.startswith("error: ")
