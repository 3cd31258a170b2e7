import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import PROGRAM, in_new_process, vitamin
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
    assert listed == [
        *("train", "evaluate", "sweep", "report", "compare", "watch", "export", "embed"),
        *("tasks", "methods", "data", "figure"),
    ]


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
        ["evaluate", "run", "--video", "video.gif"],
        ["evaluate", "run", "--video", "video.mp4", "--video-size", "320"],
        ["evaluate", "run", "--video", "video.mp4", "--video-size", "0x240"],
        ["evaluate", "run", "--video", "video.mp4", "--video-fps", "0"],
        ["evaluate", "run", "--video", "video.mp4", "--checkpoint", "2", "--checkpoint", "4"],
        ["evaluate", "run", "--strip", "strip.gif"],
        ["evaluate", "run", "--checkpoint", "last"],
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
        (OSError(28, "No space left"), 1, "error: No space left. Free some space, or write elsewhere."),
        (MemoryError(), 1, "error: Out of memory. "),
        (
            RuntimeError("[enforce] DefaultCPUAllocator: can't allocate memory: you"),
            1,
            "error: Out of memory. ",
        ),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, word: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("vitamin.platform.experiments.evaluate.load_agent", fail)
    stderr = vitamin("evaluate", "run", code=code).stderr
    assert stderr.startswith(word)
    assert stderr.count("\n") == 1


BROKEN = "import vitamin.platform.experiments.evaluate as module\nmodule.load_agent = None\n"
RAISE = f"{BROKEN}def fail(error):\n    def raise_(*_, **__): raise error\n    return raise_\n"


def test_a_bug_is_one_sentence_and_a_log(tmp_path: Path) -> None:
    code, out, err = in_new_process("evaluate", "a run", program=BROKEN, XDG_STATE_HOME=str(tmp_path))
    (log,) = (tmp_path / "vitamin").iterdir()
    assert (code, out) == (70, "")
    assert err == (
        "error: This is a bug (TypeError: 'NoneType' object is not callable); "
        f"the log with the traceback is in {log}.\n"
    )
    text = log.read_text(encoding="utf-8")
    assert "evaluate 'a run'\n" in text
    assert f"vitamin {__version__}, python 3." in text
    assert "Traceback (most recent call last)" in text
    assert "\nTypeError: 'NoneType' object is not callable" in text


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys\nsys.modules['vitamin.platform.cli.sweep'] = None\n", "ModuleNotFoundError: import of"),
        (f"{RAISE}class Odd(BaseException): ...\nmodule.load_agent = fail(Odd())\n", "Odd);"),
        (
            f"{RAISE}class Odd(Exception):\n    def __str__(self): 1 / 0\nmodule.load_agent = fail(Odd())\n",
            "Odd: <",
        ),
        (f"{RAISE}module.load_agent = lambda *_, **__: module.load_agent()\n", "RecursionError: maximum"),
        (f"{RAISE}module.load_agent = fail(EOFError())\n", "EOFError);"),
    ],
)
def test_bugs_anywhere(tmp_path: Path, program: str, reason: str) -> None:
    code, _, err = in_new_process("evaluate", "run", program=program, XDG_STATE_HOME=str(tmp_path))
    assert code == 70, err
    assert err.startswith(f"error: This is a bug ({reason}")
    assert err.count("\n") == 1


def test_the_log_of_a_bug_goes_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folders = {"XDG_STATE_HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    code, _, err = in_new_process("evaluate", "run", program=BROKEN, **folders)
    assert code == 70
    assert f"is in {tmp_path}/bug-" in err


def test_developers_see_the_traceback(tmp_path: Path) -> None:
    _, _, err = in_new_process(
        "evaluate", "run", program=BROKEN, VITAMIN_DEBUG="1", XDG_STATE_HOME=str(tmp_path)
    )
    assert err.startswith("Traceback")
    assert not list(tmp_path.iterdir())


def test_a_thread_that_fails_is_one_sentence(tmp_path: Path) -> None:
    program = (
        "import threading, vitamin.platform.cli.endings as endings\nendings.catch_threads()\n"
        "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start(); thread.join()\n"
    )
    code, out, err = in_new_process("--version", program=program, XDG_STATE_HOME=str(tmp_path))
    assert (code, out) == (0, f"vitamin {__version__}\n")
    assert err.startswith("error: Something failed beside the command, which goes on (ZeroDivisionError: ")
    assert err.count("\n") == 1


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


@pytest.mark.parametrize("arguments", [["tasks"], ["--help"]])
def test_a_full_disk_is_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == "error: No space left on device. Free some space, or write elsewhere.\n"


def test_closed_output_is_no_error() -> None:
    result = subprocess.run(
        f"{sys.executable} -c '{PROGRAM}' tasks >&-", shell=True, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
