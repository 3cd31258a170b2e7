import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.platform.dataset_files import toy_arrays, write_file
from tests.platform.file_server import FileServer, serve
from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.platform.catalog import get_task
from vitamin.platform.cli import app
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.tasks import task_names

ROOT = Path(__file__).parents[2]


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


def row(task: str) -> str:
    """The line of a task in `vitamin tasks`."""
    return next(line for line in vitamin("tasks").stdout.splitlines() if line.startswith(task))


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
    assert row("Pendulum-v1").endswith("here (stand-in)")
    (cache.parent / "elsewhere").mkdir()
    (cache.parent / "elsewhere" / "linked.hdf5").touch()
    (cache / "link").symlink_to(cache.parent / "elsewhere")
    (cache / "lost").symlink_to(cache.parent / "nowhere")
    listed = vitamin("data", "list").stdout
    assert "link/linked.hdf5" in listed
    assert "lost is a link to" in listed
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
    assert row("hopper-medium-v2").endswith("to fetch")
    path = hopper_file(tmp_path / "mine.hdf5")
    assert "imported (sha256 " in vitamin("data", "import", path, "--task", "hopper-medium-v2").stdout
    assert row("hopper-medium-v2").endswith("here (own file)")
    assert "hopper_medium-v2.hdf5 (here (own file))" in vitamin("tasks", "hopper-medium-v2").stdout
    assert "--force" in vitamin("data", "fetch", "hopper-medium-v2", code=1).stderr
    assert "3 finished" in vitamin("data", "inspect", "hopper-medium-v2").stdout
    assert "imported from" in vitamin("data", "list").stdout


def test_a_file_that_does_not_look_like_the_task_s_is_imported_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = hopper_file(tmp_path / "hopper_medium-v1.hdf5")
    assert "imported (sha256 " in vitamin("data", "import", path, "--task", "hopper-medium-v2").stdout
    assert any("expects: its name speaks of v1" in message for message in caplog.messages)
    shown = vitamin("data", "inspect", path, "--task", "hopper-medium-v2").stdout
    warnings = [line for line in shown.splitlines() if line.startswith("warning ")]
    assert any(
        "its name speaks of v1, the task is hopper-medium-v2: another recording" in line for line in warnings
    )
    assert any(
        "observation 0 (height of the torso, below 0.7 the episode ends) is not within" in line
        for line in warnings
    )


def test_another_version_of_a_task_is_refused_with_the_reason() -> None:
    message = vitamin("train", "hopper-medium-v0", code=1).stderr
    assert "There is no hopper-medium-v0 here, only hopper-medium-v2" in message
    assert "not comparable" in message


def test_published_data_that_no_task_is_for_is_refused_with_what_to_do() -> None:
    message = vitamin("tasks", "hopper-medium-expert-v2", code=1).stderr
    assert "vitamin train hopper-medium-v2 --data FILE" in " ".join(message.split())
    for name in ("hopper-medium-expert-v9", "expert-v2"):
        assert "Unknown task" in vitamin("tasks", name, code=1).stderr


def test_fetch_end_to_end(tmp_path: Path, cache: Path) -> None:
    content = hopper_file(tmp_path / "published.hdf5").read_bytes()
    with serve(FileServer(content)) as server:
        proxy = server.url.removesuffix("/data.hdf5")
        first = in_new_process("data", "fetch", "hopper-medium-v2", proxy=proxy)
        second = in_new_process("data", "fetch", "hopper-medium-v2", proxy=proxy)
    assert row("hopper-medium-v2").endswith("  here")
    assert "MB, published file)" in vitamin("data", "inspect", "hopper-medium-v2").stdout
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


def test_tasks_lists_all_of_them_by_suite() -> None:
    groups = vitamin("tasks").stdout.split("\n\n")
    suites = {group.splitlines()[0].split(":")[0]: group.splitlines()[2:] for group in groups[:-1]}
    assert list(suites) == ["adroit", "antmaze", "classic", "maze2d", "mujoco"]
    lines = [line for rows in suites.values() for line in rows]
    assert [line.split()[0] for line in lines] == task_names()
    for suite, rows in suites.items():
        assert {get_task(row.split()[0]).suite for row in rows} == {suite}
    assert "-20.272305 … 3234.3" in next(line for line in lines if line.startswith("hopper-medium-v2"))


def test_tasks_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def row(task: str) -> str:
        return next(line for line in vitamin("tasks").stdout.splitlines() if line.startswith(task))

    monkeypatch.setattr("vitamin.platform.tasks.extras.find_spec", lambda module: None)
    assert "robotics (missing)" in row("door-human-v1")
    assert 'robotics (missing): pip install "vitamin[robotics]"' in vitamin("tasks", "door-human-v1").stdout
    assert "nothing more" in row("hopper-medium-v2")
    monkeypatch.setattr("vitamin.platform.tasks.extras.find_spec", lambda module: module)
    assert "robotics (installed)" in row("door-human-v1")


@pytest.mark.parametrize("name", ["hopper-random-v2", "door-human-v1", "antmaze-umaze-v0", "Pendulum-v1"])
def test_tasks_shows_everything_about_one(name: str) -> None:
    shown = vitamin("tasks", name).stdout
    task = get_task(name)
    assert task.reward_range is not None
    for text in (
        *task.quirks,
        *task.sources,
        *(layer.source for layer in task.settings),
        task.env_id,
        f"{task.max_episode_steps} steps",
        task.dataset_url or "none published",
        task.reward_range.source,
    ):
        assert text in shown
    kind = {"antmaze-umaze-v0": "jumps, timeouts are not believed"}
    assert f"at terminals and {kind.get(name, 'timeouts')}" in shown
    assert "by data" not in shown


def test_tasks_shows_where_each_setting_comes_from() -> None:
    rows = _setting_rows("hopper-random-v2")
    assert rows["hidden_size"][:4] == ["512", "64", "16", "default; suite mujoco, preset small; preset tiny"]
    shown = vitamin("tasks", "hopper-random-v2", "--method", "pdt").stdout
    small = get_task("hopper-random-v2").presets["small"]
    for layer in (*small.settings, *small.methods["pdt"]):
        assert re.search(rf"^{re.escape(layer.place)}  +{re.escape(layer.source)}$", shown, re.MULTILINE)
    assert rows["weight_decay"][:4] == ["0.0005"] * 3 + ["environment hopper"]
    assert rows["rl_coefficient"][:4] == ["0.1"] * 3 + ["suite mujoco"]
    assert "rl_coefficient" not in _setting_rows("hopper-random-v2", "--method", "odt")
    perceptron = _setting_rows("hopper-random-v2", "--method", "td3_bc")
    assert perceptron["rl_coefficient"][0] == "2.5"
    assert perceptron["rl_coefficient"][3] == "method td3_bc; suite mujoco, preset small, method td3_bc"
    assert perceptron["context_length"][:4] == ["1"] * 3 + ["definition of td3_bc"]
    assert rows["min_env_steps_per_iteration"][3] == "data random; preset small; preset tiny"
    assert _setting_rows("door-human-v1")["return_scale"][3] == "environment door"


def test_tasks_says_what_is_left_to_the_data() -> None:
    assert "none published" in vitamin("tasks", "MountainCarContinuous-v0").stdout
    rows = _setting_rows("MountainCarContinuous-v0")
    assert rows["eval_target_return"][:4] == ["by data"] * 3 + ["the offline data"]


def _setting_rows(task: str, *options: str) -> dict[str, list[str]]:
    lines = [
        re.split(r"  +", line)
        for line in vitamin("tasks", task, *options).stdout.splitlines()
        if line.strip()
    ]
    return {cells[0]: cells[1:] for cells in lines}


def test_at_a_terminal_tables_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    drawn = vitamin("tasks").stdout
    assert "┃" in drawn
    assert "hopper-medium-v2" in drawn
    assert "hidden_size" in vitamin("tasks", "hopper-medium-v2").stdout


def test_a_narrow_terminal_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(variable, value)
    listed, one = vitamin("tasks").stdout, vitamin("tasks", "hopper-medium-v2").stdout
    for name in task_names():
        assert name in listed
    for setting in Hyperparameters.model_fields.keys() - ignored_settings(get_method("td3_odt")).keys():
        assert setting in one
    assert str(get_task("hopper-medium-v2").dataset_url) in re.sub(r"\x1b\[\d*m|\s", "", one)


@pytest.mark.parametrize(
    "arguments",
    [
        ("collect", "Pendulum-v1", "--steps", "20000", "--out", "full.hdf5"),
        ("collect", "Pendulum-v1", "--steps", "20000"),
        ("import", "mine.hdf5", "--task", "Pendulum-v1"),
    ],
)
def test_a_full_disk_is_one_message_and_leaves_nothing(
    tmp_path: Path, cache: Path, arguments: tuple[str, ...]
) -> None:
    collect_dataset(get_task("Pendulum-v1"), steps=20_000, out=tmp_path / "mine.hdf5")
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, "-c", "from vitamin.platform.cli import main; main()", "data", *arguments]
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 60; exec "$@"', "bash", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    messages = [line for line in limited.stderr.splitlines() if not line.startswith("random policy")]
    assert (limited.returncode, limited.stdout, len(messages)) == (1, "", 1), limited.stderr
    assert messages[0].startswith("error: Cannot ")
    assert "File too large" in messages[0]
    assert sorted(path for path in tmp_path.iterdir() if path != cache) == before
    assert not [path for path in cache.glob("*") if not path.name.endswith(".lock")]
