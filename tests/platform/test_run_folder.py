import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.platform.kills import dies_before
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.training.evaluation import Evaluation
from vitamin.analysis.manifest import changed_files
from vitamin.analysis.schema import DatasetInfo, RunInfo, RunTime
from vitamin.errors import RunError
from vitamin.platform.catalog import get_task
from vitamin.platform.experiments import comparison, run_folder, same_run
from vitamin.platform.experiments.checkpoints import changed_at_rest
from vitamin.platform.experiments.comparison import differences
from vitamin.platform.experiments.records import Records
from vitamin.platform.experiments.run_folder import RunFolder
from vitamin.platform.experiments.same_run import check_same_run, finished_run, holds_run
from vitamin.platform.experiments.spec import ExperimentSpec, read_config

TASK = get_task("hopper-medium-v2")
OWN = "tests.platform.own_environments:Corridor-v0"
DATA = DatasetInfo(path="/data/file.hdf5", fingerprint="abc", trajectories=3, steps=30)


class _Episodes(NamedTuple):
    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]


def spec(**values: Any) -> ExperimentSpec:
    return ExperimentSpec.create(**{"task": TASK.name, "preset": "tiny"} | values)


def start(folder: Path, **values: Any) -> RunInfo:
    with RunFolder(folder, spec(**values), resume=True) as run:
        run.start(TASK, DATA, (0.0, 100.0))
        return run.info


def enter(folder: Path, *, resume: bool = True, **values: Any) -> None:
    with RunFolder(folder, spec(**values), resume=resume):
        pass


def finished(folder: Path, fingerprint: str = DATA.fingerprint, **values: Any) -> RunInfo | None:
    check_same_run(folder, spec(**values), Path("other.hdf5"), fingerprint)
    return finished_run(folder, spec(**values))


def record(iteration: int) -> dict[str, Any]:
    return {
        "iteration": iteration,
        "phase": "online",
        "loss/actor": iteration / 7,
        "gradient_updates": iteration,
        "env_steps": 10 * iteration,
        "evaluation/return_mean": (1.5 * iteration + 2.0) / 2,
    }


def evaluation(iteration: int) -> Evaluation:
    return Evaluation(
        (1.5 * iteration, 2.0),
        (7, 8),
        phase="online",
        iteration=iteration,
        env_steps=10 * iteration,
        gradient_updates=iteration,
        target_return=3600.0,
    )


def add(records: Records, *iterations: int) -> None:
    for iteration in iterations:
        records.add(record(iteration), evaluation(iteration), TASK)
    records.sync()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """A limit on the size of files, which acts like a full disk at the end of any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_resume_keeps_the_start_and_the_time_spent(tmp_path: Path) -> None:
    first = start(tmp_path / "run")
    with RunFolder(tmp_path / "run", spec(), resume=True) as run:
        run.start(TASK, DATA, None)
        run.set_status("failed", "a reason", first.wall_time_s + 5)
    again = start(tmp_path / "run", num_env_runners=7, checkpoint_interval=2)
    assert (again.started, again.wall_time_s, again.status, again.message) == (
        first.started,
        5,
        "running",
        None,
    )
    assert RunInfo.read(tmp_path / "run") == again


def test_overrides_in_run_json_are_those_that_differ_from_the_preset(tmp_path: Path) -> None:
    preset = spec().hyperparameters()
    same = {
        "batch_size": preset.batch_size,
        "dropout": str(preset.dropout),
        "context_length": preset.context_length,
    }
    info = start(tmp_path / "run", overrides=same | {"weight_decay": "0.1", "reward_delay": "episode"})
    assert info.overrides == {"weight_decay": 0.1, "reward_delay": "episode"}
    assert start(tmp_path / "other", overrides=same).overrides == {}
    assert start(tmp_path / "other", overrides={}).overrides == {}  # the same run


def test_what_the_data_decide_is_always_among_the_overrides(tmp_path: Path) -> None:
    usual = Hyperparameters().eval_target_return
    own = spec(
        task=OWN, overrides={"eval_target_return": usual, "online_target_return": 1.0, "batch_size": 7}
    )
    assert own.changes() == {"eval_target_return": usual, "online_target_return": 1.0, "batch_size": 7}


def test_a_stopped_run_runs_again_when_it_is_resumed(tmp_path: Path) -> None:
    with RunFolder(tmp_path, spec(overrides={"online_steps": 70}), resume=False) as run:
        run.start(TASK, DATA, None)
        records = run.open_at(0)
        for iteration in (1, 2):
            times = {"time/sample_s": 0.25 * iteration, "time/update_s": 2.0, "time/iteration_s": 9.0}
            records.add(record(iteration) | times, evaluation(iteration), TASK)
        run.set_status("stopped", "stopped by SIGTERM", 5)
    stopped = RunInfo.read(tmp_path)
    assert (stopped.status, stopped.online_steps) == ("stopped", 70)
    assert stopped.time == RunTime(sample_s=0.75, update_s=4.0)
    assert finished(tmp_path, overrides={"online_steps": 70}) is None
    with RunFolder(tmp_path, spec(overrides={"online_steps": 90}), resume=True) as run:
        run.start(TASK, DATA, None)
        assert (run.info.status, run.info.message, run.info.online_steps) == ("running", None, 90)
        assert run.info.time == stopped.time
        run.open_at(1)  # iteration 2 came after the checkpoint
        run.set_status("running", None, 6)
    assert RunInfo.read(tmp_path).time == RunTime(sample_s=0.25, update_s=2.0)


def test_a_message_that_is_no_text_is_spelled(tmp_path: Path) -> None:
    start(tmp_path / "run")
    with RunFolder(tmp_path / "run", spec(), resume=True) as run:
        run.start(TASK, DATA, None)
        run.set_status("failed", "no file x\udcff", 1)
    assert RunInfo.read(tmp_path / "run").message == r"no file x\udcff"


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    start(tmp_path, overrides={"weight_decay": 0.1})
    with pytest.raises(RunError, match=r"already holds a run\. Continue it with --resume"):
        enter(tmp_path, resume=False, overrides={"weight_decay": 0.1})
    differences: list[tuple[dict[str, Any], str]] = [
        ({"seed": 1}, "seed: 0 → 1"),
        ({"method": "odt"}, "method: 'td3_odt' → 'odt'"),
        ({"task": "walker2d-random-v2"}, "task: 'hopper-medium-v2' → 'walker2d-random-v2'"),
        ({"overrides": {}}, "weight_decay: 0.1 → 0.0005"),
        ({"preset": "small"}, "hidden_size: 16 → 64"),
    ]
    for values, words in differences:
        with pytest.raises(RunError, match="holds another run") as error:
            enter(tmp_path, **{"overrides": {"weight_decay": 0.1}} | values)
        assert words in str(error.value)
        with pytest.raises(RunError, match="holds another run"):
            finished(tmp_path, **{"overrides": {"weight_decay": 0.1}} | values)
        with pytest.raises(RunError, match=r"already holds another run .*Choose another --out") as error:
            enter(tmp_path, resume=False, **{"overrides": {"weight_decay": 0.1}} | values)
        assert words in str(error.value)
    enter(
        tmp_path,
        overrides={"weight_decay": 0.1, "online_steps": 5000},
        num_learners=2,
        data=tmp_path / "elsewhere",
    )


def test_finished_run_has_more_to_do_only_if_asked_for_more_steps(tmp_path: Path) -> None:
    assert finished(tmp_path) is None
    start(tmp_path)
    assert finished(tmp_path) is None
    with RunFolder(tmp_path, spec(), resume=True) as run:
        run.start(TASK, DATA, None)
        run.set_status("finished", None, 1)
    assert finished(tmp_path) == RunInfo.read(tmp_path)
    assert finished(tmp_path, overrides={"online_steps": 300}) is not None
    assert finished(tmp_path, overrides={"online_steps": 500}) is None
    with pytest.raises(RunError, match=r"started on other data \(/data/file\.hdf5\); other\.hdf5 differs"):
        finished(tmp_path, "def")
    with pytest.raises(RunError, match=r"already holds another run \(its data is /data/file\.hdf5\)"):
        check_same_run(tmp_path, spec(), Path("other.hdf5"), "def", resume=False)


def test_what_other_data_make_of_the_settings_is_no_change_of_settings(tmp_path: Path) -> None:
    low, high = (_Episodes(np.full(2, value), np.full(2, 10)) for value in (1.0, 100.0))
    open_spec = spec(task=OWN, method="odt")
    assert "return_scale" in open_spec.open_to_data()
    with RunFolder(tmp_path, open_spec.with_data(lambda: low), resume=False) as run:
        run.start(get_task(OWN), DATA, None)
    changed = open_spec.with_data(lambda: high)
    with pytest.raises(RunError, match="return_scale"):
        finished(tmp_path, **changed.model_dump())
    with pytest.raises(RunError, match="was started on other data"):
        check_same_run(tmp_path, open_spec, Path("other.hdf5"), "def")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"cpu_capability": "AVX9"}, "cpu_capability {cpu} instead of AVX9"),
        ({"learner_threads": 17}, "learner_threads {learner} instead of 17"),
        ({"torch": "1.0"}, "torch {torch} instead of 1.0"),
    ],
)
def test_another_machine_is_noted(tmp_path: Path, was: dict[str, Any], now: str) -> None:
    info = start(tmp_path)
    assert info.machine is not None
    here = {
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "learner": spec().hyperparameters().learner_threads,
        "torch": torch.__version__,
    }
    assert info.machine.cpu_capability == here["cpu"]
    other = info.machine.model_copy(update={name: was[name] for name in was if name != "torch"})
    versions = info.versions | {name: was[name] for name in was if name == "torch"}
    info.model_copy(update={"machine": other, "versions": versions}).write(tmp_path)
    (tmp_path / "manifest.json").unlink()
    note = f"{now.format(**here)}: the result is as good, but not the same bit for bit."
    assert start(tmp_path).notes == [note]
    assert start(tmp_path).notes == [note]
    RunInfo.read(tmp_path).model_copy(update={"machine": None}).write(tmp_path)
    (tmp_path / "manifest.json").unlink()
    assert start(tmp_path).notes == [note]


def test_other_threads_continue_a_run(tmp_path: Path) -> None:
    start(tmp_path)
    (note,) = start(tmp_path, overrides={"rollout_threads": 3}).notes
    assert note.startswith("rollout_threads 3 instead of 1: ")


def test_another_number_or_kind_of_learners_is_noted(tmp_path: Path) -> None:
    assert start(tmp_path).notes == []
    assert start(tmp_path, num_learners=1, num_env_runners=3).notes == []  # the same bits
    two = "2 CPU learners instead of 1 CPU learner: the result is as good, but not the same bit for bit."
    with RunFolder(tmp_path, spec(num_learners=2), resume=True) as run:
        assert run.notes == [two]
    assert start(tmp_path, num_learners=2).notes == [two]
    assert start(tmp_path, num_learners=2).notes == [two]
    one = two.replace("2 CPU learners instead of 1 CPU learner", "1 GPU learner instead of 2 CPU learners")
    assert start(tmp_path, num_gpus_per_learner=1).notes == [two, one]


def test_folder_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunError, match="is being written by another process"):
            enter(tmp_path)
        holder.kill()
    enter(tmp_path)


def test_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("my: own")
    with pytest.raises(RunError, match=r"is not empty and holds no run \(config\.yaml"):
        enter(tmp_path)
    assert (tmp_path / "config.yaml").read_text() == "my: own"
    (tmp_path / "config.yaml").unlink()
    enter(tmp_path)


@pytest.mark.parametrize("folder", ["file/run", "/proc/vitamin/run", "/dev/null"])
def test_unwritable_folder_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"Cannot write to .* Choose another --out"):
        enter(tmp_path / folder)


def test_start_that_was_killed_before_run_json_does_not_block_the_next(tmp_path: Path) -> None:
    start(tmp_path)
    for leftover in ("run.json", ".run.json.tmp", ".config.yaml.tmp", ".manifest.json.tmp"):
        (tmp_path / leftover).unlink(missing_ok=True)
        (tmp_path / leftover).write_text("half")
    (tmp_path / "run.json").unlink()
    enter(tmp_path, resume=False)
    with pytest.raises(RunError, match="holds no run"):
        enter(tmp_path, resume=False, seed=1)
    start(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "config.yaml",
        "manifest.json",
        "run.json",
    ]


@pytest.mark.parametrize(
    "content", [None, "", "- 1", "task: [", "task: hopper-medium-v2\nhyperparameters: 3", "\x00"]
)
def test_damaged_config_is_an_error(tmp_path: Path, content: str | None) -> None:
    start(tmp_path)
    (tmp_path / "config.yaml").unlink()
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(RunError, match="cannot be continued"):
        enter(tmp_path, seed=1)
    # The settings that it was made of are known by its digest.
    what = "is gone" if content is None else "changed since the run wrote it"
    assert start(tmp_path).notes == [f"config.yaml {what}."]
    assert read_config(tmp_path / "config.yaml").overrides == spec().overrides
    assert changed_files(tmp_path) == {}
    # An earlier version has left no digests.
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "config.yaml").write_text(content or "")
    with pytest.raises(RunError, match="cannot be continued"):
        enter(tmp_path)


def test_a_torn_config_does_not_stand_for_defaults(tmp_path: Path) -> None:
    start(tmp_path, overrides={"weight_decay": 0.1})
    file = tmp_path / "config.yaml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:20]))
    with (
        pytest.raises(RunError, match=r"changed since the run wrote it and lacks .* Resume with the TASK"),
        RunFolder(tmp_path, read_config(file), resume=True),
    ):
        pass
    file.write_text("".join(lines).replace("num_env_runners: 1", "num_env_runners: 3"))
    with RunFolder(tmp_path, read_config(file), resume=True) as run:
        assert run.notes == ["config.yaml changed since the run wrote it."]


@pytest.mark.parametrize("content", [b"", b'{"schema_ver', b"\xff\xfe\0", b"[" * 100_000, b"[]"])
def test_damaged_run_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    start(tmp_path)
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json is damaged.*Choose another --out"):
        finished(tmp_path)


def finish(folder: Path, *iterations: int) -> None:
    """A run that made these iterations, with a checkpoint after the last one."""
    with RunFolder(folder, spec(), resume=True) as run:
        run.start(TASK, DATA, None)
        add(run.open_at(0), *iterations)
        run.save(iterations[-1], write_checkpoint)
        run.set_status("finished", None, 1)


def write_checkpoint(folder: Path) -> None:
    for name in ("tensors.safetensors", "replay.safetensors", "state.json"):
        (folder / name).write_text(name)


def test_files_of_a_finished_run_that_are_gone_or_changed_are_seen(tmp_path: Path) -> None:
    names = [
        "run.json",
        "config.yaml",
        "metrics.jsonl",
        "evaluations.csv",
        "checkpoints/00000002/manifest.json",
    ]
    for name in names:
        folder = tmp_path / name.replace("/", "-")
        finish(folder, 1, 2)
        assert changed_files(folder) == {}
        content = (folder / name).read_bytes()
        if name == "run.json":
            content = content.replace(b"hopper-medium-v2", b"hopper-random-v2")
        else:
            content = bytes([content[0] ^ 1]) + content[1:]
        (folder / name).write_bytes(content)
        assert changed_files(folder) == {name: "changed since the run wrote it"}
        if name != "run.json":
            (folder / name).unlink()
            assert changed_files(folder) == {name: "is gone"}
    folder = tmp_path / "grown"
    finish(folder, 1, 2)
    for name in ("metrics.jsonl", "evaluations.csv"):
        with (folder / name).open("a") as file:
            file.write("more\n")
    assert set(changed_files(folder)) == {"metrics.jsonl", "evaluations.csv"}
    (folder / "manifest.json").write_text("{")
    assert list(changed_files(folder)) == ["manifest.json"]
    (folder / "manifest.json").unlink()
    assert changed_files(folder) == {}


@pytest.mark.parametrize("name", ["tensors.safetensors", "replay.safetensors", "state.json"])
def test_content_of_checkpoints_that_is_gone_or_changed_is_seen(tmp_path: Path, name: str) -> None:
    finish(tmp_path, 1, 2)
    assert changed_at_rest(tmp_path) == {}
    checkpoint = tmp_path / "checkpoints" / "00000002"
    content = (checkpoint / name).read_bytes()
    (checkpoint / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    changed = {"checkpoints/00000002": "changed since the run wrote it"}
    assert changed_at_rest(tmp_path) == changed
    (checkpoint / name).unlink()
    assert changed_at_rest(tmp_path) == changed
    (checkpoint / "manifest.json").unlink()
    assert changed_at_rest(tmp_path) == {"checkpoints/00000002/manifest.json": "is gone"}


def test_lines_after_the_checkpoint_are_no_damage(tmp_path: Path) -> None:
    start(tmp_path)
    with RunFolder(tmp_path, spec(), resume=True) as run:
        run.start(TASK, DATA, None)
        records = run.open_at(0)
        add(records, 1, 2)
        run.save(2, write_checkpoint)
        run.set_status("running", None, 1)
        add(records, 3)
        assert changed_files(tmp_path) == {}
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"iteration": 4, "ph')
    assert changed_files(tmp_path) == {}
    text = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(text.replace('"env_steps": 20', '"env_steps": 21'))
    with RunFolder(tmp_path, spec(), resume=True) as run:
        assert run.notes == ["metrics.jsonl changed since the run wrote it."]
    assert start(tmp_path).notes == ["metrics.jsonl changed since the run wrote it."]


def live(folder: Path, experiment: ExperimentSpec) -> None:
    """A start, a resume, records with a checkpoint, and the end of a run."""
    for iterations in ((1, 2), (3,)):
        with RunFolder(folder, experiment, resume=True) as run:
            run.start(TASK, DATA, None)
            records = run.open_at(iterations[0] - 1)
            add(records, *iterations)
            run.save(iterations[-1], write_checkpoint)
            run.set_status("running", None, 1)
            add(records, iterations[-1] + 1)
    with RunFolder(folder, experiment, resume=True) as run:
        run.start(TASK, DATA, None)
        run.open_at(3)
        run.seal()
        run.set_status("finished", None, 2)


@pytest.mark.slow
def test_a_kill_at_any_moment_makes_no_sound_folder_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = spec()
    monkeypatch.setattr(run_folder, "commit", lambda: None)  # these read files of their own
    monkeypatch.setattr(run_folder, "versions", dict)
    monkeypatch.setattr(comparison, "versions", dict)
    text, settings = same_run.config_text(experiment), experiment.hyperparameters()  # these take long
    for module in (run_folder, same_run):
        monkeypatch.setattr(module, "config_text", lambda spec: text)
    monkeypatch.setattr(ExperimentSpec, "hyperparameters", lambda self: settings)
    operation, killed = 0, True
    while killed:
        operation += 1
        folder = tmp_path / str(operation)
        killed = dies_before(operation, lambda folder=folder: live(folder, experiment))
        if holds_run(folder):
            assert changed_files(folder) == {}, operation
            with RunFolder(folder, experiment, resume=True) as run:
                assert run.notes == []
    assert operation > 150
    assert RunInfo.read(folder).status == "finished"


def test_what_is_left_of_damaged_records_is_kept_and_the_rest_named(tmp_path: Path) -> None:
    records = Records(tmp_path, 0)
    add(records, *range(1, 8))
    records.close()
    metrics, evaluations = tmp_path / "metrics.jsonl", tmp_path / "evaluations.csv"
    lines = metrics.read_bytes().splitlines(keepends=True)
    lines[1:2] = [b"{}\n"]
    lines[2:4] = [b"\xff\xfe\n", b"\0" * 20 + b"\n"]
    lines[4] = b'{"some": "thing", "iteration": 5}\r\n'
    lines[5] = lines[5].removesuffix(b"\n") + b"\r\n"
    metrics.write_bytes(b"".join(lines))
    rows = evaluations.read_text().splitlines(keepends=True)
    rows[1] = rows[1].replace("1.5", "7.5")
    rows[11] = "7\n"
    evaluations.write_text("".join(rows))
    records = Records(tmp_path, 7)
    records.close()
    assert records.losses == [
        "metrics.jsonl lacks iterations before the checkpoint: 2-5.",
        "evaluations.csv lacks evaluations, of iterations 1, 6.",
    ]
    assert [json.loads(line)["iteration"] for line in metrics.read_text().splitlines()] == [1, 6, 7]
    assert [row.split(",")[1] for row in evaluations.read_text().splitlines()[1:]] == list("2233445577")


def test_records_are_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    records = Records(tmp_path, 0)
    assert records.losses == []
    add(records, 1, 2)
    records.close()
    files = [tmp_path / name for name in ("metrics.jsonl", "evaluations.csv")]
    expected = [file.read_bytes() for file in files]
    records = Records(tmp_path, 2)
    add(records, 3)
    records.close()
    for file in files:  # torn by a kill, and by a failing disk
        content = file.read_bytes()
        file.write_bytes(content + b"\xff\x00\n\n" + content[-20:-1])
    records = Records(tmp_path, 2)
    assert records.losses == []
    assert [file.read_bytes() for file in files] == expected
    add(records, 3, 4)
    records.close()
    assert [json.loads(line)["iteration"] for line in files[0].read_text().splitlines()] == [1, 2, 3, 4]
    assert [line.split(",")[1] for line in files[1].read_text().splitlines()[1:]] == list("11223344")
    files[0].unlink()
    records = Records(tmp_path, 2)
    records.close()
    assert records.losses == ["metrics.jsonl lacks iterations before the checkpoint: 1-2."]


def test_success_is_written_where_the_environment_says_it(tmp_path: Path) -> None:
    records = Records(tmp_path, 0)
    records.add(record(1), replace(evaluation(1), successes=(False, True)), TASK)
    records.add(record(2), evaluation(2), TASK)
    records.close()
    rows = (tmp_path / "evaluations.csv").read_text().splitlines()
    assert [row.split(",")[-1] for row in rows] == ["success", "0", "1", "", ""]


def test_rows_of_an_earlier_version_get_the_later_columns(tmp_path: Path) -> None:
    records = Records(tmp_path, 0)
    add(records, 1)
    records.close()
    file = tmp_path / "evaluations.csv"
    expected = file.read_text()
    file.write_text("".join(line.rpartition(",")[0] + "\n" for line in expected.splitlines()))
    Records(tmp_path, 1).close()
    assert file.read_text() == expected


def test_tensorboard_hides_what_is_made_again(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for done, todo in ((0, (1, 2, 3)), (2, (3, 4)), (0, (1, 2))):
        records = Records(tmp_path, done)
        add(records, *todo)
        records.close()
        (events,) = [
            path for path in (tmp_path / "tensorboard").iterdir() if str(os.getpid()) == path.suffix[1:]
        ]
        events.rename(events.with_name(f"events.out.tfevents.{len(list(events.parent.iterdir()))}"))
        seen = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("loss/actor")
        assert [event.step for event in seen] == [*range(1, done + 1), *todo]
    assert [event.value for event in seen] == pytest.approx([1 / 7, 2 / 7])


def test_full_disk_is_one_error_and_closing_is_quiet(tmp_path: Path) -> None:
    start(tmp_path)
    with RunFolder(tmp_path, spec(), resume=True) as run:
        run.start(TASK, DATA, None)
        records = run.open_at(0)
        add(records, 1)
        with file_size_limit(200), pytest.raises(RunError, match="File too large"):
            add(records, 2, 3)
        with file_size_limit(200), pytest.raises(RunError, match="Cannot write"):
            run.set_status("failed", "x" * 500, 1)
        assert run.path.joinpath("run.json").read_text().endswith("}\n")
    enter(tmp_path)
    records = Records(tmp_path, 1)
    assert records.losses == []
    records.close()


def test_more_online_steps_go_on_but_do_not_stretch_a_curriculum() -> None:
    for curriculum in ({}, {"jump_start_steps": 5}, {"curriculum_target_return": -9.0}):
        shorter, longer = (
            spec(method="odt", overrides={"online_steps": steps} | curriculum) for steps in (500, 900)
        )
        assert differences(shorter, longer) == (["online_steps: 500 → 900"] if curriculum else [])
