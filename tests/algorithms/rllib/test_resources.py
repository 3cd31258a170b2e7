"""An algorithm that Ray has no room for is refused, at once or after a while, and not waited for without a word."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray
import torch
from ray import tune

from vitamin.algorithms.rllib import capacity, resources
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.errors import WorkerFailure

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]


@pytest.mark.parametrize(
    ("processes", "settings", "message"),
    [
        ({"runners": 900}, {}, r"This needs 900 CPUs and 0 GPUs; Ray has \d+ and"),
        ({"learners": 900}, {"batch_size": 900}, "This needs 900 CPUs"),
        ({"runners": 1, "learners": 900}, {"batch_size": 900}, "This needs 901 CPUs"),
    ],
)
def test_more_than_ray_has_is_refused_at_once(
    make_config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
    processes: dict[str, int],
    settings: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.setattr(capacity, "machine_memory", lambda: 10**15)
    start = time.monotonic()
    with pytest.raises(WorkerFailure, match=message):
        make_config(**processes, **settings).build_algo()
    assert time.monotonic() - start < 30


def test_resources_of_any_name_count(make_config: MakeConfig) -> None:
    config = make_config(runners=2).env_runners(custom_resources_per_env_runner={"arm": 1})
    with pytest.raises(WorkerFailure, match=r"This needs 2 CPUs, 0 GPUs and 2 arm; Ray has \d+, \d+ and 0\."):
        config.build_algo()
    config = make_config(runners=2).env_runners(num_gpus_per_env_runner=50)
    with pytest.raises(WorkerFailure, match="This needs 2 CPUs and 100 GPUs"):
        config.build_algo()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_of_this_process_that_is_not_there_is_refused(make_config: MakeConfig) -> None:
    with pytest.raises(WorkerFailure, match="This needs 0 CPUs and 1 GPUs; Ray has"):
        make_config().learners(num_gpus_per_learner=1).build_algo()


def test_what_others_hold_is_waited_for(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    all_cpus = ray.cluster_resources()["CPU"]
    others = ray.util.placement_group([{"CPU": all_cpus - 1}])
    assert others.wait(30)
    monkeypatch.setattr(resources, "_PATIENCE_S", 1.0)
    try:
        with pytest.raises(WorkerFailure, match=r"This needs 2 CPUs .* 1 and 0 were free after 1 s"):
            make_config(runners=2).build_algo()
        make_config(runners=1).build_algo().stop()
    finally:
        ray.util.remove_placement_group(others)
    monkeypatch.setattr(resources, "_PATIENCE_S", 60.0)
    make_config(runners=2).build_algo().stop()


@pytest.mark.parametrize(("cpus", "message"), [(None, None), (1, r"this trial holds \[{'CPU': 1.0}\]")])
def test_a_trial_must_hold_what_it_needs(
    make_config: MakeConfig, tmp_path: Path, cpus: int | None, message: str | None
) -> None:
    trainable = OfflineToOnline if cpus is None else tune.with_resources(OfflineToOnline, {"cpu": cpus})
    run_config = tune.RunConfig(storage_path=str(tmp_path), verbose=0, stop={"training_iteration": 1})
    space = make_config(runners=1, learners=1)
    results = tune.Tuner(trainable, param_space=space, run_config=run_config).fit()
    if message is None:
        assert not results.errors
    else:
        (error,) = results.errors
        assert "WorkerFailure: Env runners and learners need" in str(error)


def test_a_setting_that_is_refused_ends_a_tuner_before_anything_starts(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    run_config = tune.RunConfig(storage_path=str(tmp_path), verbose=0)
    space = make_config().to_dict() | {"env_config": {"g": 5.0}}
    with pytest.raises(Exception, match="env_config has no effect here: register the environment"):
        tune.Tuner(OfflineToOnline, param_space=space, run_config=run_config).fit()
