"""Real runs: starting them, killing their processes, and comparing what they leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.analysis.schema import TIME_PREFIX, RunInfo
from vitamin.platform.experiments.checkpoints import list_checkpoints, verify_checkpoint
from vitamin.platform.experiments.reporter import Reporter
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.train import train

ROOT = Path(__file__).parents[2]
# Ten iterations of pretraining, then one for each 400 environment steps.
SETTINGS = {"pretrain_updates": 40, "eval_interval": 3}


def spec(data: Path, online_steps: int = 2400, **values: Any) -> ExperimentSpec:
    """A tiny TD3+ODT run on Pendulum-v1."""
    values["overrides"] = SETTINGS | {"online_steps": online_steps} | values.get("overrides", {})
    defaults = {"task": "Pendulum-v1", "preset": "tiny", "num_env_runners": 0, "checkpoint_interval": 4}
    return ExperimentSpec.create(**defaults | values, data=data)


class Watcher(Reporter):
    """A reporter that remembers messages and calls ``after(iteration)`` after each iteration."""

    def __init__(self, after: Callable[[int], object] = lambda iteration: None) -> None:
        self.after = after
        self.messages: list[str] = []
        self.iterations: list[int] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def iteration(self, record: dict[str, Any], settings: Hyperparameters) -> None:
        self.iterations.append(record["iteration"])
        self.after(record["iteration"])


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl without timings."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: record[key] for key in record if not key.startswith(TIME_PREFIX)} for record in records]


def outcome(folder: Path) -> dict[str, Any]:
    """Everything that a run and its resumed twin share, bit for bit."""
    newest = list_checkpoints(folder / "checkpoints")[-1]
    verify_checkpoint(newest)
    files = ["tensors.safetensors", "replay.safetensors", "state.json"]
    assert any(name.startswith("optimizer/policy") for name in load_file(newest / files[0]))
    assert not list(folder.rglob("*.tmp"))
    return {
        "status": RunInfo.read(folder).status,
        "checkpoint": newest.name,
        "metrics": metrics(folder),
        "evaluations": (folder / "evaluations.csv").read_text(),
        **{name: (newest / name).read_bytes() for name in files},
    }


def stop_after(last: int, folder: Path, experiment: ExperimentSpec, *, resume: bool = False) -> Watcher:
    """Runs until an iteration has ended, and stops there with a checkpoint."""
    watcher = Watcher()
    train(experiment, folder, resume=resume, reporter=watcher, stop_asked=lambda: len(lines(folder)) >= last)
    return watcher


def lines(folder: Path) -> list[str]:
    """Lines of metrics.jsonl so far."""
    file = folder / "metrics.jsonl"
    return file.read_text().splitlines() if file.exists() else []


def start(*arguments: object, program: str = "") -> "subprocess.Popen[str]":
    """``vitamin`` in a session of its own; ``program`` runs before it in the same process."""
    code = f"{program}\nfrom vitamin.platform.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Waits until ``condition`` holds; the process must live till then."""
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def processes(word: str, root: int | None = None) -> list[int]:
    """Processes below ``root`` (this one) whose command line holds ``word``."""
    import ray  # noqa: F401 (brings psutil)

    import psutil  # isort: skip

    found = []
    for child in psutil.Process(root).children(recursive=True):
        try:
            if word in " ".join(child.cmdline()):
                found.append(child.pid)
        except psutil.Error:
            continue
    return found


def wait_until_gone(word: str) -> None:
    """Waits for the end of the processes below this one whose command line holds ``word``; Ray takes its time."""
    deadline = time.monotonic() + 30
    while processes(word):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def kill_tree(process: "subprocess.Popen[str]") -> int:
    """SIGKILL for a process and all its descendants; how many they were."""
    children = processes("", process.pid)
    for pid in (process.pid, *children):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.communicate()
    return 1 + len(children)
