import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.command import vitamin
from vitamin.errors import WorkerFailure
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.ray_session import ray_session


@pytest.mark.ray
@pytest.mark.parametrize("learners", [0, 1])
def test_a_gpu_that_is_not_there_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learners: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    data = collect_dataset(get_task("Pendulum-v1"), steps=200, out=tmp_path / "data.hdf5")
    options = ["--data", data, "--out", tmp_path / "run", "--num-learners", learners]
    answer = vitamin("train", "Pendulum-v1", *options, "--num-gpus-per-learner", 1, "-q", code=1)
    assert answer.stderr.startswith(f"error: This needs {2 + learners} CPUs and 1 GPUs; Ray has ")
    assert "Use fewer env runners, learners or GPUs" in answer.stderr


@pytest.mark.ray
def test_a_ray_that_is_already_there_must_be_large_enough_too() -> None:
    with (
        ray_session(cpus=2),
        pytest.raises(WorkerFailure, match=r"needs 5000 CPUs and 0 GPUs; Ray has"),
        ray_session(5000),
    ):
        pass


@pytest.mark.ray
def test_logs_outlive_a_private_ray_if_somebody_is_sent_to_them() -> None:
    with (
        pytest.raises(WorkerFailure, match=r"^Look at the Ray logs\. Ray's logs are kept in ") as told,
        ray_session(1),
    ):
        raise WorkerFailure("Look at the Ray logs.")
    kept = Path(str(told.value).rpartition(" ")[2].rstrip("."))
    assert list(kept.glob("raylet*"))
    shutil.rmtree(kept)
    with pytest.raises(WorkerFailure, match=r"^Another reason$"), ray_session(1):
        raise WorkerFailure("Another reason")


def test_arguments_and_folders_that_ray_cannot_keep_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff")
    odd.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["vitamin", "train", "--config", f"{odd}.yaml"])
        with pytest.raises(WorkerFailure, match=r"yaml is not UTF-8"), ray_session(1):
            pass
    monkeypatch.chdir(odd)
    with pytest.raises(WorkerFailure, match=r"odd.* is not UTF-8"), ray_session(1):
        pass
