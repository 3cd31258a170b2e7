"""Faults in a run: it goes on with the same results, or ends soon with a clear message and its last checkpoint."""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import vitamin
from tests.platform import runs
from tests.platform.faulty_environments import Faulty
from tests.platform.runs import outcome, spec
from vitamin.algorithms.rllib import dispatch
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.analysis.schema import RunInfo
from vitamin.errors import DatasetError, Diverged, EnvironmentFailure, RunError, VitaminError, WorkerFailure
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments import train as train_module
from vitamin.platform.experiments.checkpoints import list_checkpoints
from vitamin.platform.experiments.train import train
from vitamin.platform.ray_session import ray_session

pytestmark = pytest.mark.ray

FAULTY = "tests.platform.faulty_environments"
# One iteration of pretraining; six healthy episodes are those of its evaluation and of the first online iteration.
FEW = {"pretrain_updates": 4, "eval_interval": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pendulum.hdf5"
    return collect_dataset(get_task("Pendulum-v1"), steps=1000, seed=1, out=path)


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with ray_session(cpus=4):
        yield


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train(spec(data), folder)
    return folder


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the command line has no options for."""
    original = train_module.algorithm_config

    def set_all(**values: Any) -> None:
        def configured(*arguments: Any) -> OfflineToOnlineConfig:
            config = original(*arguments)
            for name, value in values.items():
                assert hasattr(config, name)
                setattr(config, name, value)
            return config

        monkeypatch.setattr(train_module, "algorithm_config", configured)

    return set_all


def kill(word: str) -> list[int]:
    """SIGKILL for the processes of this test whose title holds ``word``."""
    pids = runs.processes(word)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def fails(experiment: Any, folder: Path, kind: type[VitaminError], message: str, **options: Any) -> None:
    """Runs into an error, which must be what run.json says, and leave a folder that can be used again."""
    with pytest.raises(kind, match=message) as error:
        train(experiment, folder, **options)
    info = RunInfo.read(folder)
    assert (info.status, info.message) == ("diverged" if kind is Diverged else "failed", str(error.value))
    assert not list(folder.rglob("*.tmp"))
    runs.wait_until_gone("UnitEnvRunner")


def checkpoints(folder: Path) -> list[int]:
    return [int(path.name) for path in list_checkpoints(folder / "checkpoints")]


@pytest.mark.slow
def test_env_runners_that_are_killed_again_and_again_change_nothing(
    data: Path, undisturbed: Path, tmp_path: Path
) -> None:
    kills: list[int] = []

    def after(iteration: int) -> None:
        if iteration == 10:
            kills.extend(kill("UnitEnvRunner"))
        elif iteration == 13:
            kills.append(kill("UnitEnvRunner")[0])

    train(spec(data, num_env_runners=2), tmp_path / "run", reporter=runs.Watcher(after))
    assert len(kills) == 3
    assert outcome(tmp_path / "run") == outcome(undisturbed)


@pytest.mark.slow
def test_env_runners_that_do_not_come_back_and_a_dead_learner_end_the_run(
    data: Path, undisturbed: Path, tmp_path: Path, configure: Callable[..., None]
) -> None:
    configure(restart_failed_env_runners=False)
    folder, start = tmp_path / "run", time.monotonic()
    watcher = runs.Watcher(lambda iteration: kill("UnitEnvRunner") if iteration == 10 else None)
    fails(spec(data, num_env_runners=2), folder, WorkerFailure, "All env runners are dead", reporter=watcher)
    assert checkpoints(folder) == [8, 10]

    watcher = runs.Watcher(lambda iteration: kill("_WrappedExecutable") if iteration == 13 else None)
    fails(spec(data, num_learners=1), folder, WorkerFailure, "A learner died", resume=True, reporter=watcher)
    assert watcher.messages == ["Resuming after iteration 10."]
    assert checkpoints(folder) == [10, 12]
    assert time.monotonic() - start < 90

    train(spec(data), folder, resume=True)
    assert outcome(folder) == outcome(undisturbed)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Raising", "raised ValueError: the joint came off"),
        ("NotANumber", "returned an observation that is not finite"),
    ],
)
def test_environment_that_breaks_ends_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    folder, experiment = (
        tmp_path / "run",
        spec(data, task=f"{FAULTY}:{name}-v0", overrides=FEW, checkpoint_interval=1),
    )
    monkeypatch.setattr(Faulty, "episodes", -2)  # those of the probe
    fails(experiment, folder, EnvironmentFailure, message)
    assert checkpoints(folder) == [1, 2]
    assert [record["iteration"] for record in runs.metrics(folder)] == [1, 2]
    # The command line says it in one message; by now the first episode is faulty.
    answer = vitamin("train", "--resume", "--out", folder, code=1)
    assert answer.stderr.count("error: ") == 1
    assert message in answer.stderr.replace("\n", " ")
    assert checkpoints(folder) == [1, 2]


@pytest.mark.slow
def test_env_runner_that_hangs_or_crashes_ends_the_run_in_time(
    data: Path, tmp_path: Path, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(sample_timeout_s=5)
    monkeypatch.setattr(dispatch, "MAX_LOSSES", 2)
    for name, message, kept in (
        ("Hanging", "did not finish within 5 s", [1, 2]),
        ("Crashing", "2 env runners died one after the other", []),
    ):
        folder, start = tmp_path / name, time.monotonic()
        faulty = spec(
            data, task=f"{FAULTY}:{name}-v0", overrides=FEW, checkpoint_interval=1, num_env_runners=1
        )
        fails(faulty, folder, WorkerFailure, message)
        assert checkpoints(folder) == kept
        assert time.monotonic() - start < 60


def test_start_that_fails_leaves_nothing_in_the_way(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    broken = tmp_path / "broken.hdf5"
    broken.write_bytes(data.read_bytes()[:3000])
    with pytest.raises(DatasetError):
        train(spec(broken, num_env_runners=1), folder)
    with pytest.raises(
        WorkerFailure, match=r"could not be started: TaskError: .* no licence on this machine"
    ):
        train(spec(data, task=f"{FAULTY}:DriverOnly-v0", num_env_runners=1), folder)
    runs.wait_until_gone("UnitEnvRunner")
    assert not folder.exists()

    runs.stop_after(2, folder, spec(data))
    before = RunInfo.read(folder)
    folder.joinpath("config.yaml").write_text(
        folder.joinpath("config.yaml").read_text().replace("Pendulum-v1", "Missing-v1")
    )
    with pytest.raises(VitaminError, match="Missing-v1"):
        train(spec(data, checkpoint_interval=5), folder, resume=True)
    assert RunInfo.read(folder) == before


def test_nan_in_a_loss_is_called_divergence(data: Path, tmp_path: Path) -> None:
    wild = spec(data, overrides=FEW | {"critic_learning_rate": 1e30})
    for resume in (False, True):
        fails(wild, tmp_path / "run", Diverged, r"critic.* became NaN or infinite", resume=resume)


def test_full_disk_ends_the_run_and_resume_completes_it(
    data: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder, (before, hard) = tmp_path / "run", resource.getrlimit(resource.RLIMIT_FSIZE)
    limits = {9: lambda: (folder / "metrics.jsonl").stat().st_size + 10, 13: lambda: 60_000}
    failures = {9: r"File too large.*its last checkpoint is kept", 13: "Cannot write the checkpoint"}
    for last, message in failures.items():

        def limit_files(iteration: int, last: int = last) -> None:
            if iteration == last:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limits[last](), hard))

        try:
            watcher = runs.Watcher(limit_files)
            fails(spec(data), folder, RunError, message, resume=True, reporter=watcher)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
    assert checkpoints(folder) == [10, 12]
    train(spec(data), folder, resume=True)
    assert outcome(folder) == outcome(undisturbed)


@pytest.mark.slow
def test_death_of_ray_itself_ends_the_command(data: Path, tmp_path: Path) -> None:
    options = ["--data", data, "--preset", "tiny", "--out", tmp_path / "run", "--num-env-runners", 0]
    process = runs.start("train", "Pendulum-v1", *options, "--num-learners", 1, "--online-steps", 10**6)
    runs.wait_for(lambda: len(runs.lines(tmp_path / "run")) >= 3, process)
    (raylet,) = runs.processes("raylet/raylet", process.pid)
    os.kill(raylet, signal.SIGKILL)
    text, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "error: A learner died" in text
    assert "Traceback" not in text
    assert RunInfo.read(tmp_path / "run").status == "failed"


@pytest.mark.slow
def test_unreachable_cluster_is_one_message_within_seconds(
    data: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    start = time.monotonic()
    process = runs.start(
        "train", "Pendulum-v1", "--data", data, "--preset", "tiny", "--out", tmp_path / "run", "-q"
    )
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert text.startswith("error: Cannot reach the Ray cluster at 127.0.0.1:1: ")
    assert "Traceback" not in text
    assert time.monotonic() - start < 30
    assert not (tmp_path / "run").exists()
