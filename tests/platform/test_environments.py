import logging
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from vitamin.errors import TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.environments import (
    action_bounds,
    describe_environment,
    make_environment,
    make_raw_environment,
)
from vitamin.platform.tasks import Task, task_names
from vitamin.platform.tasks.registry_files import suites

CORRIDOR = "tests.platform.own_environments:Corridor-v0"
ONE_TASK_EACH = [next(iter(block.tasks)) for suite in suites() for block in suite.environments.values()]
GOAL_SUITES = ("adroit", "antmaze", "maze2d")


@pytest.mark.parametrize("name", [*task_names(), CORRIDOR, "MountainCarContinuous-v0"])
def test_environments_agree_with_their_tasks(name: str) -> None:
    task = get_task(name)
    env = make_environment(task)
    observation, _ = env.reset(seed=0)
    assert observation.shape == (task.observation_size,)
    assert observation.dtype in (np.float32, np.float64)
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (task.action_size or 0,), np.float32)
    assert env.observation_space.dtype == observation.dtype
    observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
    assert env.observation_space.contains(observation)
    assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
    env.close()


@pytest.mark.parametrize("name", task_names())
def test_the_registry_states_bounds_and_limits_as_the_environment_does(name: str) -> None:
    task = get_task(name)
    limit = task.max_episode_steps if task.adapter else None  # adapters leave the limit to the task
    described = describe_environment(
        Task(
            task.name, task.suite, task.env_id, task.env_kwargs, adapter=task.adapter, max_episode_steps=limit
        )
    )
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


@pytest.mark.filterwarnings("ignore:.*is out of date")
def test_ant_has_d4rl_s_84_zeros_behind_the_live_observations() -> None:
    """D4RL's files: 111 columns, of which 84 are zero (its issue 143)."""
    env = make_raw_environment(get_task("ant-medium-v2"))
    inner = gymnasium.make("Ant-v4")
    first, _ = env.reset(seed=0)
    expected, _ = inner.reset(seed=0)
    assert_array_equal(first, [*expected, *[0] * 84])
    for action in np.random.default_rng(0).uniform(-1, 1, (50, 8)).astype(np.float32):
        ours, theirs = env.step(action), inner.step(action)
        assert_array_equal(ours[0], [*theirs[0], *[0] * 84])
        assert ours[1:4] == theirs[1:4]
        assert env.observation_space.contains(ours[0])


def episode(env: gymnasium.Env[Any, Any], seed: int, steps: int = 30) -> list[Any]:
    """Everything that the beginning of an episode shows; actions depend on the seed alone."""
    observation, _ = env.reset(seed=seed)
    seen: list[Any] = [observation.tolist()]
    for action in np.random.default_rng(seed).uniform(-1, 1, (steps, *env.action_space.shape)):
        observation, reward, terminated, truncated, info = env.step(action.astype(np.float32))
        seen.append((observation.tolist(), reward, terminated, truncated, info.get("success")))
        if terminated or truncated:
            break
    return seen


@pytest.mark.parametrize("name", ONE_TASK_EACH)
def test_an_episode_depends_on_its_seed_alone(name: str) -> None:
    env = make_environment(get_task(name))
    first = episode(env, 7)
    episode(env, 8, steps=150)
    assert episode(env, 7) == first
    assert episode(env, 8) != first
    assert episode(make_environment(get_task(name)), 7) == first
    assert episode(pickle.loads(pickle.dumps(env)), 7) == first


@pytest.mark.parametrize("name", [name for name in ONE_TASK_EACH if get_task(name).suite in GOAL_SUITES])
def test_success_is_a_bool(name: str) -> None:
    env = make_environment(get_task(name))
    env.reset(seed=0)
    assert type(env.step(np.zeros(env.action_space.shape, np.float32))[4]["success"]) is bool


def test_environments_can_be_made_in_several_processes_at_once() -> None:
    program = (
        "from tests.platform.test_environments import *\n"
        "for _ in range(10): env = make_environment(get_task('antmaze-umaze-v2'))\n"
        "maze = make_environment(get_task('maze2d-large-v1'))\n"
        "print(episode(env, 3), episode(maze, 3))"
    )
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    here = f"{episode(make_environment(get_task('antmaze-umaze-v2')), 3)} "
    here += f"{episode(make_environment(get_task('maze2d-large-v1')), 3)}\n"
    assert outputs == [here, here]


def test_only_adroit_needs_gymnasium_robotics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium_robotics", None)
    for name in ONE_TASK_EACH:
        if get_task(name).extra is None:
            make_environment(get_task(name)).close()
    adroit = get_task("door-human-v1")
    assert adroit.extra == "robotics"
    message = re.escape("needs a package that is missing: ") + r'.*pip install "vitamin\[robotics\]"'
    with pytest.raises(TaskError, match=message):
        make_environment(adroit)


def test_making_environments_imports_and_prints_nothing_that_is_not_needed() -> None:
    program = (
        "import sys\n"
        "from vitamin.platform.environments import make_environment\n"
        "from vitamin.platform.catalog import get_task\n"
        "make_environment(get_task('Pendulum-v1'))\n"
        "make_environment(get_task('antmaze-umaze-v2'))\n"
        "assert 'gymnasium_robotics' not in sys.modules\n"
        "make_environment(get_task('hammer-human-v1'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


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
