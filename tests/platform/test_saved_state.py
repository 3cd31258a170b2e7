"""Environments that go back to an earlier state: what follows is what followed before, bit for bit."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.wrappers import TransformReward
from numpy.typing import NDArray

from vitamin.errors import TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.environments import make_environment
from vitamin.platform.environments.saved_state import restore_state, save_state
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.train import train
from vitamin.platform.tasks.registry_files import suites

SUITES = ("classic", "mujoco", "maze2d", "antmaze", "adroit")
OWN = ["tests.platform.own_environments:Corridor-v0", "tests.platform.own_environments:Goal-v0"]
KINDS = ["MountainCarContinuous-v0", *OWN] + [
    next(iter(block.tasks))
    for suite in suites()
    if suite.suite in SUITES
    for block in suite.environments.values()
]


def steps(env: Any, actions: NDArray[np.float32]) -> list[Any]:
    """The steps of an environment for ``actions``, until its episode ends."""
    shown = []
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        shown.append((observation.tobytes(), reward, terminated, truncated, repr(info)))
        if terminated or truncated:
            break
    return shown


@pytest.mark.parametrize("name", KINDS)
def test_what_follows_a_restore_is_what_followed_the_save(name: str) -> None:
    env, twin = make_environment(get_task(name)), make_environment(get_task(name))
    shape = env.action_space.shape
    assert shape is not None
    actions = np.random.default_rng(0).uniform(-0.99, 0.99, (14, *shape)).astype(np.float32)
    env.reset(seed=3)
    assert len(steps(env, actions[:4])) == 4
    state = env.save_state()
    first = steps(env, actions[4:])
    assert len(first) > 1
    env.reset(seed=4)
    other = steps(env, actions[4:])
    assert other != first  # elsewhere, other things happen
    env.restore_state(state)
    assert steps(env, actions[4:]) == first
    twin.restore_state(state)  # never reset, and what is random about its start was drawn by the other one
    assert steps(twin, actions[4:]) == first
    env.restore_state(state)  # a state outlives the episodes that go on from it
    assert steps(env, actions[4:]) == first
    env.close()
    twin.close()


def test_elapsed_steps_and_randomness_belong_to_the_state() -> None:
    env = make_environment(get_task("tests.platform.own_environments:Corridor-v0"))
    env.reset(seed=0)
    for _ in range(10):
        env.step(np.zeros(2, np.float32))
    state = env.save_state()
    draws = []
    for _ in range(2):
        env.restore_state(state)
        (first, *_), (second, _, terminated, truncated, _) = (env.step(np.zeros(2, np.float32)) for _ in "ab")
        assert (terminated, truncated) == (False, True)  # the time limit is twelve steps
        draws.append((first[0], second[0]))
    assert draws[0] == draws[1]
    assert draws[0][0] != draws[0][1]


class Box2DLike(gymnasium.Env[Any, Any]):
    """Keeps its state where only its engine can reach it."""

    observation_space = Box(-1, 1, (1,))
    action_space = Box(-1, 1, (1,))

    def __init__(self) -> None:
        self.world = iter([1, 2, 3])


def test_a_method_that_goes_back_refuses_an_environment_that_cannot(tmp_path: Path) -> None:
    task = "tests.platform.own_environments:Sealed-v0"
    data = collect_dataset(get_task(task), steps=50, seed=0, out=tmp_path / "data.hdf5")
    spec = ExperimentSpec.create(task=task, method="grpo", preset="tiny", data=data)
    with pytest.raises(TaskError, match=r"Sealed keeps a tuple_iterator in its attribute 'world'"):
        train(spec, tmp_path / "run")
    assert not (tmp_path / "run").exists()


class SavesItself(Box2DLike):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def save_state(self) -> int:
        return 7

    def restore_state(self, state: int) -> None:
        self.seen.append(state)


def test_what_cannot_be_saved_is_refused_by_name() -> None:
    with pytest.raises(
        TaskError, match=r"Box2DLike keeps a list_iterator in its attribute 'world'.*save_state"
    ):
        save_state(TransformReward(Box2DLike(), float))


def test_an_environment_may_answer_for_itself_below_its_wrappers() -> None:
    env = SavesItself()
    wrapped = gymnasium.wrappers.TimeLimit(env, 5)
    restore_state(wrapped, save_state(wrapped))
    assert env.seen == [7]


class Views(gymnasium.Env[Any, Any]):
    def __init__(self) -> None:
        self.part = np.arange(6.0)[1:]
        self.whole = self.part.base
        self.backwards = self.part[::-2]


def test_views_look_into_the_restored_array() -> None:
    env = Views()
    state = save_state(env)
    env.part[:] = 0
    restore_state(env, state)
    assert env.part.tolist() == [1, 2, 3, 4, 5]
    assert env.backwards.tolist() == [5, 3, 1]
    env.whole[1] = 9
    assert (env.part[0], env.backwards[-1]) == (9, 9)
    restore_state(env, state)
    assert env.whole.tolist() == [0, 1, 2, 3, 4, 5]


def test_arrays_in_the_simulations_memory_stay_there() -> None:
    env = make_environment(get_task("hopper-medium-v2"))
    hopper: Any = env.unwrapped
    hopper.torso = hopper.data.qpos[1:3]
    env.reset(seed=0)
    state, torso = env.save_state(), hopper.torso.copy()
    steps(env, np.full((5, 3), 0.5, np.float32))
    assert hopper.torso.tolist() != torso.tolist()
    env.restore_state(state)
    assert hopper.torso.tolist() == hopper.data.qpos[1:3].tolist() == torso.tolist()
    assert np.shares_memory(hopper.torso, hopper.data.qpos)
