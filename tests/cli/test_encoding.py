import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import PROGRAM, vitamin

ROOT = Path(__file__).parents[2]
COMMANDS = [
    (["methods"], 0, ("alpha·TD3", "alpha.TD3")),
    (["tasks", "Pendulum-v1"], 0, ("...", "...")),
    (["figure", "--help"], 0, ("§3.3", "section 3.3")),
    (["data", "inspect", "data.hdf5"], 0, ("#######", "#######")),
    (["data", "inspect", os.fsdecode(b"\xff.hdf5")], 1, ("no file \\udcff.hdf5.",) * 2),
    (["train", "\u03b1"], 1, ("Unknown task 'alpha'", "Unknown task '\\udcce\\udcb1'")),
    (["sweep", "quickstart", "--dry-run"], 0, ("Sweep quickstart",) * 2),
]
"""Arguments, exit code, and words of the output in Latin-1 and in ASCII, where arguments are ASCII too."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vitamin("data", "collect", "Pendulum-v1", "--steps", 400, "--out", tmp_path / "data.hdf5")
    return tmp_path


@pytest.mark.parametrize(
    ("encoding", "variables"),
    [
        ("ascii", {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
        ("latin-1", {"PYTHONIOENCODING": "latin-1"}),
    ],
)
@pytest.mark.parametrize(("arguments", "code", "words"), COMMANDS)
def test_output_in_any_encoding(
    folder: Path,
    encoding: str,
    variables: dict[str, str],
    arguments: list[str],
    code: int,
    words: tuple[str, str],
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(os.fsencode, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        check=False,
    )
    text = result.stdout.decode(encoding) + result.stderr.decode(encoding)
    assert result.returncode == code, text
    assert words[encoding == "ascii"] in text


def test_signs_stay_where_they_can_be_printed() -> None:
    assert "α·TD3" in vitamin("methods").stdout
    assert "\\udcff" in vitamin("evaluate", "\udcff", code=1).stderr


def _lacks_encoding(call: ast.Call) -> bool:
    """Whether a call opens a text file in the encoding of the locale."""
    if any(word.arg == "encoding" for word in call.keywords):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("read_text", "write_text"):
        return isinstance(call.func, ast.Attribute)
    if name == "open":
        constants = (word for argument in call.args for word in ast.walk(argument))
        return not any(isinstance(word, ast.Constant) and "b" in str(word.value) for word in constants)
    return name in ("run", "Popen") and any(word.arg == "text" for word in call.keywords)


@pytest.mark.parametrize("package", ["platform", "analysis", "algorithms"])
def test_files_are_utf_8_whatever_the_locale(package: str) -> None:
    calls = [
        (file.relative_to(ROOT), ast.unparse(node))
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _lacks_encoding(node)
    ]
    assert [call for call in calls if not call[1].startswith("os.open(")] == []
