"""Methods in the platform: their settings, what is refused, and runs of a perceptron policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.command import vitamin
from tests.platform import runs
from vitamin import TD3ODTConfig
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.models.mlp_policy import MLPPolicy
from vitamin.analysis.labels import method_label
from vitamin.analysis.schema import RunInfo
from vitamin.errors import Diverged, SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments.evaluate import evaluate_agent, load_agent
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.experiments.train import train
from vitamin.platform.ray_session import ray_session
from vitamin.platform.sweeps import SweepSpec, make_plan
from vitamin.platform.tasks.presets import preset_names


def spec(method: str, preset: str = "paper", **overrides: object) -> ExperimentSpec:
    return ExperimentSpec.create(task="hopper-medium-v2", method=method, preset=preset, overrides=overrides)


def test_methods_prints_the_table() -> None:
    lines = vitamin("methods").stdout.splitlines()
    shown = {line.split()[0]: line for line in lines[2:-1]}
    assert list(shown) == list(METHODS)
    for text in ("TD3+ODT", "deterministic transformer", "squared error + α·TD3", "the paper's method"):
        assert text in shown["td3_odt"]
    assert "stochastic mlp" in shown["iql"]


def test_labels_are_those_of_reports() -> None:
    for name, row in METHODS.items():
        assert method_label(name) == row.label


@pytest.mark.parametrize("preset", preset_names())
def test_published_settings_hold_in_every_preset(preset: str) -> None:
    """But for what a suite's search has found for the method in this preset, whose source says so."""
    perceptron = {
        "context_length": 1,
        "hidden_size": 256,
        "critic_hidden_size": 256,
        "batch_size": 256,
        "learning_rate": 3e-4,
        "critic_learning_rate": 3e-4,
        "critic_weight_decay": 0.0,
        "warmup_updates": 0,
        "tau": 0.005,
        "discount": 0.99,
    }
    expected = {
        "td3_bc": perceptron
        | {"rl_coefficient": 2.5, "normalize_rl_coefficient": True, "actor_update_interval": 2}
        | {"target_policy_noise": 0.2, "target_noise_clip": 0.5},
        "iql": perceptron | {"expectile": 0.7, "inverse_temperature": 3.0, "max_advantage_weight": 100.0},
        "ddpg_odt": {"critic_members": 1, "target_policy_noise": 0.0, "actor_update_interval": 1},
        "sac_odt": {"actor_update_interval": 1, "rl_coefficient": 0.1},
        "odt": {"rl_coefficient": 0.0},
    }
    here = get_task("hopper-medium-v2").presets.get(preset)
    for method, settings in expected.items():
        own = here.methods.get(method, ()) if here else ()
        searched = {name for layer in own for name in layer.values}
        settled = {name: value for name, value in settings.items() if name not in searched}
        assert spec(method, preset).hyperparameters().model_dump().items() >= settled.items()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(SettingsError, match="rl_coefficient makes no sense for the method odt"):
        spec("odt", rl_coefficient=0.1)
    with pytest.raises(SettingsError, match="initial_temperature makes no sense for the method td3_odt"):
        spec("td3_odt", initial_temperature=0.2)
    with pytest.raises(SettingsError, match="critic_members is 1 by definition of the method ddpg_odt"):
        spec("ddpg_odt", critic_members=2)
    assert spec("odt", rl_coefficient=0).hyperparameters().rl_coefficient == 0  # what it has anyway
    shown = vitamin("train", "hopper-medium-v2", "--method", "odt", "--set", "tau=0.1", code=1)
    assert "tau makes no sense for the method odt: ODT has no RL gradient. Leave it out." in shown.stderr


def test_a_sweep_gives_each_method_what_it_uses() -> None:
    plan = make_plan(
        SweepSpec(
            name="s",
            tasks=["hopper-medium-v2"],
            methods=["td3_odt", "odt", "iql"],
            seeds=[0],
            overrides={"rl_coefficient": 0.7, "initial_temperature": 0.2, "context_length": 9},
        )
    )
    overrides = {trial.experiment.method: trial.experiment.overrides for trial in plan.trials}
    assert overrides == {
        "td3_odt": {"rl_coefficient": 0.7, "context_length": 9},
        "odt": {"initial_temperature": 0.2, "context_length": 9},
        "iql": {"rl_coefficient": 0.7},
    }


@pytest.mark.parametrize("method", ["ddpg_odt", "iql"])
def test_another_method_takes_from_a_config_what_it_uses(tmp_path: Path, method: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(spec("td3_odt", target_policy_noise=0.3, discount=0.9).resolved()))
    changed = read_config(file, method=method).hyperparameters()
    assert changed.discount == 0.9
    for name, value in METHODS[method].fixed.items():
        assert getattr(changed, name) == value


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pendulum.hdf5"
    return collect_dataset(get_task("Pendulum-v1"), steps=1000, seed=1, out=path)


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    with ray_session(cpus=4):
        yield


def test_a_config_refuses_it_too(data: Path) -> None:
    config = TD3ODTConfig().environment("Pendulum-v1", data=data, preset="tiny").training(rl_coefficient=0.5)
    with pytest.raises(SettingsError, match="rl_coefficient makes no sense for the method odt"):
        config.training(method="odt")


@pytest.mark.ray
@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize("method", ["td3_bc", "iql"])
def test_a_perceptron_trains_and_is_evaluated_as_any_policy(data: Path, tmp_path: Path, method: str) -> None:
    folder = tmp_path / "run"
    short = {"pretrain_updates": 4, "batch_size": 8, "hidden_size": 8, "critic_hidden_size": 8}
    train(runs.spec(data, online_steps=400, method=method, overrides=short), folder)
    assert RunInfo.read(folder).status == "finished"
    agent = load_agent(folder)
    assert isinstance(agent.policy, MLPPolicy)
    assert len(evaluate_agent(agent, episodes=2).returns) == 2


@pytest.mark.ray
@pytest.mark.usefixtures("_ray")
def test_a_perceptron_whose_critics_explode_has_diverged(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    wild = {"critic_learning_rate": 1e30, "pretrain_updates": 8}
    with pytest.raises(Diverged):
        train(runs.spec(data, method="td3_bc", overrides=wild), folder)
    assert RunInfo.read(folder).status == "diverged"
