"""`vitamin watch`: a real server, asked as a browser asks."""

import http.client
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.analysis.example_page import example_page
from tests.analysis.run_folders import write_run, write_sweep
from tests.cli.command import start, vitamin
from tests.cli.wrong_values import commands
from vitamin.analysis.page import Live, render_page
from vitamin.analysis.report.blocks import Page, TableBlock, Text
from vitamin.analysis.schema import METRICS_FILE
from vitamin.errors import ReportError
from vitamin.platform.cli import watch
from vitamin.platform.cli.watch_progress import progress_section
from vitamin.platform.cli.watch_server import Current, WatchServer

# Of the page nothing but its progress is made in a process of its own, which then starts sooner.
NO_REPORT = """
from vitamin.errors import ReportError
from vitamin.platform.cli import watch
def nothing(directory):
    raise ReportError("There is no run.")
watch.make_report = nothing
"""


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitamin.platform.cli.watch_server._SHARE_OF_TIME", 0)


def _nothing_yet(_: Path) -> Page:
    raise ReportError("There is no run.")


@contextmanager
def _served(current: Current, host: str = "127.0.0.1") -> Iterator[WatchServer]:
    with WatchServer(host, 0, current) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _ask(server: WatchServer, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)  # type: ignore[arg-type]
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.headers), body


@pytest.fixture
def served() -> Iterator[WatchServer]:
    with _served(Current(lambda: 0, lambda version: f"<p>page {version}</p>", 0.0)) as server:
        yield server


def test_page_and_version(served: WatchServer) -> None:
    with urlopen(served.url, timeout=20) as answer:
        assert answer.read() == b"<p>page 1</p>"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert _ask(served, "GET", "/version")[2] == "1\n"
    status, headers, body = _ask(served, "HEAD", "/")
    assert (status, headers["Content-Length"], body) == (200, "13", "")


@pytest.mark.parametrize(
    "path", ["/run.json", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/version/x"]
)
def test_nothing_else_is_served(served: WatchServer, path: str) -> None:
    assert _ask(served, "GET", path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(served: WatchServer, method: str) -> None:
    status, headers, body = _ask(served, method, "/")
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", "Nothing can be changed here.\n")


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:9000", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("evil.example", 403),
     ("127.0.0.1.evil.example", 403), ("localhost.evil.example:80", 403), ("", 403), ("[::1", 403), ("10.0.0.1", 403)],
)  # fmt: skip
def test_names_that_may_ask(served: WatchServer, host: str, status: int) -> None:
    assert _ask(served, "GET", "/", Host=host)[0] == status


def test_any_name_may_ask_where_others_may_read() -> None:
    with _served(Current(lambda: 0, str, 0.0), host="0.0.0.0") as server:
        assert _ask(server, "GET", "/", Host="machine.example")[0] == 200


def test_the_page_is_made_anew_only_if_something_changed() -> None:
    state, made = [0], []

    def make(version: str) -> str:
        made.append(version)
        return f"page {version} of {state[0]}"

    current = Current(lambda: state[0], make, 0.0)
    assert current.page() == ("1", "page 1 of 0")
    assert current.page() == ("1", "page 1 of 0")
    state[0] = 5
    assert current.page() == ("2", "page 2 of 5")
    assert made == ["1", "2"]


def test_the_page_is_not_looked_at_more_often_than_asked_for() -> None:
    looks = []
    current = Current(lambda: looks.append(0) or len(looks), str, 60.0)  # type: ignore[func-returns-value]
    assert [current.page()[0] for _ in range(3)] == ["1", "1", "1"]
    assert len(looks) == 1


def test_while_the_next_page_is_made_the_last_one_is_shown() -> None:
    state, go_on, making = [0], threading.Event(), threading.Event()

    def make(version: str) -> str:
        if version == "2":
            making.set()
            assert go_on.wait(20)
        return version

    current = Current(lambda: state[0], make, 0.0)
    current.page()
    state[0] = 1
    thread = threading.Thread(target=current.page)
    thread.start()
    assert making.wait(20)
    assert current.page() == ("1", "1")
    go_on.set()
    thread.join()
    assert current.page() == ("2", "2")


def test_a_page_that_cannot_be_made_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    broken = [True]

    def make(version: str) -> str:
        if broken[0]:
            raise ZeroDivisionError
        return version

    with _served(Current(lambda: 0, make, 0.0)) as server:
        assert _ask(server, "GET", "/")[0] == 500
        broken[0] = False
        assert _ask(server, "GET", "/")[2] == "1"
    assert [type(one.exc_value) for one in told] == [ZeroDivisionError]


def _line(iteration: int, phase: str, env_steps: int, updates: int, **others: float) -> str:
    record = {"iteration": iteration, "phase": phase, "env_steps": env_steps, "gradient_updates": updates}
    return json.dumps(record | {"time/iteration_s": 10.0, "time/total_s": 10.0 * iteration} | others) + "\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A sweep with runs in different states."""
    folder = tmp_path / "results"
    write_run(folder / "a", [10.0, 50.0], wall_time_s=600.0)
    write_run(folder / "b", [10.0, 20.0], status="running", seed=1, wall_time_s=100.0)
    write_run(folder / "c", [10.0], status="failed", message="ValueError: no such <thing>", seed=2)
    write_sweep(folder, "a", "b", "c", "d")
    (folder / "b" / "config.yaml").write_text("task: hopper-medium-v2\nmethod: td3_odt\npreset: small\n")
    lines = [
        _line(1, "online", 1000, 300),
        _line(2, "online", 2000, 600, **{"evaluation/return_mean": 200.0}),
    ]
    (folder / "b" / METRICS_FILE).write_text("".join(lines) + '{"iteration": 3, "pha')
    return folder


def test_progress(results: Path) -> None:
    section = progress_section(results)
    assert section is not None
    text, bullets, block = section.blocks
    assert isinstance(text, Text)
    assert text.text.startswith("4 runs: 1 running, 1 waiting, 1 failed, 1 finished.")
    assert bullets.items == ("Waiting: d.",)
    assert isinstance(block, TableBlock)
    rows = [[cell.text for cell in row] for row in block.table.rows]
    assert [row[0] for row in rows] == ["b", "c"]
    assert rows[0][4] == "running"
    assert rows[0][5].startswith("2,000 of ")
    assert rows[0][5].endswith(" steps")
    assert rows[0][7] == "return 200.0"
    assert rows[1][-1] == "ValueError: no such <thing>"


def test_time_left(results: Path) -> None:
    """The running one needs 10 s for each 1,000 steps it lacks; the waiting one as long as the finished one, 600 s."""
    section = progress_section(results)
    assert section is not None
    block = section.blocks[2]
    assert isinstance(block, TableBlock)
    steps = int(block.table.rows[0][5].text.split()[2].replace(",", ""))
    left = (steps - 2000) / 1000 * 10
    assert block.table.rows[0][8].value == pytest.approx(left)
    text = section.blocks[0]
    assert isinstance(text, Text)
    minutes = round((left + 600) / 60)
    assert (
        f"About {minutes // 60} h {minutes % 60:02d} min left." in text.text
        or f"About {minutes} min" in text.text
    )


def test_changes_are_picked_up(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "make_report", lambda _: example_page(runs=3))
    before = {file: file.read_bytes() for file in results.rglob("*") if file.is_file()}
    current = Current(
        lambda: watch.files_state(results),
        lambda version: render_page(watch.watched_page(results), live=Live(version, 1.0)),
        0.0,
    )
    with _served(current) as server:
        page = _ask(server, "GET", "/")[2]
        assert 'data-version="1"' in page
        assert "ValueError: no such &lt;thing&gt;" in page
        assert "Learning curves" in page
        assert _ask(server, "GET", "/version")[2] == "1\n"
        assert {file: file.read_bytes() for file in results.rglob("*") if file.is_file()} == before
        (results / "b" / METRICS_FILE).write_text(_line(3, "online", 3456, 900))
        assert _ask(server, "GET", "/version")[2] == "2\n"
        assert "3,456 of" in _ask(server, "GET", "/")[2]


def test_a_folder_without_runs_waits_for_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "make_report", _nothing_yet)
    page = watch.watched_page(tmp_path)
    assert [section.key for section in page.sections] == ["waiting"]
    text = page.sections[0].blocks[0]
    assert isinstance(text, Text)
    assert text.text.startswith("Nothing to report on yet: There is no run. ")
    state = watch.files_state(tmp_path)
    write_run(tmp_path / "a", [10.0, 20.0])
    assert watch.files_state(tmp_path) != state


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing"], 1, "is not a directory"),
        ([".", "--host", "example.org"], 2, "is no address"),
        ([".", "--host", "192.0.2.1"], 1, "Cannot serve on port 0 of 192.0.2.1"),
        ([".", "--port", "70000"], 2, "--port"),
        ([".", "--every", "0"], 2, "--every"),
    ],
)
def test_what_cannot_be_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in " ".join(vitamin("watch", *arguments, code=code).stderr.split())


def test_a_port_in_use(served: WatchServer, tmp_path: Path) -> None:
    answer = vitamin("watch", tmp_path, "--port", served.server_port, code=1)
    assert f"Cannot serve on port {served.server_port} of 127.0.0.1: Address already in use." in answer.stderr
    assert "Choose another --port" in answer.stderr


def test_it_is_a_command() -> None:
    assert ("watch",) in {command.path for command in commands()}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_by_a_signal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = start("watch", tmp_path, program=NO_REPORT)
    assert process.stdout is not None
    line = process.stdout.readline()
    url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
    with urlopen(f"{url}version", timeout=60) as answer:
        assert answer.read() == b"1\n"
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stderr.strip() == "Interrupted."
