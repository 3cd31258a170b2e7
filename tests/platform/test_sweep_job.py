"""A sweep as a Ray job: a head node on this machine, reached over loopback and guarded by a token (docs/cluster.md)."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from vitamin.analysis.schema import RunInfo
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset

ROOT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).with_name("ray"))


def free_ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(server.getsockname()[1]) for server in sockets]
    for server in sockets:
        server.close()
    return ports


def http_status(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
        "HOME": str(tmp_path),  # for the token
        "RAY_AUTH_MODE": "token",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # keeps every port on loopback
    }


@pytest.fixture
def head(environment: dict[str, str]) -> Iterator[str]:
    """The dashboard's address; the head and all its processes end with the test."""
    subprocess.run([RAY, "get-auth-token", "--generate"], env=environment, check=True, capture_output=True)
    port, dashboard, agent, client = free_ports(4)
    address = f"http://127.0.0.1:{dashboard}"
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        options = {
            "port": port,
            "dashboard-port": dashboard,
            "dashboard-agent-listen-port": agent,
            "ray-client-server-port": client,
            "min-worker-port": "0",
            "max-worker-port": "0",
            "dashboard-host": "127.0.0.1",
            "num-cpus": "2",
            "temp-dir": folder,
        }
        command = [RAY, "start", "--head", "--block", "--disable-usage-stats"]
        process = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 90
            while http_status(f"{address}/api/version") is None:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield address
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.ray
@pytest.mark.slow
def test_a_sweep_runs_as_a_job(tmp_path: Path, head: str, environment: dict[str, str]) -> None:
    data = collect_dataset(get_task("Pendulum-v1"), steps=1000, out=tmp_path / "pendulum.hdf5")
    spec = {
        "name": "job",
        "tasks": ["Pendulum-v1"],
        "methods": ["odt"],
        "seeds": 1,
        "preset": "tiny",
        "overrides": {"online_steps": 400, "pretrain_updates": 4},
        "resources": {"num_env_runners": 0},
        "data": {"Pendulum-v1": str(data)},
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(spec))
    vitamin = [sys.executable, "-c", "from vitamin.platform.cli import main; main()"]

    def submit(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [RAY, "job", "submit", "--address", head, "--working-dir", str(ROOT), "--", *vitamin]
        return subprocess.run(
            [*command, "sweep", str(tmp_path / "job.yaml"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    assert http_status(f"{head}/api/jobs/") == 401
    done = submit("--out", str(tmp_path / "sweep"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "succeeded" in done.stdout + done.stderr
    assert RunInfo.read(tmp_path / "sweep" / "odt-Pendulum-v1-seed0").status == "finished"

    refused = submit("--out", "results/sweep")
    assert refused.returncode == 1
    assert "Give an absolute --out" in " ".join(refused.stdout.split())
