import pickle
from dataclasses import replace

import gymnasium
import pytest
from gymnasium.envs.classic_control import PendulumEnv
from pydantic import ValidationError

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS
from vitamin.errors import TaskError
from vitamin.platform.tasks import Task, get_task, preset_names, resolve_hyperparameters, task_names
from vitamin.platform.tasks.registry_files import registered_tasks, suites, tasks_of
from vitamin.platform.tasks.schema import SuiteFile

LOCOMOTION = [
    f"{environment}-{kind}-v2"
    for environment in ("hopper", "halfcheetah", "walker2d")
    for kind in ("medium", "medium-replay", "random")
]


def test_the_registry_holds_the_paper_s_locomotion_tasks_and_pendulum() -> None:
    assert set(task_names()) == {*LOCOMOTION, "Pendulum-v1"}
    assert len(task_names()) == len(set(task_names()))


@pytest.mark.parametrize("name", task_names())
def test_every_registered_task_resolves_with_every_preset_and_method(name: str) -> None:
    task = get_task(name)
    assert task.name == name
    for preset in preset_names():
        for method in METHODS:
            settings = resolve_hyperparameters(task, method, preset, {})
            assert isinstance(settings, Hyperparameters)


@pytest.mark.parametrize("name", LOCOMOTION)
def test_locomotion_tasks_are_complete(name: str) -> None:
    task = get_task(name)
    file = f"{name.removesuffix('-v2').replace('-', '_')}-v2.hdf5"
    assert task.dataset_file == file
    assert task.dataset_url == f"http://rail.eecs.berkeley.edu/datasets/offline_rl/gym_mujoco_v2/{file}"
    assert task.suite == "mujoco"
    assert task.max_episode_steps == 1000
    assert task.quirks
    assert task.sources
    assert task.reference_source == "D4RL"


def test_values_that_depend_on_the_task_come_from_all_levels_of_the_registry() -> None:
    task = get_task("walker2d-random-v2")
    assert (task.env_id, task.observation_size, task.action_size) == ("Walker2d-v4", 17, 6)
    assert task.action_low == (-1.0,) * 6
    assert (task.reference_min, task.reference_max) == (1.629008, 4592.3)
    assert task.hyperparameters["critic_learning_rate"] == 0.001  # the suite's
    assert task.hyperparameters["learning_rate"] == 0.001  # the environment's
    assert task.hyperparameters["min_env_steps_per_iteration"] == 1000  # the dataset's


def test_normalized_score() -> None:
    task = get_task("hopper-medium-v2")
    assert task.normalized_score(-20.272305) == pytest.approx(0)
    assert task.normalized_score(3234.3) == pytest.approx(100)
    assert task.normalized_score(1600.0) == pytest.approx(49.7845, abs=1e-3)
    assert Task("x", "y", "z").normalized_score(1.0) is None


def test_tasks_travel_between_processes() -> None:
    for name in (*task_names(), "MountainCarContinuous-v0"):
        assert pickle.loads(pickle.dumps(get_task(name))) == get_task(name)


def test_any_gymnasium_environment_with_boxes_is_a_task() -> None:
    task = get_task("MountainCarContinuous-v0")
    assert task == Task(
        name="MountainCarContinuous-v0",
        suite="gymnasium",
        env_id="MountainCarContinuous-v0",
        max_episode_steps=999,
        observation_size=2,
        action_size=1,
        action_low=(-1.0,),
        action_high=(1.0,),
    )


def test_an_environment_without_a_time_limit_is_refused() -> None:
    gymnasium.register("Endless-v0", entry_point=PendulumEnv)
    try:
        with pytest.raises(TaskError, match="no time limit"):
            get_task("Endless-v0")
    finally:
        del gymnasium.registry["Endless-v0"]


def test_a_module_with_its_own_environments() -> None:
    task = get_task("tests.platform.own_environments:Corridor-v0")
    assert (task.observation_size, task.action_low, task.action_high) == (2, (-1.0, 0.0), (3.0, 2.0))
    assert task.max_episode_steps == 12


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hoper-medium-v2", "Unknown task 'hoper-medium-v2'. Did you mean hopper-medium-v2"),
        ("halfcheetah-medium-v0", "Did you mean halfcheetah-medium-v2"),
        ("Pendulum-v0", "Did you mean Pendulum-v1 or phys2d"),
        ("MountainCarContinous-v0", "Did you mean MountainCarContinuous-v0"),
        ("qqqq", "Unknown task 'qqqq'. `vitamin tasks` lists"),
        ("CartPole-v1", r"CartPole-v1 has actions Discrete\(2\); supported are one-dimensional Box"),
        ("FrozenLake-v1", r"has observations Discrete\(16\); supported are one-dimensional Box"),
        ("tests.platform.own_environments:Images-v0", r"has observations Box.* \(4, 4\).*one-dimensional"),
        ("tests.platform.own_environments:Unbounded-v0", "actions without bounds"),
        ("tests.platform.own_environments:Nothing-v0", "cannot be made: NameNotFound"),
        ("tests.platform.own_environments:Broken-v0", "cannot be made: ValueError: broken on purpose"),
        ("no_such_module:Env-v0", "needs a package that is missing: No module named 'no_such_module'"),
    ],
)
def test_names_that_are_no_task(name: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        get_task(name)


def test_a_registry_file_with_a_mistake_does_not_load() -> None:
    good = next(suite for suite in suites() if suite.suite == "mujoco").model_dump()
    assert [task.name for task in tasks_of(SuiteFile.model_validate(good))] == LOCOMOTION
    hopper = good["environments"]["hopper"]
    for change, message in (
        ({"environments": {"hopper": hopper | {"observation_sise": 3}}}, "observation_sise"),
        (
            {"environments": {"hopper": hopper | {"action_low": (-1.0, -1.0)}}},
            "bounds of 2 and 3 numbers for 3",
        ),
        ({"environments": {"hopper": hopper | {"action_low": 1.0}}}, "action_low is not below"),
        (
            {"environments": {"hopper": hopper | {"hyperparameters": {"learning_rat": 1}}}},
            "Did you mean learning_rate",
        ),
        (
            {"environments": {"hopper": hopper | {"hyperparameters": {"dropout": 2}}}},
            "dropout=2 does not fit",
        ),
        (
            {"environments": {"hopper": hopper | {"tasks": {"a": {"dataset": "x", "file": "y"}}}}},
            "no dataset kind 'x'",
        ),
        ({"environments": {"hopper": hopper | {"tasks": {"a": {"dataset": "random"}}}}}, "go together"),
        (
            {"environments": {"hopper": hopper | {"reference": {"min": 2, "max": 1, "source": ""}}}},
            "not below max",
        ),
        ({"dataset_base_url": None}, "no dataset_base_url"),
        ({"suit": "x"}, "suit"),
    ):
        with pytest.raises(ValidationError, match=message):
            SuiteFile.model_validate(good | change)


def test_registered_tasks_are_found_before_gymnasium_s() -> None:
    assert get_task("Pendulum-v1") is registered_tasks()["Pendulum-v1"]
    assert get_task("Pendulum-v1").normalized_score(-150.0) == pytest.approx(100)


def test_only_name_suite_and_environment_are_needed() -> None:
    task = replace(Task("a", "b", "c"), observation_size=3)
    assert task.hyperparameters == {}
    assert resolve_hyperparameters(task, "odt", "paper", {}).hidden_size == 512
