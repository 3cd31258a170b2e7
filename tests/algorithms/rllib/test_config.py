from typing import Any

import pytest
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.errors import SettingsError


def test_no_hyperparameter_hides_a_setting_of_rllib() -> None:
    assert not set(Hyperparameters.model_fields) & set(vars(AlgorithmConfig()))


def test_training_sets_hyperparameters() -> None:
    config = OfflineToOnline.get_default_config().training(rl_coefficient=0.3)
    assert config.hyperparameters().rl_coefficient == 0.3
    assert config.method == "td3_odt"


def test_config_survives_the_dict_that_tune_makes_of_it() -> None:
    config = OfflineToOnline.get_default_config().training(hidden_size=32, num_heads=2)
    copy = OfflineToOnline.get_default_config().update_from_dict(config.to_dict())
    assert copy.hyperparameters() == config.hyperparameters()


@pytest.mark.parametrize(
    ("training", "word"),
    [
        ({"rl_coeficient": 1.0}, "rl_coefficient"),
        ({"gamma": 0.5}, "called discount"),
        ({"lr": 0.5}, "called learning_rate"),
        ({"online_target_return": float("nan")}, "online_target_return"),
        ({"hidden_size": "wide"}, "hidden_size"),
        ({"method": "td3odt"}, "td3_odt"),
        ({"context_length": 3, "eval_context_length": 4}, "exceeds context_length"),
    ],
)
def test_mistakes_are_named(training: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        OfflineToOnline.get_default_config().training(**training).validate()


def test_batch_must_split_over_learners() -> None:
    config = OfflineToOnline.get_default_config().training(batch_size=9).learners(num_learners=2)
    with pytest.raises(SettingsError, match="batch_size 9"):
        config.validate()


def test_a_config_of_no_algorithm_is_refused() -> None:
    with pytest.raises(SettingsError, match="of no algorithm"):
        OfflineToOnlineConfig().validate()


def test_a_subclass_is_the_algorithm_of_its_own_default_config() -> None:
    class Own(OfflineToOnline):
        pass

    assert Own.get_default_config().algo_class is Own


def test_environment_and_data_are_required() -> None:
    with pytest.raises(SettingsError, match="No environment or no offline data"):
        OfflineToOnline.get_default_config().validate()
