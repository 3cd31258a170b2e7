"""PDT end to end: its phases, and that a run goes on to the same bits whoever rolls out and wherever it stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.errors import SettingsError

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]

SETTINGS = {"warmup_env_steps": 600, "return_warmup_updates": 6, "online_steps": 2000}


def _selects(algorithm: OfflineToOnline) -> bool:
    return algorithm.call_learners(lambda learner: bool(learner.networks_module.networks.policy.selects))[0]


def test_reward_free_pretraining_then_a_warmup_then_fine_tuning(make_config: MakeConfig) -> None:
    algorithm = make_config("pdt", **SETTINGS).build_algo()
    (first, _), (second, _) = histories(algorithm, 2)
    assert first["phase"] == second["phase"] == "pretrain"
    assert {"loss/supervised", "latent/encoder_kl", "latent/prior_kl", "policy/temperature"} <= first.keys()
    assert "loss/return" not in second
    assert second["replay/steps"] == 2000
    assert not _selects(algorithm)

    ((warmup, evaluation),) = histories(algorithm, 1)
    assert warmup["env_steps"] == 800  # two units of two episodes of 200 steps
    assert warmup["replay/trajectories"] == warmup["episodes"] == 4  # the offline data is gone
    assert warmup["gradient_updates"] == 8 + 6
    assert "loss/actor" not in warmup
    assert evaluation is not None
    assert _selects(algorithm)

    ((tuned, _),) = histories(algorithm, 1)
    assert tuned["env_steps"] == 1200
    assert tuned["replay/trajectories"] == 6
    assert tuned["gradient_updates"] == 8 + 6 + 4
    assert {"loss/return", "loss/actor", "latent/prior_kl"} <= tuned.keys()
    algorithm.stop()


def test_checkpoint_continues_bit_for_bit(make_config: MakeConfig, tmp_path: Path) -> None:
    reference = make_config("pdt", **SETTINGS).build_algo()
    history = []
    for done in range(1, 6):
        history += histories(reference, 1)
        reference.save_to_path(tmp_path / str(done))
    expected = (history, digest(reference))
    reference.stop()
    other = make_config("pdt", **SETTINGS).build_algo()
    for done in (4, 2, 3):  # fine-tuning, then in place pretraining, the warm-up
        other.restore_from_path(tmp_path / str(done))
        assert (history[:done] + histories(other, 5 - done), digest(other)) == expected
    other.stop()


def test_result_does_not_depend_on_the_number_of_env_runners(make_config: MakeConfig) -> None:
    outcomes = []
    for runners in (0, 2):
        algorithm = make_config("pdt", runners=runners, **SETTINGS).build_algo()
        outcomes.append((histories(algorithm, 4), digest(algorithm)))
        algorithm.stop()
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"rl_coefficient": 0.5}, "no RL gradient"),
        ({"online_target_return": 10.0}, "latent futures, not on returns"),
        ({"exploration_noise": 0.3}, "samples of its stochastic policy"),
        ({"drop_worst_trajectory": True}, "without rewards"),
        ({"warmup_env_steps": 400, "online_steps": 400}, "nothing would be fine-tuned"),
    ],
)
def test_settings_without_sense_are_refused(
    make_config: MakeConfig, overrides: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        make_config("pdt", **overrides)


@pytest.mark.parametrize("method", ["odt", "td3_odt"])
def test_settings_of_futures_are_refused_for_other_methods(make_config: MakeConfig, method: str) -> None:
    with pytest.raises(SettingsError, match="not conditioned on latent futures"):
        make_config(method, latent_size=5)
