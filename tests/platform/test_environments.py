import logging
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from vitamin.errors import TaskError
from vitamin.platform.environments import (
    action_bounds,
    describe_environment,
    make_environment,
    make_raw_environment,
)
from vitamin.platform.tasks import Task, get_task, task_names

CORRIDOR = "tests.platform.own_environments:Corridor-v0"


@pytest.mark.parametrize("name", [*task_names(), CORRIDOR, "MountainCarContinuous-v0"])
def test_environments_agree_with_their_tasks(name: str) -> None:
    task = get_task(name)
    env = make_environment(task)
    observation, _ = env.reset(seed=0)
    assert observation.shape == (task.observation_size,)
    assert observation.dtype == np.float32
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (task.action_size or 0,), np.float32)
    assert env.observation_space.dtype == np.float32
    observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
    assert env.observation_space.contains(observation)
    assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
    env.close()


@pytest.mark.parametrize("name", task_names())
def test_the_registry_states_bounds_and_limits_as_the_environment_does(name: str) -> None:
    task = get_task(name)
    described = describe_environment(Task(task.name, task.suite, task.env_id, task.env_kwargs))
    assert described.observation_size == task.observation_size
    assert (described.action_low, described.action_high) == (task.action_low, task.action_high)
    assert described.max_episode_steps == task.max_episode_steps


def test_actions_are_rescaled_to_the_bounds() -> None:
    env = make_environment(get_task(CORRIDOR))
    env.reset(seed=0)
    for action, expected in (([-1, -1], (-1, 0)), ([1, 1], (3, 2)), ([0, 0.5], (1, 1.5))):
        observation, reward, *_ = env.step(np.array(action, np.float32))
        assert (reward, observation[1]) == expected


def test_rescaled_steps_equal_those_of_the_environment_itself() -> None:
    task = get_task("Pendulum-v1")
    env, raw = make_environment(task), make_raw_environment(task)
    assert_array_equal(env.reset(seed=3)[0], raw.reset(seed=3)[0])
    for action in np.linspace(-1, 1, 20, dtype=np.float32)[:, None]:
        ours, theirs = env.step(action), raw.step(action * 2)
        assert_allclose(ours[0], theirs[0], rtol=1e-6)
        assert ours[1] == pytest.approx(theirs[1])


def test_the_task_s_time_limit_holds() -> None:
    env = make_environment(replace(get_task("Pendulum-v1"), max_episode_steps=3))
    env.reset(seed=0)
    assert [env.step(np.zeros(1, np.float32))[3] for _ in range(3)] == [False, False, True]


def test_hopper_v4_is_d4rl_s_hopper() -> None:
    """A random policy's mean return is about D4RL's published random data: normalized score 1.2."""
    env = make_environment(get_task("hopper-random-v2"))
    generator = np.random.default_rng(0)
    env.reset(seed=0)
    total, episodes = 0.0, 0
    for action in generator.uniform(-1, 1, (4000, 3)).astype(np.float32):
        _, reward, terminated, truncated, _ = env.step(action)
        total += float(reward)
        if terminated or truncated:
            episodes += 1
            env.reset()
    assert total / episodes == pytest.approx(18.4, abs=2.5)


def test_action_bounds_from_the_task_or_else_the_environment() -> None:
    stated = Task("x", "y", "no environment", action_low=(-1.0, 0.0), action_high=(1.0, 2.0))
    assert_array_equal(action_bounds(stated), [[-1, 0], [1, 2]])
    assert_array_equal(action_bounds(Task("x", "y", "Pendulum-v1")), [[-2], [2]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"env_id": "Hopper-v9"}, "Hopper-v9 cannot be made: .*version"),
        (
            {"env_id": "tests.platform.own_environments:Needy-v0"},
            "needs a package that is missing: install it",
        ),
        ({"env_kwargs": {"nonsense": 1}}, "cannot be made: .*nonsense"),
        (
            {"observation_size": 12},
            "Hopper-v4 has observation size 11, but the task hopper-medium-v2 states 12",
        ),
        ({"action_size": 2}, "has action size 3"),
        ({"action_low": (-2.0,) * 3}, "has lower action bounds"),
        ({"env_id": "CartPole-v1"}, "supported are one-dimensional Box spaces"),
    ],
)
def test_environments_that_do_not_fit(change: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        make_environment(replace(get_task("hopper-medium-v2"), **change))  # type: ignore[arg-type]


def test_frames_can_be_rendered() -> None:
    env = make_environment(get_task("tests.platform.own_environments:Painted-v0"), render_mode="rgb_array")
    env.reset(seed=0)
    assert_array_equal(env.render(), np.zeros((48, 256, 3)))


def test_mujoco_leaves_no_log_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.DEBUG):
        make_environment(get_task("halfcheetah-medium-v2")).close()
    assert not list(tmp_path.iterdir())
    assert "WARNING" not in capfd.readouterr().err
