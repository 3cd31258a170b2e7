import pickle
from dataclasses import replace

import gymnasium
import pytest
from gymnasium.envs.classic_control import PendulumEnv
from pydantic import ValidationError

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS
from vitamin.errors import TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.tasks import Task, preset_names, resolve_hyperparameters, task_names
from vitamin.platform.tasks.registry_files import registered_tasks, suites, tasks_of
from vitamin.platform.tasks.schema import SuiteFile

LOCOMOTION = [
    f"{environment}-{kind}-v2"
    for environment in ("hopper", "halfcheetah", "walker2d", "ant")
    for kind in ("medium", "medium-replay", "random")
]


ADROIT = [
    f"{tool}-{kind}-v1"
    for tool in ("pen", "hammer", "door", "relocate")
    for kind in ("expert", "cloned", "human")
]
ANTMAZE = [
    f"antmaze-{maze}-{version}"
    for maze in ("umaze", "umaze-diverse", "medium-play", "medium-diverse", "large-play", "large-diverse")
    for version in ("v2", "v0")
]
MAZE2D = ["maze2d-open-v0", "maze2d-umaze-v1", "maze2d-medium-v1", "maze2d-large-v1"]


def test_the_registry_holds_the_paper_s_tasks_and_pendulum() -> None:
    assert set(task_names()) == {*LOCOMOTION, *ADROIT, *ANTMAZE, *MAZE2D, "Pendulum-v1"}
    assert len(task_names()) == len(set(task_names())) == 41


@pytest.mark.parametrize("name", [*LOCOMOTION, *ADROIT, *ANTMAZE, *MAZE2D])
def test_every_published_task_says_what_to_expect(name: str) -> None:
    task = get_task(name)
    assert task.dataset_url
    assert task.dataset_kind
    assert task.reference_source == "D4RL"
    assert task.reward_range is not None
    assert task.quirks
    assert task.sources


@pytest.mark.parametrize(
    ("names", "ends"),
    [
        ([*LOCOMOTION, *ADROIT, *MAZE2D], "flags"),
        ([name for name in ANTMAZE if name.endswith("v2")], "transitions"),
        ([name for name in ANTMAZE if name.endswith("v0")], "jumps"),
    ],
    ids=["flags", "transitions", "jumps"],
)
def test_how_files_are_cut_is_the_registry_s(names: list[str], ends: str) -> None:
    assert {get_task(name).episode_ends for name in names} == {ends}


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
        ("halfcheetah-medium-v3", "Did you mean halfcheetah-medium-v2"),
        (
            "hopper-medium-v0",
            "no hopper-medium-v0 here, only hopper-medium-v2, .* not comparable: -v0 is another",
        ),
        ("hopper-medium-v1", "only hopper-medium-v2, .* 6 327 episodes of mean return 237"),
        ("door-human-v0", "only door-human-v1, .*door-v0_demos_clipped.hdf5"),
        ("maze2d-umaze-v0", "only maze2d-umaze-v1, .*the maze before it was made easier"),
        ("antmaze-umaze-v1", "only antmaze-umaze-v2 and antmaze-umaze-v0, .*deprecated"),
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
    reward_range, height = hopper["reward_range"], hopper["observation_ranges"][0]
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
        ({"hyperparameters_source": ""}, "has hyperparameters, but no hyperparameters_source"),
        (
            {"environments": {"hopper": hopper | {"reward_range": reward_range | {"reaches": 99}}}},
            "no reward is within -10.0 … 15.0 and of size 99",
        ),
        (
            {"environments": {"hopper": hopper | {"observation_ranges": [height | {"column": 11}]}}},
            "hopper: has no observation 11",
        ),
        (
            {"environments": {"hopper": hopper | {"observation_ranges": [height | {"low": 3}]}}},
            "no observation 0 lies between 3.0 and 2.5",
        ),
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
