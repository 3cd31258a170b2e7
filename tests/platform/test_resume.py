"""Exact resume: whatever happens to a run, its end is that of the run that was left alone, bit for bit."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform import runs
from tests.platform.runs import outcome, spec
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.analysis.manifest import changed_files
from vitamin.analysis.schema import RunInfo, RunTime
from vitamin.errors import RunError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments import train as train_module
from vitamin.platform.experiments.checkpoints import list_checkpoints, save_checkpoint
from vitamin.platform.experiments.spec import read_config
from vitamin.platform.experiments.train import train
from vitamin.platform.ray_session import ray_session

pytestmark = pytest.mark.ray

# The checkpoint of iteration 12 takes long enough to be killed in the middle of it.
SLOW_DISK = """
import time
from vitamin.platform.experiments import checkpoints
digest = checkpoints._digest
checkpoints._digest = lambda file: (time.sleep(60 * ("00000012" in str(file))), digest(file))[1]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pendulum.hdf5"
    return collect_dataset(get_task("Pendulum-v1"), steps=1000, seed=1, out=path)


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    with ray_session(cpus=4):
        yield


@pytest.fixture(scope="module")
def undisturbed(data: Path, _ray: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that nothing happens to: ten iterations of pretraining, six online."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train(spec(data), folder)
    return folder


@pytest.mark.slow
def test_kill_minus_nine_of_the_whole_process_tree(data: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = [
        "--data",
        data,
        "--preset",
        "tiny",
        "--out",
        folder,
        "--checkpoint-interval",
        4,
        "--online-steps",
        2400,
    ]
    options += [word for name, value in runs.SETTINGS.items() for word in ("--set", f"{name}={value}")]

    # While it pretrains, before any checkpoint
    process = runs.start("train", "Pendulum-v1", *options, "--num-env-runners", 0)
    runs.wait_for(lambda: len(runs.lines(folder)) >= 2, process)
    assert runs.kill_tree(process) > 2  # Ray's own processes are among them
    first = RunInfo.read(folder)
    assert (first.status, first.wall_time_s) == ("running", 0)

    # Online, between two checkpoints, with an env runner
    process = runs.start("train", "--resume", "--out", folder, "--num-env-runners", 1)
    runs.wait_for(lambda: len(runs.lines(folder)) >= 11, process)
    assert runs.kill_tree(process) > 4
    second = RunInfo.read(folder)
    assert second.wall_time_s > 0

    # While it writes a checkpoint
    process = runs.start("train", "--resume", "--out", folder, "--num-env-runners", 0, program=SLOW_DISK)
    written = folder / "checkpoints" / ".00000012.tmp" / "tensors.safetensors"
    runs.wait_for(written.exists, process)
    runs.kill_tree(process)
    assert written.exists()

    watcher = runs.Watcher()
    end = train(read_config(folder / "config.yaml"), folder, resume=True, reporter=watcher)
    assert watcher.messages == ["Resuming after iteration 10."]
    assert outcome(folder) == outcome(undisturbed)
    assert end.started == first.started
    assert end.wall_time_s > second.wall_time_s


def test_slow_iterations_are_saved_before_their_number_is_due(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_module, "_LONGEST_UNSAVED_S", 0.0)
    saved = []
    watcher = runs.Watcher(
        lambda iteration: saved.append(int(list_checkpoints(tmp_path / "run" / "checkpoints")[-1].name))
    )
    train(spec(data, online_steps=0, checkpoint_interval=100), tmp_path / "run", reporter=watcher)
    assert saved == watcher.iterations


@pytest.mark.slow
def test_a_signal_to_the_process_group_spares_ray_until_the_checkpoint_is_written(
    data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    options = ["--data", data, "--preset", "tiny", "--out", folder, "--num-learners", 1]
    options += ["--online-steps", 10**6, "--checkpoint-interval", 10**6, "--num-env-runners", 0]
    process = runs.start("train", "Pendulum-v1", *options)
    runs.wait_for(lambda: len(runs.lines(folder)) >= 4, process)
    ray_processes = runs.processes("ray", process.pid)
    assert len(ray_processes) > 3
    assert process.pid not in map(os.getpgid, ray_processes)
    os.killpg(process.pid, signal.SIGTERM)  # as `timeout` and Slurm do
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 143, text
    assert "Stopped; the state is saved." in text
    assert [int(path.name) for path in list_checkpoints(folder / "checkpoints")][-1] == len(
        runs.lines(folder)
    )
    info = RunInfo.read(folder)
    assert info.status == "stopped"
    assert (info.message or "").startswith("stopped by SIGTERM at ")
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in ray_processes):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def seconds(folder: Path) -> RunTime:
    """Sums of the times in metrics.jsonl."""
    records = [json.loads(line) for line in runs.lines(folder)]
    return RunTime(
        **{part: sum(record.get(f"time/{part}", 0.0) for record in records) for part in RunTime.model_fields}
    )


def test_signals_end_the_run_after_the_iteration_or_at_once(
    data: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder, handlers = tmp_path / "run", [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]

    def send(number: int, times: int, at: int) -> Callable[[int], None]:
        return lambda iteration: (
            [os.kill(os.getpid(), number) for _ in range(times * (iteration == at))] and None
        )

    watcher = runs.Watcher(send(signal.SIGTERM, 1, at=3))
    stopped = train(spec(data), folder, reporter=watcher)
    assert (stopped.status, stopped.message) == (
        "stopped",
        "stopped by SIGTERM at 16 of 40 pretraining updates; `--resume` continues it",
    )
    assert stopped.online_steps == 2400
    assert stopped.time == seconds(folder)
    assert watcher.messages == [
        "Stopping after this iteration. Again to stop at once.",
        "Stopped; the state is saved. Continue with --resume.",
    ]
    assert [path.name for path in list_checkpoints(folder / "checkpoints")] == ["00000004"]

    watcher = runs.Watcher(send(signal.SIGINT, 2, at=11))
    with pytest.raises(KeyboardInterrupt):
        train(spec(data), folder, resume=True, reporter=watcher)
    assert watcher.messages[0] == "Resuming after iteration 4."
    interrupted = RunInfo.read(folder)
    assert (interrupted.status, interrupted.message) == (
        "stopped",
        "stopped by SIGINT at 400 of 2 400 online steps within an iteration; `--resume` goes on after iteration 10",
    )

    finished = train(spec(data), folder, resume=True)
    assert (finished.status, finished.message) == ("finished", None)
    assert finished.time == seconds(folder)
    assert outcome(folder) == outcome(undisturbed)
    assert [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)] == handlers


def test_a_run_of_a_version_that_named_values_otherwise_goes_on(
    data: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dump = tmp_path / "run", Hyperparameters.model_dump

    def former(self: Hyperparameters, **options: Any) -> dict[str, Any]:
        values = dump(self, **options)
        assert values["critic_network"] == "mlp"
        written = options.get("mode") == "json"
        return values | ({"critic_network": "perceptron"} if written else {})

    with monkeypatch.context() as version:
        version.setattr(Hyperparameters, "model_dump", former)
        runs.stop_after(4, folder, spec(data))
    state = (list_checkpoints(folder / "checkpoints")[-1] / "state.json").read_text()
    assert '"critic_network": "perceptron"' in state
    assert "critic_network: perceptron" in (folder / "config.yaml").read_text()

    watcher = runs.Watcher()
    train(spec(data), folder, resume=True, reporter=watcher)
    assert watcher.messages == ["Resuming after iteration 4."]
    assert RunInfo.read(folder).notes == []
    assert outcome(folder) == outcome(undisturbed)


def test_damage_is_survived(data: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    runs.stop_after(13, folder, spec(data))
    pretrained, older, newest = list_checkpoints(folder / "checkpoints")
    assert (pretrained.name, older.name, newest.name) == ("00000010", "00000012", "00000013")
    tensors = bytearray((newest / "tensors.safetensors").read_bytes())
    tensors[-1] ^= 1
    (newest / "tensors.safetensors").write_bytes(tensors)
    for name in ("metrics.jsonl", "evaluations.csv"):
        with (folder / name).open("a") as file:
            file.write('{"iteration": 14, "online,14')
    watcher = runs.Watcher()
    train(spec(data, num_env_runners=1, checkpoint_interval=5), folder, resume=True, reporter=watcher)
    assert f"{newest} is damaged: tensors.safetensors changed" in watcher.messages[0]
    assert watcher.messages[1:] == ["Resuming after iteration 12."]
    assert watcher.iterations == [13, 14, 15, 16]
    assert outcome(folder) == outcome(undisturbed)

    for name in ("metrics.jsonl", "evaluations.csv", "checkpoints/00000016/state.json"):
        (folder / name).unlink()
    assert train(spec(data), folder, resume=True, reporter=watcher).status == "finished"
    assert watcher.messages[2:] == [
        f"{folder} is finished already.",
        (
            "checkpoints/00000016 changed since the run wrote it, evaluations.csv is gone, metrics.jsonl is gone. "
            "To make the run again, choose another --out."
        ),
    ]


def test_a_run_begins_anew_if_no_checkpoint_is_whole(data: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder, watcher = tmp_path / "run", runs.Watcher()
    runs.stop_after(6, folder, spec(data))
    before = RunInfo.read(folder)
    for checkpoint in list_checkpoints(folder / "checkpoints"):
        (checkpoint / "state.json").unlink()
    end = train(spec(data), folder, resume=True, reporter=watcher)
    (aside,) = folder.glob("damaged-*")
    assert [message.partition(" is damaged")[0] for message in watcher.messages[:2]] == [
        f"Checkpoint {folder / 'checkpoints' / name}" for name in ("00000006", "00000004")
    ]
    note = "No checkpoint was whole: the run was started again from its beginning."
    assert watcher.messages[2:] == [f"{note} What there was before lies in {aside.name}/."]
    assert end.notes == watcher.messages[2:]
    assert end.started == before.started
    assert outcome(folder) == outcome(undisturbed)
    assert len(runs.lines(aside)) == 6
    assert RunInfo.read(aside) == before
    assert [path.name for path in list_checkpoints(aside / "checkpoints")] == ["00000004", "00000006"]
    assert changed_files(folder) == {}


@pytest.mark.usefixtures("_ray")
def test_resuming_with_other_learners_is_said_and_noted(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    runs.stop_after(2, folder, spec(data))
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("num_learners: 0", "num_learners: 2"))
    (folder / "manifest.json").unlink()  # it would know that the file was another one
    metrics = folder / "metrics.jsonl"
    metrics.write_text(metrics.read_text().partition("\n")[2])
    messages = runs.stop_after(2, folder, spec(data), resume=True).messages
    notice = "1 CPU learner instead of 2 CPU learners: the result is as good, but not the same bit for bit."
    notes = [notice, "metrics.jsonl lacks iterations before the checkpoint: 1."]
    assert messages[:3] == ["Resuming after iteration 2.", *notes]
    assert RunInfo.read(folder).notes == notes


def test_more_steps_continue_a_finished_run(data: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder, watcher = tmp_path / "run", runs.Watcher()
    short = train(spec(data, online_steps=1500), folder)
    train(spec(data), folder, resume=True)
    result, expected = outcome(folder), outcome(undisturbed)
    # The evaluation at the earlier end, which the other run does not have, stays.
    assert short.status == "finished"
    extra = result["metrics"][13]
    assert extra["env_steps"] == 1600
    result["metrics"][13] = {key: extra[key] for key in extra if not key.startswith("evaluation/")}
    rows = result["evaluations"].splitlines(keepends=True)
    result["evaluations"] = "".join(row for row in rows if not row.startswith("online,14,"))
    assert len(rows) == len(expected["evaluations"].splitlines()) + 2
    assert result == expected

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for steps in (1500, 2400):
        assert (
            train(spec(data, online_steps=steps), folder, resume=True, reporter=watcher).status == "finished"
        )
    assert watcher.messages == [f"{folder} is finished already."] * 2
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_other_data_and_other_checkpoints_are_refused(data: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(undisturbed, folder)
    more, info = spec(data, online_steps=9999), RunInfo.read(folder)
    configured = (folder / "config.yaml").read_text()
    other = collect_dataset(get_task("Pendulum-v1"), steps=1000, seed=2, out=tmp_path / "other.hdf5")
    for experiment in (spec(other), more.model_copy(update={"data": str(other)})):
        with pytest.raises(RunError, match="was started on other data"):
            train(experiment, folder, resume=True)
    assert RunInfo.read(folder) == info
    moved = shutil.copy(data, tmp_path / "moved.hdf5")

    def rewrite(**changes: Any) -> None:
        newest = list_checkpoints(folder / "checkpoints")[-1]

        def copy(target: Path) -> None:
            shutil.copytree(
                newest, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json")
            )
            state = json.loads((newest / "state.json").read_text())
            (target / "state.json").write_text(json.dumps(state | changes))

        save_checkpoint(folder / "checkpoints", int(newest.name) + 1, copy)

    for change, message in (
        ({"schema": 99}, "checkpoint schema 99, this version reads 2"),
        ({"schema": 1}, "pretrained on fewer trajectories: it can be evaluated, but not continued"),
        ({"schema": 2, "task": "Hopper-v4"}, "checkpoint of the task Hopper-v4, not of Pendulum-v1"),
        ({"task": "Pendulum-v1", "method": "odt"}, "checkpoint of the method odt, not of td3_odt"),
        ({"method": "td3_odt", "progress": 3}, r"does not hold the state of this run \(TypeError"),
        ({"learner": []}, "does not hold the state of this run"),
    ):
        rewrite(**change)
        with pytest.raises(RunError, match=message):
            train(more.model_copy(update={"data": str(moved)}), folder, resume=True)
        assert RunInfo.read(folder) == info
    assert (folder / "config.yaml").read_text() == configured
    assert runs.metrics(folder) == runs.metrics(undisturbed)
