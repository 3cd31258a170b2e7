import math

import pytest

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, nearest
from vitamin.platform.catalog import get_task
from vitamin.platform.tasks import parse_overrides, preset_names, resolve_hyperparameters, task_names
from vitamin.platform.tasks.overrides import checked_settings

HOPPER = get_task("hopper-random-v2")


def test_overrides_get_the_types_of_their_fields() -> None:
    parsed = parse_overrides(
        [
            "rl_coefficient=0.5",
            "dropout=0",
            "online_steps=1e5",
            "batch_size=32",
            "precision=bfloat16",
            "drop_worst_trajectory=false",
            "critic_layer_norm=1",
            "online_target_return=-3",
            "reward_delay=5",
            "pretrain_rl_coefficient=online",
            "pretrain_supervised_coefficient=0",
        ]
    )
    assert parsed == {
        "rl_coefficient": 0.5,
        "dropout": 0.0,
        "online_steps": 100_000,
        "batch_size": 32,
        "precision": "bfloat16",
        "drop_worst_trajectory": False,
        "critic_layer_norm": True,
        "online_target_return": -3.0,
        "reward_delay": 5,
        "pretrain_rl_coefficient": "online",
        "pretrain_supervised_coefficient": 0.0,
    }
    assert isinstance(parsed["dropout"], float)
    assert isinstance(parsed["online_steps"], int)
    assert isinstance(parsed["critic_layer_norm"], bool)


def test_the_last_of_equal_keys_counts() -> None:
    assert parse_overrides(["dropout=0.1", " dropout = 0.2 "]) == {"dropout": 0.2}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("rl_coeficient=1", r"^Unknown setting 'rl_coeficient'\. Did you mean rl_coefficient or "),
        ("zzz=1", r"^Unknown setting 'zzz'\. `vitamin tasks TASK` lists"),
        ("dropout", r"^Expected key=value, got 'dropout'\.$"),
        ("dropout=1.5", r"^Setting dropout=1.5 does not fit: expected a number >= 0 and < 1 \("),
        ("learning_rate=fast", r"^Setting learning_rate=fast does not fit: expected a number > 0 \("),
        ("learning_rate=inf", r"expected a number > 0"),
        ("online_target_return=nan", r"expected a number \("),
        ("batch_size=0.5", r"expected an integer > 0"),
        ("batch_size=0", r"expected an integer > 0"),
        ("batch_size=", r"expected an integer > 0"),
        ("online_steps=-1", r"expected an integer >= 0"),
        ("critic_layer_norm=7", r"expected true or false"),
        ("precision=half", r"expected float32 or bfloat16"),
        ("reward_delay=-1", r"expected an integer or episode \(steps after which rewards"),
        ("reward_delay=2.5", r"expected an integer or episode"),
        ("reward_delay=end", r"expected an integer or episode"),
        ("pretrain_rl_coefficient=-1", r"expected a number >= 0 or online \("),
        ("pretrain_supervised_coefficient=offline", r"expected a number >= 0 or online \("),
        ("pretrain_rl_coefficient=inf", r"expected a number >= 0 or online \("),
    ],
)
def test_bad_overrides_get_one_clear_line(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        parse_overrides([assignment])
    assert "\n" not in str(caught.value)


def test_the_paper_preset_is_the_authors_settings_for_the_task() -> None:
    settings = resolve_hyperparameters(HOPPER, "td3_odt", "paper", {})
    assert settings.context_length == 20
    assert settings.hidden_size == 512
    assert settings.weight_decay == 0.0005
    assert (settings.eval_target_return, settings.online_target_return) == (3600, 7200)
    assert settings.min_env_steps_per_iteration == 1000
    assert (
        resolve_hyperparameters(
            get_task("hopper-medium-v2"), "td3_odt", "paper", {}
        ).min_env_steps_per_iteration
        == 0
    )
    assert settings.bootstrap_at_time_limit is False
    assert settings.drop_worst_trajectory is True
    walker = resolve_hyperparameters(get_task("walker2d-medium-v2"), "td3_odt", "paper", {})
    assert (walker.learning_rate, walker.pretrain_updates) == (0.001, 10_000)


@pytest.mark.parametrize("preset", ["small", "tiny"])
def test_other_presets_keep_targets_and_drop_the_departures(preset: str) -> None:
    settings = resolve_hyperparameters(HOPPER, "td3_odt", preset, {})
    assert settings.eval_target_return == 3600
    assert settings.bootstrap_at_time_limit is True
    assert settings.critic_loss_over_padding is False
    assert settings.target_attends_padding is False
    assert settings.entropy_over_padding is False
    assert settings.drop_worst_trajectory is False


def test_later_sources_win() -> None:
    pendulum = get_task("Pendulum-v1")
    small = resolve_hyperparameters(pendulum, "td3_odt", "small", {})
    assert small.reward_divisor == 10  # the task's, the preset says nothing
    assert small.context_length == 5  # the preset's
    assert small.hidden_size == 64  # the task's for this preset
    assert resolve_hyperparameters(get_task("door-human-v1"), "td3_odt", "small", {}).hidden_size == 128
    hopper = resolve_hyperparameters(HOPPER, "td3_odt", "small", {})
    assert (hopper.hidden_size, hopper.num_heads) == (64, 4)  # the suite's for this preset, the preset's
    assert resolve_hyperparameters(HOPPER, "iql", "small", {}).hidden_size == 256  # the method's
    assert resolve_hyperparameters(pendulum, "td3_odt", "small", {"hidden_size": 32}).hidden_size == 32


@pytest.mark.parametrize("preset", ["small", "tiny"])
def test_no_preset_sees_more_context_than_the_authors(preset: str) -> None:
    for name in task_names():
        paper, ours = (resolve_hyperparameters(get_task(name), "td3_odt", it, {}) for it in ("paper", preset))
        assert ours.context_length <= paper.context_length, name
        assert ours.eval_context_length <= paper.eval_context_length, name


def test_plain_odt_has_no_rl_term() -> None:
    assert resolve_hyperparameters(HOPPER, "odt", "paper", {}).rl_coefficient == 0
    assert resolve_hyperparameters(HOPPER, "td3_odt", "paper", {}).rl_coefficient == 0.1


def test_presets_in_order_of_size() -> None:
    assert preset_names() == ["paper", "small", "tiny"]
    sizes = [resolve_hyperparameters(HOPPER, "td3_odt", preset, {}).hidden_size for preset in preset_names()]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("td3odt", "paper", {}), "Unknown method 'td3odt'. Did you mean td3_odt"),
        (("odt", "smal", {}), "Unknown preset 'smal'. Did you mean small.* Presets: paper, small, tiny"),
        (("odt", "small", {"hiden_size": 3}), "Did you mean hidden_size"),
        (("odt", "small", {"hidden_size": "wide"}), "hidden_size=wide does not fit: expected an integer > 0"),
        (
            ("odt", "small", {"context_length": 3}),
            "contradict each other: eval_context_length 5 exceeds context_length 3",
        ),
        (
            ("odt", "small", {"num_heads": 3}),
            "contradict each other: num_heads 3 does not divide hidden_size 64",
        ),
    ],
)
def test_resolving_bad_settings(arguments: tuple[str, str, dict[str, object]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve_hyperparameters(HOPPER, *arguments)


TOO_LARGE = [10**400, 10**40, -(10**40), 1e31, math.nan, math.inf, "9" * 5000, "nan"]
OF_ANOTHER_TYPE = ["", "x", b"x", [], {}, object()]


@pytest.mark.parametrize("value", TOO_LARGE + OF_ANOTHER_TYPE)
def test_what_no_setting_can_be_is_refused_for_all_in_a_sentence(value: object) -> None:
    for name in Hyperparameters.model_fields:
        with pytest.raises(SettingsError) as caught:
            checked_settings({name: value})
        assert str(caught.value).startswith(f"Setting {name}=")
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("num_layers=1e30", "num_layers=1e30 does not fit: it should be at most 1e18 "),
        (f"online_steps={2**63}", "it should be at most 1e18 "),
        ("reward_divisor=1e-40", "it should be of size 1e-30 to 1e30, or 0 "),
        ("eval_target_return=-1e31", "it should be of size 1e-30 to 1e30, or 0 "),
        ("learner_threads=5000", "expected an integer > 0 and <= 1024 "),
        ("curriculum_target_return=low", "expected a number or null "),
        ("Num_Layers=2", r"Unknown setting 'Num_Layers'\. Did you mean num_layers\?"),
    ],
)
def test_numbers_have_bounds_that_messages_name(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_overrides([assignment])


def test_large_budgets_are_fine() -> None:
    typed = parse_overrides(["pretrain_updates=1e15", "online_steps=1e18", "curriculum_target_return=null"])
    assert typed == {"pretrain_updates": 10**15, "online_steps": 10**18, "curriculum_target_return": None}


@pytest.mark.parametrize("name", ["TD3_ODT", "td3-odt", "TD3+ODT", "Td3 Odt"])
def test_case_and_punctuation_do_not_hide_what_is_meant(name: str) -> None:
    with pytest.raises(SettingsError, match=r"Did you mean td3_odt\?"):
        get_method(name)
    assert (
        nearest("HOPPER_medium_V2", ["hopper-medium-v2", "hopper-random-v2"])
        == " Did you mean hopper-medium-v2?"
    )
