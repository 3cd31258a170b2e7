"""SIGINT and SIGTERM at moments of a command's start: it ends at once, as a shell expects, and leaves nothing."""

from pathlib import Path

import pytest

from tests.cli.command import in_new_process, vitamin
from tests.platform.agent_runs import make_run

DURING = """
import importlib, os, signal
module = importlib.import_module({module!r})
real = module.{function}
def interrupted(*arguments, **options):
    os.kill(os.getpid(), signal.{name})
    return real(*arguments, **options)
module.{function} = interrupted
"""
IMPORTING = """
import os, signal, sys
class Finder:
    def find_spec(name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Finder)
"""
HELD_UP = """
import hashlib, os, signal, threading
import vitamin.platform.experiments.evaluate as module
def held_up(*_, **__):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
module.load_agent = held_up
"""
CODES = {"SIGINT": 130, "SIGTERM": 143}


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    vitamin("data", "collect", "Pendulum-v1", "--steps", 400, "--out", "data.hdf5")


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize(
    "program",
    [
        IMPORTING.replace("{module!r}", "'vitamin.platform.cli.commands'"),
        IMPORTING.replace("{module!r}", "'torch'"),
        DURING.replace("{module!r}", "'vitamin.platform.datasets.loading'").replace("{function}", "read_raw"),
    ],
)
def test_while_it_starts(tmp_path: Path, program: str, name: str) -> None:
    before = set(tmp_path.rglob("*"))
    arguments = ["Pendulum-v1", "--data", "data.hdf5", "--preset", "tiny", "--out", "new/run", "--quiet"]
    code, out, err = in_new_process("train", *arguments, program=program.replace("{name}", name))
    assert (code, out, err) == (CODES[name], "", "Interrupted.\n")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("module", "function", "arguments"),
    [
        (
            "datasets.collect",
            "write_raw",
            ["data", "collect", "Pendulum-v1", "--steps", 400, "--out", "new.hdf5"],
        ),
        ("experiments.evaluate", "evaluate_agent", ["evaluate", "run"]),
        ("sweeps", "make_plan", ["sweep", "quickstart", "--dry-run"]),
    ],
)
def test_other_commands(tmp_path: Path, module: str, function: str, arguments: list[object]) -> None:
    make_run(tmp_path / "run")
    before = set(tmp_path.rglob("*"))
    program = DURING.format(module=f"vitamin.platform.{module}", function=function, name="SIGTERM")
    code, out, err = in_new_process(*arguments, program=program)
    assert (code, out, err) == (143, "", "Interrupted.\n")
    assert set(tmp_path.rglob("*")) == before


def test_a_library_that_does_not_return_is_left(tmp_path: Path) -> None:
    code, _, err = in_new_process("evaluate", "run", program=HELD_UP)
    assert (code, err) == (143, "Interrupted.\n")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "function"),
    [("ray._private.worker", "connect"), ("vitamin.platform.experiments.train", "algorithm_config")],
)
def test_while_ray_starts_and_the_algorithm_is_built(tmp_path: Path, module: str, function: str) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = ["Pendulum-v1", "--data", "data.hdf5", "--preset", "tiny", "--out", "new/run", "--quiet"]
    program = DURING.format(module=module, function=function, name="SIGTERM")
    program += f"os.environ['RAY_TMPDIR'] = '{temporary}'"
    code, out, err = in_new_process("train", *arguments, program=program)
    assert (code, out, err) == (143, "", "Interrupted.\n")
    assert not (tmp_path / "new").exists()
    assert not list(temporary.iterdir())
