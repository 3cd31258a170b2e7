"""Sweeps with a real Ray: results, failures, kills, stops."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.platform.sweep_environments import NAME as BROKEN
from vitamin.analysis.schema import RunInfo
from vitamin.errors import SweepError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.train import train
from vitamin.platform.sweeps import SweepProgress, SweepSpec, TrialProgress, make_plan, run_sweep
from vitamin.platform.sweeps.watching import Watcher

ROOT = Path(__file__).parents[2]
SETTINGS = {"pretrain_updates": 4, "online_steps": 800, "eval_episodes": 1}
GOOD = "td3_odt-Pendulum-v1-critic_learning_rate=0.001-seed0"
DIVERGED = "td3_odt-Pendulum-v1-critic_learning_rate=1e+30-seed0"
FAILED = "td3_odt-tests.platform.sweep_environments_BurntOut-v0-seed0"


class Recorder:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.statuses: list[tuple[str, str]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def started(self, progress: SweepProgress) -> None:
        self.waiting = [state.trial.name for state in progress.with_status("waiting")]

    def changed(self, trial: TrialProgress) -> None:
        entry = (trial.trial.name, trial.status)
        if not self.statuses or self.statuses[-1] != entry:
            self.statuses.append(entry)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect_dataset(
        get_task("Pendulum-v1"), steps=1000, out=tmp_path_factory.mktemp("data") / "pendulum.hdf5"
    )


def entries(file: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "test",
        "tasks": ["Pendulum-v1"],
        "methods": ["td3_odt"],
        "seeds": 1,
        "preset": "tiny",
        "overrides": SETTINGS,
        "data": {"Pendulum-v1": str(file)},
        "resources": {"num_env_runners": 0},
        "checkpoint_interval": 1,
    } | more


def metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {key: value for key, value in json.loads(line).items() if not key.startswith("time/")}
        for line in lines
    ]


@pytest.mark.ray
def test_a_failed_and_a_diverged_trial_do_not_stop_the_others(
    tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    axis = {"values": [1e-3, 1e30], "tasks": ["Pendulum-v1"]}
    spec = entries(
        data,
        tasks=[BROKEN, "Pendulum-v1"],
        data={"Pendulum-v1": str(data), BROKEN: str(data)},
        axes={"critic_learning_rate": axis},
    )
    plan, out, first = make_plan(SweepSpec.model_validate(spec)), tmp_path / "sweep", Recorder()
    progress = run_sweep(plan, out, first)
    assert len([text for text in caplog.messages if "may be another environment than" in text]) == 1
    assert not any("may be another environment than" in text for text in first.messages)  # not by each trial
    assert {name: state.status for name, state in progress.trials.items()} == {
        FAILED: "failed",
        DIVERGED: "diverged",
        GOOD: "finished",
    }
    failed, diverged, good = (progress.trials[name] for name in (FAILED, DIVERGED, GOOD))
    assert "the motor burnt out" in str(failed.message)
    assert "NaN or infinite" in str(diverged.message)
    assert good.env_steps >= SETTINGS["online_steps"]
    assert good.normalized_score is not None
    assert {name: RunInfo.read(out / name).status for name in progress.trials} == {
        name: state.status for name, state in progress.trials.items()
    }
    assert len(metrics(out / GOOD)) == 1 + 2

    before = (out / GOOD / "run.json").read_bytes()
    second = Recorder()
    progress = run_sweep(plan, out, second, resume=True)
    assert second.waiting == [FAILED]
    assert {name for name, _ in second.statuses} == {FAILED}
    assert progress.trials[GOOD].normalized_score == good.normalized_score
    assert (out / GOOD / "run.json").read_bytes() == before
    with pytest.raises(SweepError, match="already holds a sweep"):
        run_sweep(plan, out, Recorder())


@pytest.mark.ray
def test_a_killed_trial_is_started_again_as_often_as_allowed(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watcher.on_trial_result
    pids: dict[str, set[int]] = {"td3_odt-Pendulum-v1-seed0": set(), "td3_odt-Pendulum-v1-seed1": set()}
    allowed = {"td3_odt-Pendulum-v1-seed0": 1, "td3_odt-Pendulum-v1-seed1": 2}

    def kill(
        self: Watcher, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        watch(self, iteration, trials, trial, result, **info)
        killed = pids[str(trial)]
        if len(killed) < allowed[str(trial)] and result["pid"] not in killed:
            killed.add(result["pid"])
            os.kill(result["pid"], signal.SIGKILL)

    monkeypatch.setattr(Watcher, "on_trial_result", kill)
    reporter = Recorder()
    spec = SweepSpec.model_validate(entries(data, seeds=2, retries=1, checkpoint_interval=3))
    progress = run_sweep(make_plan(spec), tmp_path / "sweep", reporter)
    once, twice = progress.trials.values()
    assert once.status == "finished"
    assert RunInfo.read(tmp_path / "sweep" / once.trial.name).status == "finished"
    assert twice.status == "failed"
    assert twice.message == "Its process died: it was killed, or memory or its node was lost."
    assert sum("will be started again" in message for message in reporter.messages) == 2


def start(spec: Path, out: Path, *options: str) -> "subprocess.Popen[str]":
    code = "from vitamin.platform.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "sweep", str(spec), "--out", str(out), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.ray
@pytest.mark.slow
def test_a_killed_and_a_stopped_sweep_go_on_to_the_results_of_a_single_run(
    tmp_path: Path, data: Path
) -> None:
    overrides = SETTINGS | {"online_steps": 6000}
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(entries(data, overrides=overrides)))
    out = tmp_path / "sweep"
    run = out / "td3_odt-Pendulum-v1-seed0"

    def lines() -> int:
        file = run / "metrics.jsonl"
        return len(file.read_bytes().splitlines()) if file.exists() else 0

    with start(spec, out) as killed:
        wait_for(lambda: lines() >= 2, killed)
        killed.kill()
    assert RunInfo.read(run).status == "running"

    with start(spec, out, "--resume") as stopped:
        seen = lines()
        wait_for(lambda: lines() >= seen + 2, stopped)
        os.killpg(stopped.pid, signal.SIGINT)  # as Ctrl-C at a terminal does
        text = stopped.communicate(timeout=60)[0]
    assert stopped.returncode == 130, text
    assert "Stopping" in text
    assert f"--out {out} --resume" in text
    assert "Traceback" not in text
    assert RunInfo.read(run).status == "stopped"
    assert max(path.name for path in (run / "checkpoints").iterdir()) == f"{lines():08d}"

    with start(spec, out, "--resume") as finished:
        text = finished.communicate(timeout=120)[0]
    assert finished.returncode == 0, text
    assert f"Next: vitamin report {out}" in text
    assert RunInfo.read(run).status == "finished"

    single = ExperimentSpec.create(
        task="Pendulum-v1",
        preset="tiny",
        data=data,
        overrides=overrides,
        num_env_runners=0,
        checkpoint_interval=100,
    )
    train(single, tmp_path / "single")
    assert metrics(run) == metrics(tmp_path / "single")
    assert (run / "evaluations.csv").read_bytes() == (tmp_path / "single" / "evaluations.csv").read_bytes()
