"""Every setting of RLlib has an effect or is refused, whichever way it comes; the tables know those of this Ray."""

import copy
import functools
import inspect
from pathlib import Path
from typing import Any

import pytest
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.callbacks.callbacks import RLlibCallback

from vitamin.algorithms.rllib import refusing_config
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.env_runner import UnitEnvRunner
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rllib.rllib_settings import METHODS, READ, REFUSED, reason
from vitamin.errors import SettingsError

PAGE = (Path(__file__).parents[3] / "docs/rllib.md").read_text()


def parameters(method: str) -> list[str]:
    return list(inspect.signature(getattr(AlgorithmConfig, method)).parameters)[1:]


def ready() -> OfflineToOnlineConfig:
    config = OfflineToOnline.get_default_config().environment("any", environment_creator=dict)
    return config.offline_data(dataset_loader=dict)


def refused() -> list[tuple[str, str]]:
    return [(method, name) for method in METHODS for name in parameters(method) if reason(method, name)]


def test_the_tables_say_of_every_parameter_of_every_method_whether_it_is_read() -> None:
    assert len(METHODS) == 18
    for method in METHODS:
        read = READ.get(method, "").split()
        listed = [*read, *(name for names in REFUSED.get(method, {}) for name in names.split())]
        assert sorted(listed) == sorted(parameters(method)), method


def test_what_has_no_effect_is_refused_with_what_to_use_instead() -> None:
    # Ours takes the one, and RLlib's env runner group gives the other itself.
    taken = {("env_runners", "num_envs_per_env_runner"), ("framework", "tf_session_args")}
    for method, name in set(refused()) - taken:
        with pytest.raises(SettingsError) as error:
            getattr(ready(), method)(**{name: object()})
        assert f"{method}({name}=...) has no effect here: " in str(error.value), (method, name)


def test_a_parameter_that_a_later_ray_adds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluation(self: Any, *, evaluation_colour: Any = None) -> None:
        raise AssertionError

    monkeypatch.setattr(AlgorithmConfig, "evaluation", evaluation)
    with pytest.raises(SettingsError, match=r"evaluation\(evaluation_colour=...\) has no effect here"):
        ready().evaluation(evaluation_colour="red")


def test_every_attribute_that_is_not_read_is_refused_before_anything_starts() -> None:
    read = refusing_config._READ_ATTRIBUTES | refusing_config._INTERNAL
    names = vars(AlgorithmConfig()).keys() - read
    assert len(names) > 200
    for name in names:
        config = ready()
        setattr(config, name, object())
        with pytest.raises(SettingsError, match=f"RLlib's setting {name} has no effect here"):
            config.validate()


def test_what_is_read_is_taken_and_stands_on_the_page() -> None:
    for method, names in READ.items():
        for name in names.split():
            config = ready()
            value = getattr(config, refusing_config._attribute(name))
            getattr(config, method)(**{name: value})
            config.validate()
            assert f"`{name}`" in PAGE, name
    for method in METHODS:
        assert f"`{method}`" in PAGE, method


def test_configs_that_rllib_and_tune_copy_stay_valid() -> None:
    config = ready().training(hidden_size=32, num_heads=2).env_runners(num_env_runners=2)
    as_tune_does = OfflineToOnline.get_default_config().update_from_dict(config.to_dict())
    again = OfflineToOnline.get_default_config().update_from_dict(as_tune_does.to_dict())
    for one in (
        copy.deepcopy(config),
        OfflineToOnlineConfig.from_state(config.get_state()),
        as_tune_does,
        again,
    ):
        one.algo_class = (
            one.algo_class or OfflineToOnline
        )  # as RLlib's Algorithm does where a copy has lost it
        one.validate()
        one.validate()  # RLlib's own validation changes settings
        one.get_evaluation_config_object().validate()
        assert one.hyperparameters() == config.hyperparameters()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"env_config": {"g": 5.0}}, "env_config has no effect here: register the environment"),
        ({"lr": 1e-4}, "called learning_rate"),
        ({"evaluation_interval": 1}, "eval_interval"),
        ({"evaluation_duration": 7}, "eval_episodes"),
        ({"num_envs_per_env_runner": 4}, "envs_per_unit"),
        ({"rl_coeficient": 1.0}, "no setting 'rl_coeficient'. Did you mean rl_coefficient"),
        ({"env": "Hopper-v4"}, "env became 'Hopper-v4'"),
        ({"seed": -1}, "seed -1 must be a whole number"),
        ({"seed": 2**70}, "must be a whole number"),
        ({"num_learners": 1.5}, "num_learners 1.5 must be"),
        ({"framework": "tf2"}, "torch"),
        ({"enable_rl_module_and_learner": False}, "new API stack"),
    ],
)
def test_settings_in_a_dictionary_of_tune_are_looked_at_too(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        OfflineToOnline.get_default_config().update_from_dict(ready().to_dict() | settings).validate()


def test_a_default_that_is_given_counts_as_given() -> None:
    with pytest.raises(SettingsError, match="eval_episodes"):
        ready().evaluation(evaluation_duration=AlgorithmConfig().evaluation_duration)
    with pytest.raises(SettingsError, match=r"debugging\(\) has no setting 'sead'. Did you mean seed"):
        ready().debugging(sead=1)


def test_episodes_of_an_env_runner_are_its_envs_per_unit() -> None:
    config = ready().env_runners(num_envs_per_env_runner=3)
    config.validate()
    assert config.hyperparameters().envs_per_unit == 3


class Counting(RLlibCallback):
    def on_train_result(self, **kwargs: Any) -> None: ...


class PerEpisode(Counting):
    def on_episode_end(self, **kwargs: Any) -> None: ...


def test_callbacks_that_nothing_would_call_are_refused() -> None:
    ready().callbacks(Counting, on_evaluate_end=print).validate()
    for given in (PerEpisode, [Counting, PerEpisode], functools.partial(PerEpisode)):
        with pytest.raises(SettingsError, match=r"callbacks\(on_episode_end=...\) has no effect"):
            ready().callbacks(given).validate()


def test_callbacks_of_the_old_api_stack_are_refused() -> None:
    class Old(RLlibCallback):
        def on_learn_on_batch(self, **kwargs: Any) -> None: ...

    with pytest.raises(SettingsError, match=r"callbacks\(on_learn_on_batch=...\) has no effect here\."):
        ready().callbacks(Old).validate()


def test_classes_that_take_the_place_of_ours_must_be_derived_from_them() -> None:
    class OwnRunner(UnitEnvRunner):
        pass

    class OwnLearner(ReplayLearner):
        pass

    ready().env_runners(env_runner_cls=OwnRunner).learners(learner_class=OwnLearner).validate()
    with pytest.raises(SettingsError, match="env_runner_cls OwnLearner must be derived from"):
        ready().env_runners(env_runner_cls=OwnLearner).validate()
    with pytest.raises(SettingsError, match="learner_class OwnRunner must be derived from"):
        ready().learners(learner_class=OwnRunner).validate()


def test_a_config_class_of_ones_own_may_have_settings_of_its_own() -> None:
    class OwnConfig(OfflineToOnlineConfig):
        def __init__(self, algo_class: type | None = None) -> None:
            super().__init__(algo_class)
            self.favourite = "red"

    config = (
        OwnConfig(OfflineToOnline)
        .environment("any", environment_creator=dict)
        .offline_data(dataset_loader=dict)
    )
    config.validate()
    passed_on = OfflineToOnline.get_default_config().update_from_dict(config.to_dict())
    passed_on.validate()
    assert passed_on.favourite == "red"
