"""`vitamin report`."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from tests.analysis.run_folders import write_seeds
from vitamin.platform.cli import app

ROOT = Path(__file__).parents[2]


def test_prints_the_tables_and_the_path(tmp_path: Path) -> None:
    write_seeds(tmp_path, [72, 72, 72])
    write_seeds(tmp_path, [10, 12, 14], method="odt")
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["report", str(tmp_path), "--reps", "50", "--std", "--out", str(out)])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["hopper-medium-v2", "12.00", "(+2.00)", "72.00", "(+62.00)", "*"] in lines
    aggregates = ["hopper-medium-v2", "TD3+ODT", "3", *3 * ["72.00", "[72.00,", "72.00]", "*"]]
    assert any(line[: len(aggregates)] == aggregates for line in lines)
    assert result.output.endswith(f"Report: {out / 'report.md'}\n")
    assert "standard deviation" in (out / "report.md").read_text()


def test_an_empty_folder_is_one_message_and_a_failure(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        (
            f"error: {tmp_path} is empty: nothing to report on. "
            "Make runs with `vitamin train` or `vitamin sweep`."
        )
    ]


def test_the_command_line_starts_without_the_analysis() -> None:
    code = (
        "import sys, vitamin.platform.cli;"
        "print([name for name in ('pandas', 'matplotlib', 'rliable') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout.strip() == "[]"
