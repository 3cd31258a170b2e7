import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vitamin.algorithms.rllib.evaluation import Evaluation
from vitamin.analysis.schema import DatasetInfo, RunInfo
from vitamin.errors import RunError
from vitamin.platform.experiments.comparison import differences
from vitamin.platform.experiments.records import Records
from vitamin.platform.experiments.run_folder import RunFolder, finished_run
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.tasks import get_task

TASK = get_task("hopper-medium-v2")
DATA = DatasetInfo(path="/data/file.hdf5", fingerprint="abc", trajectories=3, steps=30)


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
    return finished_run(folder, spec(**values), Path("other.hdf5"), fingerprint)


def record(iteration: int) -> dict[str, Any]:
    return {
        "iteration": iteration,
        "phase": "online",
        "loss/actor": iteration / 7,
        "env_steps": 10 * iteration,
    }


def evaluation(iteration: int) -> Evaluation:
    return Evaluation("online", iteration, 10 * iteration, iteration, 3600.0, (1.5 * iteration, 2.0), (7, 8))


def add(records: Records, *iterations: int) -> None:
    for iteration in iterations:
        records.add(record(iteration), evaluation(iteration), TASK)
    records.sync()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """What happens at a full disk, at the end of any file."""
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


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    start(tmp_path, overrides={"weight_decay": 0.1})
    with pytest.raises(RunError, match=r"already holds a run\. Continue it with --resume"):
        enter(tmp_path, resume=False, overrides={"weight_decay": 0.1})
    differences: list[tuple[dict[str, Any], str]] = [
        ({"seed": 1}, "seed: 0 → 1"),
        ({"method": "odt"}, "method: 'td3_odt' → 'odt'"),
        ({"task": "walker2d-random-v2"}, "task: 'hopper-medium-v2' → 'walker2d-random-v2'"),
        ({"overrides": {}}, "weight_decay: 0.1 → 0.0005"),
        ({"preset": "small"}, "hidden_size: 16 → 128"),
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


def test_another_number_or_kind_of_learners_is_noted(tmp_path: Path) -> None:
    assert start(tmp_path).notes == []
    assert start(tmp_path, num_learners=1, num_env_runners=3).notes == []  # the same bits
    two = "2 CPU learners instead of 1 CPU learner: the result is as good, but not the same bit for bit."
    with RunFolder(tmp_path, spec(num_learners=2), resume=True) as run:
        assert run.notice == two
    assert start(tmp_path, num_learners=2).notes == [two]
    assert start(tmp_path, num_learners=2).notes == [two]
    one = two.replace("2 CPU learners instead of 1 CPU learner", "1 GPU learner instead of 2 CPU learners")
    assert start(tmp_path, num_gpus_per_learner=1).notes == [two, one]


def test_other_data_is_refused(tmp_path: Path) -> None:
    start(tmp_path)
    with RunFolder(tmp_path, spec(), resume=True) as run:
        run.check_data(Path("moved.hdf5"), "abc")
        with pytest.raises(
            RunError, match=r"started on other data \(/data/file\.hdf5\); other\.hdf5 differs"
        ):
            run.check_data(Path("other.hdf5"), "def")


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
    for leftover in ("run.json", ".run.json.tmp", ".config.yaml.tmp"):
        (tmp_path / leftover).unlink(missing_ok=True)
        (tmp_path / leftover).write_text("half")
    (tmp_path / "run.json").unlink()
    enter(tmp_path, resume=False)
    with pytest.raises(RunError, match="holds no run"):
        enter(tmp_path, resume=False, seed=1)
    start(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "config.yaml", "run.json"]


@pytest.mark.parametrize(
    "content", [None, "", "- 1", "task: [", "task: hopper-medium-v2\nhyperparameters: 3", "\x00"]
)
def test_damaged_config_is_an_error(tmp_path: Path, content: str | None) -> None:
    start(tmp_path)
    (tmp_path / "config.yaml").unlink()
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(RunError, match="cannot be continued"):
        enter(tmp_path)


def test_records_are_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    records = Records(tmp_path, 0)
    assert records.missing == 0
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
    assert records.missing == 0
    assert [file.read_bytes() for file in files] == expected
    add(records, 3, 4)
    records.close()
    assert [json.loads(line)["iteration"] for line in files[0].read_text().splitlines()] == [1, 2, 3, 4]
    assert [line.split(",")[1] for line in files[1].read_text().splitlines()[1:]] == list("11223344")
    files[0].unlink()
    records = Records(tmp_path, 2)
    records.close()
    assert records.missing == 2


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
    assert records.missing == 0
    records.close()


def test_more_online_steps_go_on_but_do_not_stretch_a_curriculum() -> None:
    for curriculum in ({}, {"jump_start_steps": 5}, {"curriculum_target_return": -9.0}):
        shorter, longer = (
            spec(method="odt", overrides={"online_steps": steps} | curriculum) for steps in (500, 900)
        )
        assert differences(shorter, longer) == (["online_steps: 500 → 900"] if curriculum else [])
