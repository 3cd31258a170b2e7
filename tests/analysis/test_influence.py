"""``analysis`` knows of settings what ``algorithms`` and ``platform`` do."""

import pytest

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS
from vitamin.analysis import experiments, influence
from vitamin.platform.experiments import comparison
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.tasks import presets

TOP_LEVEL = ExperimentSpec.create(task="hopper-medium-v2").resolved().keys()


@pytest.mark.parametrize("method", METHODS)
def test_settings_that_a_method_does_not_read(method: str) -> None:
    assert influence.inert_settings(method) == ignored_settings(METHODS[method]).keys()


def test_methods_are_known() -> None:
    assert METHODS.keys() == influence.METHODS
    assert influence.inert_settings("a_new_one") == frozenset()


def test_all_names_exist() -> None:
    hyperparameters = Hyperparameters.model_fields.keys()
    assert hyperparameters | TOP_LEVEL >= influence.FREE
    assert hyperparameters >= influence._CONDITIONS.keys()
    assert {name for _, names in influence._READERS for name in names} <= hyperparameters


def test_every_entry_of_a_config_file_has_its_class() -> None:
    assert influence.ABOUT_RUNS | (influence.FREE - Hyperparameters.model_fields.keys()) == TOP_LEVEL


def test_what_may_differ_when_a_run_is_continued_has_no_influence() -> None:
    may_differ = comparison._FREE_TO_DIFFER | comparison._THREADS | {"online_steps"}
    assert may_differ <= influence.FREE | influence.ABOUT_RUNS
    evaluation = {"eval_interval", "eval_episodes", "eval_envs_per_unit"}
    identity = {"task", "method", "seed", "reference_scores"}
    assert (influence.FREE | influence.ABOUT_RUNS) - may_differ == evaluation | identity


def test_settings_that_are_taken_from_data() -> None:
    assert set(experiments._FROM_DATA) == set(presets.TAKEN_FROM_DATA)


@pytest.mark.parametrize(
    ("settings", "unread"),
    [
        ({"timestep_embedding": False}, "max_timestep"),
        ({"target_policy_noise": 0.0}, "target_noise_clip"),
        ({"normalize_rl_coefficient": False}, "normalizer_over_padding"),
        ({"critic_network": "mlp"}, "critic_reads_padding"),
        ({"update_to_data_ratio": 1.0}, "updates_per_iteration"),
        ({"jump_start_steps": 0, "curriculum_target_return": None}, "curriculum_share"),
    ],
)
def test_settings_that_are_not_read_because_of_others(settings: dict[str, object], unread: str) -> None:
    assert influence.unread(settings) == {unread}
    assert influence.unread({}) == frozenset()
