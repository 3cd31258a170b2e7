"""Settings that a method does not use are refused, with the reason."""

from typing import Any, get_args

import pytest

from vitamin.algorithms.combinations import (
    check_combination,
    check_method,
    check_settings,
    ignored_settings,
)
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS, Method, get_method
from vitamin.algorithms.readers import readers_of
from vitamin.algorithms.setting_types import Reader
from vitamin.errors import SettingsError


@pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)
def test_rows_are_consistent(row: Method) -> None:
    check_method(row)
    fields = set(Hyperparameters.model_fields)
    assert ignored_settings(row).keys() <= fields
    assert row.fixed.keys() <= fields - ignored_settings(row).keys()
    assert Hyperparameters(**row.fixed).model_dump().items() >= row.fixed.items()
    assert row.terms("pretrain")
    assert row.terms("online")


def test_gradients_name_hyperparameters() -> None:
    for gradient in GRADIENTS.values():
        assert gradient.reads <= set(Hyperparameters.model_fields)


def test_a_gradient_is_named_by_its_rows() -> None:
    assert {row.gradient for row in METHODS.values()} == {None, *GRADIENTS}


def test_the_terms_of_a_phase_in_words() -> None:
    terms = {name: (row.terms("pretrain"), row.terms("online")) for name, row in METHODS.items()}
    assert terms["td3_odt"] == ("squared error", "squared error + α·TD3")
    assert terms["odt"] == ("likelihood + entropy",) * 2
    assert terms["td3"] == ("squared error", "TD3")
    assert terms["iql"] == ("IQL", "IQL")
    assert terms["td3_bc"][0] == terms["td3_bc"][1] == "squared error + α·TD3"
    assert terms["ddpg_odt"][1] == "squared error + α·DDPG"
    assert terms["sac"] == ("likelihood + entropy", "SAC")
    assert terms["ppo_odt"][1] == "likelihood + entropy + α·PPO"


@pytest.mark.parametrize(
    ("method", "setting", "reason"),
    [
        ("odt", "rl_coefficient", "ODT has no RL gradient"),
        ("td3_odt", "initial_temperature", "the policy of TD3\\+ODT is deterministic and has no entropy"),
        ("td3_odt", "expectile", "it belongs to the gradients of IQL"),
        ("sac_odt", "exploration_noise", "explores with samples of its stochastic policy"),
        ("sac", "clip_ratio", "it belongs to the gradients of PPO"),
        ("awr_odt", "old_log_probs", "it belongs to the gradients of PPO"),
        ("td3_odt", "old_log_probs", "it belongs to the gradients of PPO"),
        ("odt", "old_log_probs", "it belongs to the gradients of PPO"),
        ("ppo", "critic_reads_padding", "no Q functions"),
        ("iql_dt", "critic_reads_padding", "which sees the state alone"),
        ("ppo", "critic_members", "PPO has a value function, but no Q functions"),
        ("awr_odt", "tau", "no slowly moving targets"),
        ("td3_bc", "num_heads", "the policy of TD3\\+BC is no transformer"),
        ("td3_bc", "pretrain_rl_coefficient", "is online by definition of the method td3_bc"),
        ("iql", "pretrain_supervised_coefficient", "is online by definition of the method iql"),
        ("iql", "supervised_coefficient", "IQL has no supervised term online"),
        ("td3", "supervised_coefficient", "TD3 has no supervised term online"),
        ("odt", "published_entropy", "ODT has no RL gradient"),
        ("td3_odt", "published_entropy", "deterministic and has no entropy"),
        ("iql", "published_entropy", "no loss of IQL has an entropy term"),
        ("iql", "initial_temperature", "no loss of IQL has an entropy term"),
        ("ddpg_odt", "target_policy_noise", "is 0.0 by definition of the method ddpg_odt"),
        ("ppo_odt", "pretrain_rl_coefficient", "learns from values of online iterations"),
        ("awr", "critic_loss_over_padding", "no Q functions"),
        ("iql_odt", "critic_network", "which sees the state alone"),
        ("td3_bc", "critic_network", "segments of TD3\\+BC are one step long"),
        ("iql", "eval_target_return", "does not look at returns-to-go"),
        ("iql", "advantage_losses_over_padding", "one step long"),
        ("awac", "critic_subset", "it belongs to the gradients of TD3, SAC"),
        ("ddpg_odt", "critic_subset", "has one Q function"),
        ("ddpg_odt", "target_noise_clip", "no smoothing noise"),
        ("ppo", "jump_start_steps", "actions of its own policy alone"),
        ("pdt", "jump_start_steps", "does not know which latents pay"),
        ("pdt", "return_conditioning", "latent futures, not on returns"),
        ("grpo", "action_regularization", "clipped ratio"),
        ("iql", "context_length", "is 1 by definition of the method iql"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(method: str, setting: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"{setting} .*{reason}.*Leave it out"):
        check_combination(get_method(method), ["learning_rate", setting])


def test_what_makes_no_sense_together_is_refused() -> None:
    alone = {"critic_network": "lstm", "context_length": 1, "eval_context_length": 1}
    with pytest.raises(SettingsError, match="no past to read"):
        check_settings(get_method("td3_odt"), Hyperparameters(**alone))
    blind = Hyperparameters(return_conditioning=False, curriculum_target_return=5.0)
    with pytest.raises(SettingsError, match="curriculum_target_return makes no sense without return_cond"):
        check_settings(get_method("odt"), blind)


@pytest.mark.parametrize(
    ("method", "settings", "phase"),
    [
        ("td3", {"pretrain_supervised_coefficient": "online"}, "pretrain"),
        (
            "ppo",
            {"pretrain_supervised_coefficient": "online", "pretrain_rl_coefficient": "online"},
            "pretrain",
        ),
        ("odt", {"pretrain_supervised_coefficient": 0.0, "pretrain_rl_coefficient": 0.3}, "pretrain"),
        ("td3", {"rl_coefficient": 0.0}, "online"),
        ("td3_odt", {"supervised_coefficient": 0.0, "rl_coefficient": 0.0}, "online"),
    ],
)
def test_a_phase_without_a_loss_is_refused(method: str, settings: dict[str, Any], phase: str) -> None:
    with pytest.raises(SettingsError, match=f"would have no loss in its {phase} phase"):
        check_settings(get_method(method), Hyperparameters(**settings))
    unwanted = {"pretrain": {"pretrain_updates": 0}, "online": {"online_steps": 0}}
    check_settings(get_method(method), Hyperparameters(**settings, **unwanted[phase]))


def test_what_holds_the_policy_to_the_pretrained_one_is_a_loss_too() -> None:
    settings = Hyperparameters(rl_coefficient=0.0, action_regularization=1.0)
    check_settings(get_method("td3"), settings)


def test_what_a_method_uses_is_accepted() -> None:
    check_combination(get_method("td3_odt"), ["rl_coefficient", "target_policy_noise", "exploration_noise"])
    check_combination(get_method("sac_odt"), ["rl_coefficient", "initial_temperature", "tau"])
    check_combination(get_method("iql"), ["expectile", "inverse_temperature", "hidden_size", "dropout"])


@pytest.mark.parametrize("gradient", ["sac", "ppo", "awac"])
def test_a_gradient_that_needs_a_distribution_refuses_a_deterministic_head(gradient: str) -> None:
    row = Method("mine", "Mine", "deterministic", gradient, "a row of somebody's own")
    with pytest.raises(SettingsError, match=f"{gradient.upper()} gradient needs a stochastic policy"):
        check_method(row)
    with pytest.raises(SettingsError, match="no RL gradient 'sax'"):
        check_method(Method("mine", "Mine", "stochastic", "sax", "a row of somebody's own"))


def test_a_row_that_does_not_fit_together_is_refused_whatever_is_chosen() -> None:
    with pytest.raises(SettingsError, match="needs a stochastic policy"):
        check_combination(Method("mine", "Mine", "deterministic", "sac", "a row of somebody's own"), [])


def test_every_setting_says_what_reads_it_and_every_reader_reads_something() -> None:
    readers = {name: readers_of(name) for name in Hyperparameters.model_fields}
    assert all(readers.values())
    assert set(get_args(Reader)) == {reader for names in readers.values() for reader in names}


def test_gradients_name_the_settings_that_are_declared_as_theirs() -> None:
    own = {name for name in Hyperparameters.model_fields if "gradient" in readers_of(name)}
    assert own == frozenset().union(*(gradient.reads for gradient in GRADIENTS.values()))
