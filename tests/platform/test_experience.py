"""The online experience of real runs, exported to D4RL's layout and to Minari."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file
from typer.testing import CliRunner

from tests.platform import runs
from tests.platform.agent_runs import make_run
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.errors import RunError
from vitamin.platform.catalog import get_task
from vitamin.platform.cli import app
from vitamin.platform.datasets import collect_dataset, inspect_dataset
from vitamin.platform.experiments.checkpoints import _digest
from vitamin.platform.experiments.experience import _ends, run_experience
from vitamin.platform.experiments.train import train
from vitamin.platform.ray_session import ray_session

PENDULUM = get_task("Pendulum-v1")
LIMIT = 200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a few iterations of online experience, whose rewards are shifted and divided."""
    folder = tmp_path_factory.mktemp("runs")
    data = collect_dataset(PENDULUM, steps=1000, seed=1, out=folder / "p.hdf5")
    changes = {"reward_divisor": 10.0, "reward_shift": 3.0, "pretrain_updates": 4}
    changes["bootstrap_at_time_limit"] = False
    with ray_session(cpus=2):
        train(runs.spec(data, online_steps=1200, overrides=changes), folder / "run")
    return folder / "run"


def vitamin(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + str(result.exception)


def stored(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


@pytest.mark.ray
def test_returns_are_those_of_the_run_s_metrics(run: Path, tmp_path: Path) -> None:
    vitamin("data", "export", run, "--to", tmp_path / "run.hdf5")
    online = [record for record in runs.metrics(run) if record["phase"] == "online"]
    report = inspect_dataset(tmp_path / "run.hdf5", PENDULUM)
    assert (report.steps, report.trajectories) == (online[-1]["env_steps"], online[-1]["episodes"])
    assert report.terminated == 0
    assert report.label == "stand-in: online experience of TD3+ODT in Pendulum-v1"
    returns = stored(tmp_path / "run.hdf5")["rewards"].astype(np.float64).reshape(-1, LIMIT).sum(axis=1)
    start = 0
    for record in online:
        assert returns[start : record["episodes"]].mean() == pytest.approx(
            record["rollout/return_mean"], rel=1e-6
        )
        start = record["episodes"]


@pytest.mark.ray
def test_the_environment_agrees_with_the_exported_steps(run: Path) -> None:
    """Pendulum's equations give the exported rewards and next speeds, up to rounding."""
    raw = run_experience(run).raw
    assert raw.next_observations is not None
    assert raw.timeouts is not None
    assert 1 < np.abs(raw.actions).max() <= 2
    cosine, sine, speed = raw.observations.astype(np.float64).T
    torque, angle = raw.actions[:, 0].astype(np.float64), np.arctan2(sine, cosine)
    assert_allclose(raw.rewards, -(angle**2 + 0.1 * speed**2 + 0.001 * torque**2), atol=3e-5)
    faster = np.clip(speed + (15 * sine + 3 * torque) * 0.05, -8, 8)
    assert_allclose(raw.next_observations[:, 2], faster, atol=3e-5)
    inside = np.flatnonzero(~raw.timeouts)
    assert_array_equal(raw.next_observations[inside], raw.observations[inside + 1])
    assert_array_equal(np.flatnonzero(raw.timeouts) + 1, LIMIT * np.arange(1, len(raw.rewards) // LIMIT + 1))


@pytest.mark.ray
def test_to_minari_and_back(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))
    vitamin("data", "export", run, "--to", "minari:me/run-v0")
    vitamin("data", "export", "minari:me/run-v0", "--to", tmp_path / "b.hdf5")
    data, back = run_experience(run), stored(tmp_path / "b.hdf5")
    for name, array in data.raw.arrays().items():
        assert_array_equal(back[name], array)
    assert (
        data.attributes["episodes"] == data.attributes["episodes_collected"] == len(data.raw.rewards) // LIMIT
    )
    assert data.attributes["terminals"].startswith("an episode of 200 steps counts as cut off")


@pytest.mark.parametrize("bootstrap", [False, True])
def test_terminations_and_time_limits_are_told_apart(bootstrap: bool) -> None:
    """Episodes of 12 steps, 5 steps, and 12 steps whose last one terminated, in an environment with the limit 12."""
    ends = np.array([12, 17, 29])
    terminals = np.zeros(29, bool)
    terminals[ends[1:] - 1 if bootstrap else ends - 1] = True
    zeros = np.zeros((29, 2), np.float32)
    stored = Trajectories(zeros, zeros, zeros[:, 0], zeros, terminals, np.array([0, *ends]))
    task = get_task("tests.platform.own_environments:Corridor-v0")
    settings = Hyperparameters(bootstrap_at_time_limit=bootstrap)
    found, timeouts, _ = _ends(stored, SimpleNamespace(task=task, hyperparameters=settings))
    assert_array_equal(np.flatnonzero(found) + 1, ends[1:] if bootstrap else ends[1:2])
    assert_array_equal(np.flatnonzero(timeouts) + 1, ends[:1] if bootstrap else ends[::2])


@pytest.mark.ray
def test_delayed_rewards_are_said_to_be(tmp_path: Path) -> None:
    data = collect_dataset(PENDULUM, steps=1000, seed=1, out=tmp_path / "p.hdf5")
    changes = {"reward_delay": 5, "pretrain_updates": 1}
    with ray_session(cpus=2):
        train(runs.spec(data, online_steps=200, overrides=changes), tmp_path / "run")
    exported = run_experience(tmp_path / "run")
    assert exported.attributes["rewards"] == "paid every 5 steps"
    assert exported.attributes["algorithm"].endswith("TD3+ODT, rewards paid every 5 steps")
    assert_array_equal(exported.raw.rewards.reshape(-1, 5)[:, :4], 0)


def test_a_run_that_was_still_pretraining(tmp_path: Path) -> None:
    make_run(tmp_path / "run", iterations=(2,))
    file = tmp_path / "run/checkpoints/00000002/replay.safetensors"
    widths = {"states": 3, "next_states": 3, "actions": 1}
    columns = {f"online/{name}": np.zeros((0, width), np.float32) for name, width in widths.items()}
    columns |= {f"online/{name}": np.zeros(0, np.float32) for name in ("rewards", "terminals")}
    save_file(columns | {"origins": np.arange(2), "lengths": np.full(2, 5), "oldest": np.array([0])}, file)
    manifest = file.with_name("manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {file.name: _digest(file)}))
    with pytest.raises(RunError, match="still pretraining"):
        run_experience(tmp_path / "run")


def test_a_checkpoint_without_its_replay_is_one_message(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    with pytest.raises(RunError, match="00000004 does not hold the replay of this run"):
        run_experience(tmp_path / "run")
