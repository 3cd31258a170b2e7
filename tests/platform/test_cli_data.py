import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.platform.dataset_files import toy_arrays, write_file
from tests.platform.file_server import FileServer, serve
from vitamin.platform.cli import app
from vitamin.platform.tasks import get_task, task_names


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(folder))
    monkeypatch.setenv("COLUMNS", "300")
    return folder


def vitamin(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + str(result.exception)
    assert "Traceback" not in result.output
    return result


def hopper_file(path: Path) -> Path:
    arrays = toy_arrays()
    steps = len(arrays["rewards"])
    generator = np.random.default_rng(0)
    arrays["observations"] = generator.normal(size=(steps, 11))
    arrays["actions"] = generator.uniform(-1, 1, (steps, 3))
    del arrays["next_observations"]
    return write_file(path, arrays, compression="gzip")


def in_new_process(*arguments: str, proxy: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process whose web requests all go to ``proxy``."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    program = "from vitamin.platform.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment | {"http_proxy": proxy},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_collect_inspect_and_list_a_task(cache: Path) -> None:
    assert "No datasets in" in vitamin("data", "list").stdout
    written = vitamin("data", "collect", "Pendulum-v1", "--steps", 450, "--seed", 3).stdout
    assert "2 episodes, 400 steps, mean return -" in written
    shown = vitamin("data", "inspect", "Pendulum-v1").stdout
    for line in (
        f"file              {cache / 'Pendulum-v1.hdf5'} (0.0 MB, stand-in: random policy in Pendulum-v1)",
        "trajectories      2 finished, 0 by a terminal",
        "steps             400 in them, 50 dropped",
        "length  200",
    ):
        assert line in shown
    listed = vitamin("data", "list").stdout
    assert "Pendulum-v1.hdf5" in listed
    assert "collected: random policy (stand-in)" in listed


def test_inspect_a_file_with_and_without_a_task(tmp_path: Path) -> None:
    path = hopper_file(tmp_path / "mine.hdf5")
    assert "normalized score" not in vitamin("data", "inspect", path).stdout
    shown = vitamin("data", "inspect", path, "--task", "hopper-medium-v2").stdout
    assert "normalized score  " in shown
    assert "quirk found                  no next_observations" in shown
    assert "known of the published file  " in shown
    assert "█" in shown


def test_import_then_the_dataset_is_here(tmp_path: Path) -> None:
    assert "to fetch" in next(
        line for line in vitamin("tasks").stdout.splitlines() if "hopper-medium-v2" in line
    )
    path = hopper_file(tmp_path / "mine.hdf5")
    assert "imported (sha256 " in vitamin("data", "import", path, "--task", "hopper-medium-v2").stdout
    assert "here" in next(line for line in vitamin("tasks").stdout.splitlines() if "hopper-medium-v2" in line)
    assert "3 finished" in vitamin("data", "inspect", "hopper-medium-v2").stdout
    assert "imported from" in vitamin("data", "list").stdout


def test_fetch_end_to_end(tmp_path: Path, cache: Path) -> None:
    content = hopper_file(tmp_path / "published.hdf5").read_bytes()
    with serve(FileServer(content)) as server:
        proxy = server.url.removesuffix("/data.hdf5")
        first = in_new_process("data", "fetch", "hopper-medium-v2", proxy=proxy)
        second = in_new_process("data", "fetch", "hopper-medium-v2", proxy=proxy)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "hopper_medium-v2.hdf5 fetched (sha256 " in first.stdout
    assert "100 %" in first.stderr
    assert "was here already, its checksum is as recorded" in second.stdout
    assert len(server.requests) == 1
    assert (cache / "hopper_medium-v2.hdf5").read_bytes() == content


def test_fetch_without_network_says_what_to_do(cache: Path) -> None:
    with serve(FileServer(b"")) as server:
        closed = server.url.removesuffix("/data.hdf5")
    result = in_new_process("data", "fetch", "hopper-medium-v2", proxy=closed)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert (
        "http://rail.eecs.berkeley.edu/datasets/offline_rl/gym_mujoco_v2/hopper_medium-v2.hdf5"
        in result.stderr
    )
    assert str(cache / "hopper_medium-v2.hdf5") in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("data", "inspect", "nothing.hdf5"), 1, "There is no file nothing.hdf5"),
        (("data", "inspect", "hoper-medium-v2"), 1, "Did you mean hopper-medium-v2"),
        (("data", "inspect", "hopper-medium-v2"), 1, "vitamin data fetch hopper-medium-v2"),
        (("data", "inspect", "hopper-medium-v2", "--task", "hopper-random-v2"), 2, "--task goes with a file"),
        (("data", "fetch", "Pendulum-v1"), 1, "vitamin data collect Pendulum-v1"),
        (
            ("data", "import", "nothing.hdf5", "--task", "hopper-medium-v2"),
            1,
            "There is no file nothing.hdf5",
        ),
        (("data", "import", "nothing.hdf5"), 2, "--task"),
        (("data", "collect", "Pendulum-v1"), 2, "--steps"),
        (("data", "collect", "Pendulum-v1", "--steps", "0"), 2, "--steps"),
        (("data", "collect", "Pendulum-v1", "--steps", "9"), 1, "did not finish one episode"),
        (("data", "collect", "CartPole-v1", "--steps", "9"), 1, "supported are one-dimensional Box"),
        (("data", "collect", "Pendulum-v1", "--steps", "300", "--policy", "sac"), 1, "Policies: random"),
        (("data", "collect", "hopper-medium-v2", "--policy", "random", "--steps", "300"), 1, "--out FILE"),
        (("data", "collect", "hopper-medium-v2"), 2, "--policy medium needs --steps"),
        (
            ("data", "collect", "hopper-medium-replay-v2", "--steps", "9"),
            2,
            "but with random and medium and RUN",
        ),
        (("data", "collect", "hopper-random-v2", "--steps", "9", "--noise", "1"), 2, "but with RUN"),
        (("data", "collect", "door-human-v1", "--steps", "9"), 1, "cannot be made here"),
        (("data", "collect", "maze2d-umaze-v1", "--steps", "9"), 1, "vitamin data fetch maze2d-umaze-v1"),
        (("tasks", "hoper-medium-v2"), 1, "Did you mean hopper-medium-v2"),
    ],
)
def test_mistakes_get_one_message(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = vitamin(*arguments, code=code)
    assert message in result.stderr
    assert result.stdout == ""


def test_tasks_lists_all_of_them() -> None:
    lines = vitamin("tasks").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == task_names()
    assert "-20.272305 … 3234.3" in next(line for line in lines if line.startswith("hopper-medium-v2"))


def test_tasks_shows_everything_about_one() -> None:
    shown = vitamin("tasks", "hopper-random-v2").stdout
    task = get_task("hopper-random-v2")
    for text in (*task.quirks, *task.sources, str(task.dataset_url), "Hopper-v4", "1000 steps", "3, -1 to 1"):
        assert text in shown
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert rows["hidden_size"][1:4] == ["512", "128", "16"]
    assert rows["weight_decay"][1:4] == ["0.0005"] * 3
    assert rows["rl_coefficient"][1:4] == ["0.1", "/", "0"]
    assert "none published" in vitamin("tasks", "MountainCarContinuous-v0").stdout


def test_at_a_terminal_tables_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    drawn = vitamin("tasks").stdout
    assert "┃" in drawn
    assert "hopper-medium-v2" in drawn
    assert "hidden_size" in vitamin("tasks", "hopper-medium-v2").stdout
