"""grpo as a run: what is counted, and that its result depends on nothing but its settings."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from torch.nn.utils import parameters_to_vector

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.errors import SettingsError, TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_environment

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]
SIZES = {"group_size": 3, "reset_states": 2, "subtrajectory_length": 6, "group_batch_size": 4}


def _outcome(algorithm: OfflineToOnline, iterations: int) -> Any:
    try:
        return histories(algorithm, iterations), digest(algorithm)
    finally:
        algorithm.stop()


def test_all_environment_steps_are_counted(make_config: MakeConfig) -> None:
    history, _ = _outcome(make_config("grpo", **SIZES).build_algo(), 4)
    pretrained, online = history[1][0], [record for record, _ in history[2:]]
    assert (pretrained["phase"], online[0]["phase"]) == ("pretrain", "online")
    assert "groups/count" not in pretrained
    for number, record in enumerate(online):
        before = online[0]["env_steps"] if number else 0
        members = 4 * 3  # of two episodes, two reset states each, three sub-trajectories
        assert record["groups/count"] == 4
        steps = 400 + members * record["groups/length_mean"]
        assert record["env_steps"] - before == pytest.approx(steps, rel=1e-6)
        assert record["rollout/length_mean"] == 200
        assert record["episodes"] == 2 * (number + 1)
        assert np.isfinite(record["loss/rl"])
    assert online[1]["replay/trajectories"] == pretrained["replay/trajectories"] + 4


def test_result_depends_on_neither_the_number_of_env_runners_nor_their_deaths(
    make_config: MakeConfig,
) -> None:
    settings = SIZES | {"min_env_steps_per_iteration": 900}  # two units
    alone, several = (make_config("grpo", runners=runners, **settings).build_algo() for runners in (0, 2))
    outcomes = [(histories(algorithm, 4), digest(algorithm)) for algorithm in (alone, several)]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0][3][0]["groups/count"] == 8
    pids = several.env_runner_group.foreach_env_runner(lambda runner: os.getpid(), local_env_runner=False)
    os.kill(pids[0], signal.SIGKILL)
    assert _outcome(several, 1) == _outcome(alone, 1)


def test_checkpoint_continues_bit_for_bit(make_config: MakeConfig, tmp_path: Path) -> None:
    expected = _outcome(make_config("grpo", **SIZES).build_algo(), 6)
    first = make_config("grpo", **SIZES).build_algo()
    history = histories(first, 4)
    first.save_to_path(tmp_path / "checkpoint")
    first.stop()
    second = OfflineToOnline.from_checkpoint(str(tmp_path / "checkpoint"))
    rest, digest = _outcome(second, 2)
    assert (history + rest, digest) == expected


def test_two_learners_make_the_updates_of_one(make_config: MakeConfig) -> None:
    vectors = []
    for learners in (0, 2):
        algorithm = make_config("grpo", learners=learners, **SIZES, updates_per_iteration=12).build_algo()
        histories(algorithm, 3)
        digests = algorithm.call_learners(lambda learner: learner.digest())
        assert len(set(digests)) == 1
        vectors += algorithm.call_learners(
            lambda learner: parameters_to_vector(learner.networks_module.parameters()).detach().numpy()
        )[:1]
        algorithm.stop()
    np.testing.assert_allclose(*vectors, rtol=1e-3, atol=1e-4)
    with pytest.raises(SettingsError, match="group_batch_size 3 cannot be split over 2 learners"):
        make_config("grpo", learners=2, **SIZES | {"group_batch_size": 3}).build_algo()


class OneWay(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment without saved states."""


def test_an_environment_that_cannot_go_back_is_refused_at_the_start(make_config: MakeConfig) -> None:
    config = make_config("grpo", **SIZES)
    config.environment(environment_creator=lambda: OneWay(make_environment(get_task("Pendulum-v1"))))
    with pytest.raises(TaskError, match="The state of OneWay cannot be saved and restored"):
        config.build_algo()


def test_settings_of_groups_are_refused_for_other_methods(make_config: MakeConfig) -> None:
    with pytest.raises(SettingsError, match="group_size makes no sense for the method odt"):
        make_config("odt", group_size=4)
    with pytest.raises(SettingsError, match="rl_coefficient makes no sense for the method grpo"):
        make_config("grpo", rl_coefficient=0.5)
