"""Data made with the policy of a run."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.cli.command import vitamin
from tests.platform.agent_runs import make_run
from tests.platform.dataset_files import pendulum_rewards
from vitamin.errors import DatasetError, RunError, SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import dataset_label
from vitamin.platform.experiments.collect import collect_from_agent
from vitamin.platform.experiments.evaluate import load_agent

PENDULUM = get_task("Pendulum-v1")
CORRIDOR = "tests.platform.own_environments:Corridor-v0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "300")


def collected(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}, dict(file.attrs)


def test_what_a_run_s_policy_does(tmp_path: Path) -> None:
    make_run(tmp_path / "tuned")
    agent = load_agent(tmp_path / "tuned")
    told: list[tuple[int, int | None]] = []

    def collect(name: str, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        out = tmp_path / f"{name}.hdf5"
        return collected(collect_from_agent(agent, PENDULUM, steps=900, out=out, **options))

    data, attributes = collect("first", progress=lambda done, total: told.append((done, total)))
    assert told == [(900, 900)]
    assert len(data["rewards"]) == 2000  # ten whole episodes side by side
    assert_array_equal(np.flatnonzero(data["timeouts"]), np.arange(199, 2000, 200))
    assert not data["terminals"].any()
    assert_allclose(data["rewards"], pendulum_rewards(data["observations"], data["actions"]), atol=1e-3)
    assert dataset_label(tmp_path / "first.hdf5") == "stand-in: TD3+ODT run tuned in Pendulum-v1"
    settings = agent.hyperparameters
    assert attributes["return_to_go"] == settings.online_target_return
    assert attributes["exploration_noise"] == settings.exploration_noise

    assert_array_equal(collect("again")[0]["actions"], data["actions"])
    assert not np.array_equal(collect("seed", seed=1)[0]["observations"], data["observations"])
    calm, attributes = collect("calm", explore=False)
    assert attributes["return_to_go"] == settings.eval_target_return
    assert dataset_label(tmp_path / "calm.hdf5") == "stand-in: TD3+ODT run tuned, mean action in Pendulum-v1"
    noisy, _ = collect("noisy", noise=5.0)
    assert (np.abs(noisy["actions"]) > 1.99).mean() > 0.5 > (np.abs(data["actions"]) > 1.99).mean()
    assert np.abs(np.diff(calm["actions"][:150, 0])).mean() < np.abs(np.diff(data["actions"][:150, 0])).mean()


def test_ends_and_units_of_another_environment(tmp_path: Path) -> None:
    make_run(tmp_path / "odt", task=CORRIDOR, method="odt")
    task = get_task(CORRIDOR)
    path = collect_from_agent(load_agent(tmp_path / "odt"), task, steps=500, out=tmp_path / "c.hdf5")
    data, _ = collected(path)
    assert_allclose(data["rewards"], data["actions"][:, 0], rtol=1e-6)
    assert_array_equal(data["terminals"], data["actions"][:, 1] > 1.9)
    ends = np.flatnonzero(data["terminals"] | data["timeouts"])
    lengths = np.diff(ends, prepend=-1)
    assert ends[-1] == len(data["rewards"]) - 1
    assert_array_equal(lengths[data["timeouts"][ends]], 12)
    assert not (data["terminals"] & data["timeouts"]).any()


def test_what_does_not_go_together(tmp_path: Path) -> None:
    make_run(tmp_path / "odt", method="odt")
    make_run(tmp_path / "td3_odt")
    sampled, noisy = load_agent(tmp_path / "odt"), load_agent(tmp_path / "td3_odt")
    for agent, options in ((sampled, {}), (noisy, {"explore": False})):
        with pytest.raises(SettingsError, match="Noise goes with"):
            collect_from_agent(agent, PENDULUM, steps=9, noise=0.1, **options)
    with pytest.raises(RunError, match="is not that of hopper-random-v2"):
        collect_from_agent(noisy, get_task("hopper-random-v2"), steps=9)
    make_run(tmp_path / "hopper", task="hopper-random-v2", iterations=(1,))
    with pytest.raises(DatasetError, match="stands for data of kind medium"):
        collect_from_agent(load_agent(tmp_path / "hopper"), get_task("hopper-medium-v2"), steps=9)


def test_the_command(tmp_path: Path) -> None:
    make_run(tmp_path / "tuned")
    shown = vitamin(
        "data", "collect", "Pendulum-v1", "--policy", tmp_path / "tuned", "--steps", 900, "--mean-action"
    )
    assert "10 episodes, 2000 steps, mean return -" in shown.stdout
    assert "(stand-in: TD3+ODT run tuned, mean action in Pendulum-v1)" in shown.stdout
    refused = vitamin(
        "data", "collect", "Pendulum-v1", "--policy", tmp_path / "tuned", "--target-score", 3, code=2
    )
    assert "--target-score does not go with --policy RUN, but with medium and medium-replay" in refused.stderr
