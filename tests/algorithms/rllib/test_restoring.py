"""Settings come from the config of who restores, moments and counters from the checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pyarrow.fs import LocalFileSystem
from ray import tune
from ray.rllib.algorithms.algorithm import Algorithm
from ray.tune.schedulers import PopulationBasedTraining

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.assembly import build_networks, build_updater
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rllib.restorable import KEPT
from vitamin.algorithms.training.learner_state import load_state, state_counters, state_tensors
from vitamin.algorithms.update import Updater
from vitamin.errors import RunError, SettingsError

MakeConfig = Callable[..., OfflineToOnlineConfig]
SMALL = {
    "context_length": 2,
    "eval_context_length": 2,
    "hidden_size": 8,
    "num_layers": 1,
    "num_heads": 1,
    "critic_hidden_size": 8,
}
OTHER = {
    "learning_rate": 0.02,
    "weight_decay": 0.1,
    "critic_learning_rate": 0.03,
    "critic_weight_decay": 0.2,
    "temperature_learning_rate": 0.04,
    "return_warmup_learning_rate": 0.05,
}


def updater(method: str, **settings: Any) -> Updater:
    row, hyperparameters = METHODS[method], Hyperparameters(**SMALL | settings)
    return build_updater(build_networks(3, 1, row, hyperparameters), row, hyperparameters)


def settings_of(one: Updater) -> dict[str, Any]:
    return {
        name: [
            {key: value for key, value in group.items() if key not in ("params", "step")}
            for group in optimizer.param_groups
        ]
        for name, optimizer in one.optimizers.items()
    }


@pytest.mark.parametrize("method", METHODS)
def test_optimizers_keep_their_settings_and_take_the_moments(method: str) -> None:
    before, fresh = updater(method), updater(method, **OTHER)
    steps = 3
    for optimizer in before.optimizers.values():
        for _ in range(steps):
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = torch.ones_like(parameter)
            optimizer.step()
    tensors = state_tensors(before.networks, before)
    counters = json.loads(json.dumps(state_counters(before)))
    expected = settings_of(fresh)
    load_state(fresh.networks, fresh, tensors, counters)
    assert settings_of(fresh) == expected
    assert {settings[0]["lr"] for settings in expected.values()} <= set(OTHER.values())
    assert state_tensors(fresh.networks, fresh).keys() == tensors.keys()
    for name, array in state_tensors(fresh.networks, fresh).items():
        assert (array == tensors[name]).all(), name
    assert json.loads(json.dumps(state_counters(fresh))) == counters
    if METHODS[method].network != "mlp":
        assert fresh.optimizers["policy"].param_groups[0]["step"] == steps
    # In place, into one that has gone on since, from one that had not begun.
    begun, unbegun = fresh, updater(method)
    load_state(begun.networks, begun, state_tensors(unbegun.networks, unbegun), state_counters(unbegun))
    assert all("step" not in group for o in begun.optimizers.values() for group in o.param_groups)
    assert settings_of(begun) == expected


@pytest.mark.parametrize("method", METHODS)
def test_no_setting_hides_in_a_buffer(method: str) -> None:
    networks = updater(method).networks
    buffers = networks.state_dict().keys() - dict(networks.named_parameters()).keys()
    assert {name.split(".")[-1] for name in buffers} <= {"return_updates"}  # a counter


def _optimizers(learner: ReplayLearner) -> dict[str, Any]:
    return {
        name: {key: optimizer.param_groups[0][key] for key in ("lr", "weight_decay")}
        for name, optimizer in learner.updater.optimizers.items()
    }


@pytest.mark.ray
def test_all_settings_but_those_of_the_content_are_of_who_restores(make_config: MakeConfig) -> None:
    first = make_config("ppo").build_algo()
    histories(first, 3)
    state = first.get_state()
    before = first.hyperparameters
    first.stop()
    kept = {name for names in KEPT.values() for name in names}
    changes: dict[str, Any] = dict(OTHER)
    for name, value in before.model_dump().items():
        if name in kept or name in METHODS["ppo"].fixed or name in changes or isinstance(value, str | None):
            continue
        if isinstance(value, bool):
            changes[name] = not value
        elif isinstance(value, int):
            changes[name] = value + 1 if value else value
        else:
            changes[name] = value * 0.9
    changes |= {
        "eval_context_length": before.eval_context_length,
        "context_length": before.context_length + 1,
    }
    changes["critic_subset"] = 0
    assert len(changes) > 50
    config = make_config("ppo", **{name: getattr(before, name) for name in kept}).training(**changes)
    second = config.build_algo()
    second.set_state(state)
    assert second.progress.iteration == 3
    now = second.call_learners(lambda learner: learner.updater.hyperparameters)[0]
    assert all(getattr(now, name) == value for name, value in changes.items())
    histories(second, 1)
    used = second.call_learners(_optimizers)[0]
    assert used["critic"] == {"lr": 0.03, "weight_decay": 0.2}
    assert used["policy"]["weight_decay"] == 0.1
    assert second.record["gradient_updates"] > state["state"]["progress"]["gradient_updates"]
    second.stop()


@pytest.mark.ray
def test_settings_of_the_content_cannot_change(make_config: MakeConfig) -> None:
    algorithm = make_config().build_algo()
    state = algorithm.get_state()
    algorithm.set_state(state)
    for what, names in KEPT.items():
        for name in names:
            hyperparameters = state["state"]["hyperparameters"] | {name: "other"}
            other = state | {"state": state["state"] | {"hyperparameters": hyperparameters}}
            with pytest.raises(RunError, match=f"The checkpoint's {what} were made with {name} other, not"):
                algorithm.set_state(other)
    algorithm.stop()


@pytest.mark.ray
def test_checkpoints_of_other_data_are_refused(make_config: MakeConfig) -> None:
    algorithm = make_config().build_algo()
    state = algorithm.get_state()
    tensors = dict(state["tensors"])
    tensors["module/observation_mean"] = tensors["module/observation_mean"] + 0.1
    with pytest.raises(RunError, match="other data"):
        algorithm.set_state(state | {"tensors": tensors})
    algorithm.stop()


@pytest.mark.ray
@pytest.mark.parametrize("learners", [0, 1])
def test_the_base_class_finds_the_class_of_a_checkpoint(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learners: int
) -> None:
    first = make_config(learners=learners).build_algo()
    histories(first, 3)
    first.save_to_path(tmp_path / "first")
    expected = histories(first, 1), digest(first)
    first.stop()
    (tmp_path / "first").rename(tmp_path / "moved")
    second = Algorithm.from_checkpoint(str(tmp_path / "moved"))
    assert type(second) is OfflineToOnline
    assert (histories(second, 1), digest(second)) == expected
    second.stop()
    monkeypatch.chdir(tmp_path)
    third = OfflineToOnline.from_checkpoint("moved")
    assert (histories(third, 1), digest(third)) == expected
    third.stop()


@pytest.mark.ray
def test_what_is_no_local_folder_or_a_part_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    algorithm = make_config().build_algo()
    algorithm.save_to_path(f"file://{tmp_path / 'own'}", filesystem=LocalFileSystem())
    algorithm.restore_from_path(tmp_path / "own", filesystem=LocalFileSystem())
    with pytest.raises(RunError, match="not in a local folder"):
        algorithm.save_to_path("s3://bucket/own")
    with pytest.raises(RunError, match="as a whole"):
        algorithm.restore_from_path(tmp_path / "own", component="learner_group")
    with pytest.raises(SettingsError, match="one module"):
        algorithm.add_module("second")
    algorithm.stop()


@pytest.mark.ray
@pytest.mark.parametrize(("runners", "learners"), [(0, 0), (1, 1)])
def test_modules_and_weights_are_those_of_the_learners(
    make_config: MakeConfig, runners: int, learners: int
) -> None:
    first, second = (make_config(runners=runners, learners=learners).build_algo() for _ in range(2))
    histories(first, 1)
    assert digest(first) != digest(second)
    module = first.get_module().state_dict()
    second.set_weights(first.get_weights())
    assert digest(first) == digest(second)
    for name, tensor in second.get_module().state_dict().items():
        assert torch.equal(tensor, module[name]), name
    second.progress.iteration = first.progress.iteration  # which draws the first states
    assert second.evaluate() == first.evaluate()
    first.stop()
    second.stop()


@pytest.mark.ray
def test_an_algorithm_that_tune_uses_again_has_the_new_settings(make_config: MakeConfig) -> None:
    other = make_config(critic_learning_rate=0.03).build_algo()
    expected = histories(other, 2), digest(other)
    other.stop()
    algorithm = make_config().build_algo()
    histories(algorithm, 1)
    assert algorithm.reset_config(make_config(critic_learning_rate=0.03).to_dict())
    assert algorithm.call_learners(_optimizers)[0]["critic"]["lr"] == 0.03
    assert (histories(algorithm, 2), digest(algorithm)) == expected
    algorithm.stop()


@pytest.mark.ray
def test_population_based_training_uses_what_its_configs_say(make_config: MakeConfig, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"

    class Watched(OfflineToOnline):
        def step(self) -> dict[str, Any]:
            result = super().step()
            used = self.call_learners(_optimizers)[0]["critic"]["lr"]
            with log.open("a") as file:
                file.write(json.dumps([self.trial_id, self.config.critic_learning_rate, used]) + "\n")
            return result

    rates = [1e-3, 2e-3]
    config = make_config(online_steps=4000).training(critic_learning_rate=tune.grid_search(rates))
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        metric="evaluation/return_mean",
        mode="max",
        perturbation_interval=1,
        hyperparam_mutations={"critic_learning_rate": [1e-5, 1e-2]},
        quantile_fraction=0.5,
        resample_probability=1.0,
        synch=True,
    )
    results = tune.Tuner(
        Watched,
        param_space=config,
        tune_config=tune.TuneConfig(scheduler=scheduler),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path / "tune"),
            stop={"training_iteration": 2},
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=1),
        ),
    ).fit()
    assert not results.errors
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(said == used for _, said, used in rows)
    assert {said for _, said, _ in rows} - set(rates)  # there was an exploit
