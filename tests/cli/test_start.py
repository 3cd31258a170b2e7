import re
import subprocess
import sys

import pytest

from tests.cli.command import PROGRAM, vitamin
from vitamin import __version__
from vitamin.errors import RunError

HEAVY = ("torch", "ray", "pandas", "gymnasium", "numpy", "matplotlib")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "-h"], ["evaluate", "--help"]])
def test_version_and_help_load_nothing_heavy(arguments: list[str]) -> None:
    program = (
        f"import sys\ntry:\n    {PROGRAM.replace('; ', chr(10) + '    ')}\nfinally:\n"
        f"    print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert result.stdout.endswith("[]\n")
    assert result.stderr == ""


def test_version() -> None:
    assert vitamin("--version").stdout == f"vitamin {__version__}\n"


def test_help_names_every_command() -> None:
    listed = re.findall(r"^. (\w+)  ", vitamin("-h").stdout, re.MULTILINE)
    assert listed == ["train", "evaluate", "sweep", "report", "tasks", "methods", "data", "figure"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["trian"],
        ["train"],
        ["train", "Pendulum-v1", "--seed", "-1"],
        ["train", "Pendulum-v1", "--online-steps", "many"],
        ["train", "--config", "config.yaml", "--preset", "tiny"],
        ["evaluate"],
        ["evaluate", "run", "--episodes", "0"],
        ["evaluate", "run", "--video", "film.gif"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    answer = vitamin(*arguments, code=2)
    assert "Usage: vitamin" in answer.stderr
    assert answer.stdout == ""


def test_errors_of_users_are_one_message() -> None:
    answer = vitamin("evaluate", "missing", code=1)
    assert answer.stderr == "error: There is no run folder missing.\n"
    assert answer.stdout == ""


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (RunError("x"), 1, "error: x"),
        (PermissionError(13, "Permission denied", "run"), 1, "error: run: Permission denied."),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, word: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("vitamin.platform.experiments.evaluate.load_agent", fail)
    assert vitamin("evaluate", "run", code=code).stderr == f"{word}\n"


def test_unexpected_errors_keep_their_traceback() -> None:
    program = "import vitamin.platform.experiments.evaluate as module\nmodule.load_agent = None\n" + PROGRAM
    result = subprocess.run(
        [sys.executable, "-c", program, "evaluate", "run"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "TypeError" in result.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    listing = subprocess.run(
        f"{sys.executable} -c '{PROGRAM}' tasks | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listing.stdout.count("\n") == 1
    assert listing.stderr == ""
