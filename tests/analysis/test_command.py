"""`vitamin report`: what the terminal shows, exit codes, and what the command line loads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.analysis.run_folders import write_run, write_seeds
from vitamin.analysis.schema import RUN_FILE
from vitamin.platform.cli import app

ROOT = Path(__file__).parents[2]
FAST = ("--reps", "50", "--format", "csv")


def report(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["report", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_seeds(tmp_path / "results", [72, 72, 72])
    write_seeds(tmp_path / "results", [10, 12, 14], method="odt")
    return tmp_path / "results"


def test_prints_verdicts_tables_and_the_path(results: Path, tmp_path: Path) -> None:
    code, printed, _ = report(results, *FAST, "--out", tmp_path / "out")
    assert code == 0
    lines = [line.split() for line in printed.splitlines()]
    assert printed.startswith("6 runs: 6 finished; 6 count. 2 methods (ODT and TD3+ODT), 1 task, ")
    assert "The one comparison tells its methods apart.\n" in printed
    row = ["hopper-medium-v2", "12.00", "±", "2.00", "(+2.00)", "72.00", "±", "0.00", "(+62.00)", "*"]
    assert row in lines
    assert ["hopper-medium-v2", "ODT", "3", "12.00", "[7.03,", "16.97]"] in lines
    assert printed.endswith(f"Report: {tmp_path / 'out' / 'aggregates.csv'}\n")


def test_by_default_there_is_a_page_with_its_numbers(results: Path) -> None:
    code, printed, _ = report(results, "--reps", 50, "--std")
    assert code == 0
    assert printed.endswith(f"Report: {results / 'report' / 'report.html'}\n")
    assert {"report.html", "report.md", "scores.csv", "curves-mujoco.png"} <= {
        path.name for path in (results / "report").iterdir()
    }
    assert "± one standard deviation over seeds" in (results / "report" / "report.md").read_text("utf-8")


def test_choices_are_given_by_commas_or_repeated(results: Path, tmp_path: Path) -> None:
    write_seeds(results, [20, 22], method="iql")
    out = ("--out", tmp_path / "out")
    for methods in (("--methods", "iql,odt"), ("--methods", "IQL", "--methods", "odt")):
        code, printed, _ = report(results, *FAST, *out, *methods)
        assert code == 0
        assert "2 methods (IQL and ODT)" in printed


def test_what_is_left_out_is_printed(results: Path) -> None:
    write_run(results / "killed", [10], seed=4, status="running")
    (results / "broken").mkdir()
    (results / "broken" / RUN_FILE).write_text("{")
    code, printed, _ = report(results, *FAST)
    assert code == 0
    assert "1 run does not count: not finished (killed).\n" in printed
    assert f"Skipped: {results / 'broken' / RUN_FILE} is damaged" in printed


def test_an_empty_folder_is_one_message_and_a_failure(tmp_path: Path) -> None:
    code, printed, error = report(tmp_path)
    assert (code, printed) == (1, "")
    assert error.splitlines() == [
        (
            f"error: {tmp_path} is empty: nothing to report on. "
            "Make runs with `vitamin train` or `vitamin sweep`."
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--tasks", "hoper-medium-v2"), 1, "Did you mean hopper-medium-v2?"),
        (("--methods", "td3odt"), 1, "Did you mean TD3+ODT or td3_odt?"),
        (("--at-steps", "5000"), 1, "Choose a step from 1 to 1000"),
        (("--at-steps", "0"), 2, "--at-steps"),
        (("--format", "htm"), 1, "Did you mean html?"),
        (("--interval", "z"), 1, "There are t and rliable."),
        (("--final", "lst"), 1, "Choose last, mean:K"),
        (("--baseline", "od"), 1, "Did you mean ODT"),
        (("--by", "prset"), 1, "Did you mean preset"),
        (("--against", "nowhere"), 1, "nowhere is not a directory"),
        (("--reps", "0"), 2, "--reps"),
        (("--seed", "-1"), 2, "--seed"),
    ],
)
def test_wrong_choices(results: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    got, printed, error = report(results, *arguments)
    assert got == code
    assert printed == ""
    assert said in " ".join(error.replace("│", " ").split())
    assert not (results / "report").exists()


def test_an_output_that_cannot_be_written(results: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, error = report(results, *FAST, "--out", tmp_path / "file" / "x")
    assert code == 1
    assert error.startswith(f"error: Cannot write the report to {tmp_path / 'file' / 'x'}: ")


@pytest.mark.parametrize("command", ["report", "watch", "compare", "train"])
def test_help_loads_no_library_of_analysis_or_training(command: str) -> None:
    heavy = ("matplotlib", "torch", "pandas", "pyarrow", "scipy", "rliable", "ray", "jinja2", "vl_convert")
    code = (
        "import sys\n"
        "from vitamin.platform.cli import app\n"
        f"try: app(['{command}', '--help'])\n"
        "except SystemExit as end: print('ended with', end.code)\n"
        f"print('loaded', [name for name in {heavy} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert "Usage:" in run.stdout
    assert run.stdout.splitlines()[-2:] == ["ended with 0", "loaded []"]
