"""Environments are tried out before anything long begins, and what is wrong with them comes in one sentence."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from numpy.testing import assert_array_equal

from tests.cli.command import vitamin
from tests.platform.agent_runs import make_run
from vitamin import ODTConfig
from vitamin.errors import EnvironmentFailure, SweepError, TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.environments import probe_environment
from vitamin.platform.experiments import train as train_module
from vitamin.platform.sweeps import execution

ODD = "tests.platform.odd_environments:{}-v0"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["Sound", "RewardArray", "LateSuccess", "Draws", "Locked", "Scales"])
def test_sound_environments_pass_and_leave_the_global_generators_alone(name: str) -> None:
    def states() -> tuple[object, ...]:
        numpy = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        return random.getstate(), numpy, torch.get_rng_state().tolist()

    task = get_task(ODD.format(name))
    before = states()
    assert probe_environment(task) == ()
    assert states() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "OldReset",
            r"has a reset\(\) without seed and options, as in gym before 0\.26\. Gymnasium's is reset",
        ),
        ("NoOptions", r"has a reset\(\) without options"),
        (
            "NoInfo",
            r"a ndarray from reset\(\) .* two values, observation and info, as in gym before 0\.26 \(at reset",
        ),
        (
            "FourValues",
            r"4 values from step\(\) instead of Gymnasium's five, .* as in gym before 0\.26 \(at step 1",
        ),
        ("RaisesAtReset", r"raised KeyError: 'licence' \(at reset"),
        ("RaisesAtStep", r"raised ValueError: the joint came off \(at step 1"),
        ("RewardMatrix", r"the reward array\(\[\[0\., 0\.\]\]\), which is not one number \(at step 1"),
        ("TextFlag", "terminated = 'False', which is neither true nor false"),
        ("NoneInfo", "as info None, which is not a dictionary"),
        ("Quitting", r"ends the process: it calls sys\.exit\(3\)"),
    ],
)
def test_mistakes_are_one_sentence_that_says_where(name: str, message: str) -> None:
    with pytest.raises(EnvironmentFailure, match=message) as failure:
        probe_environment(get_task(ODD.format(name)))
    assert str(failure.value).startswith(f"The environment {ODD.format(name)} ")
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "notice"),
    [
        ("TextSuccess", r"Success is not recorded: info\['success'\] is of type str"),
        ("Unseeded", "does not begin alike when it is reset twice with one seed: results will not repeat"),
    ],
)
def test_what_a_user_should_know(name: str, notice: str) -> None:
    (told,) = probe_environment(get_task(ODD.format(name)))
    assert notice.replace("\\", "") in told


SPACES = {
    "Integers": "has actions Box(0, 5, (2,), int32); supported are Box spaces of floating point numbers",
    "NoActions": "has no actions: Box([], [], (0,), float32)",
    "NoObservations": "has no observations: Box([], [], (0,), float32)",
    "HalfBounded": "has actions without bounds: component 1 lies between -1 and inf",
    "FloatBounds": "has actions without bounds: component 0 lies between -3.40282e+38 and 3.40282e+38",
    "HugeBounds": "has actions without bounds: component 1 lies between -1 and 1e+30",
    "RaisesAtClose": "RaisesAtClose-v0 cannot be closed: RuntimeError: the window is gone",
}


@pytest.mark.parametrize("name", SPACES)
def test_spaces_that_are_not_supported_are_refused_when_the_task_is_looked_up(name: str) -> None:
    with pytest.raises(TaskError) as error:
        get_task(ODD.format(name))
    assert SPACES[name] in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"), [("Integers", SPACES["Integers"]), ("FourValues", "4 values from step")]
)
def test_every_command_says_the_same(tmp_path: Path, name: str, message: str) -> None:
    task = ODD.format(name)
    sound = tmp_path / "sound.hdf5"
    vitamin("data", "collect", ODD.format("Sound"), "--steps", 60, "--out", sound)
    spec = {"name": "odd", "tasks": [task], "methods": ["odt"], "seeds": 1, "data": {task: str(sound)}}
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(spec))
    for command in (
        ["train", task, "--data", sound, "--out", tmp_path / "run"],
        ["data", "collect", task, "--steps", 60, "--out", tmp_path / "odd.hdf5"],
        ["sweep", tmp_path / "spec.yaml", "--out", tmp_path / "sweep"],
    ):
        assert message in " ".join(vitamin(*command, code=1).stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sound.hdf5", "spec.yaml"]


def test_ray_is_not_started_for_an_environment_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("Ray has been started")

    for module in (train_module, execution):
        monkeypatch.setattr(module, "ray_session", started)
    sound = tmp_path / "sound.hdf5"
    vitamin("data", "collect", ODD.format("Sound"), "--steps", 60, "--out", sound)
    vitamin("train", ODD.format("RaisesAtStep"), "--data", sound, "--out", tmp_path / "run", code=1)
    assert not (tmp_path / "run").exists()
    with pytest.raises(SweepError, match=r"RaisesAtStep-v0: The environment .* raised ValueError"):
        execution.run_sweep(_plan(ODD.format("RaisesAtStep"), sound), tmp_path / "sweep", None)  # type: ignore[arg-type]


def _plan(task: str, data: Path) -> execution.Plan:
    from vitamin.platform.sweeps import SweepSpec, make_plan

    spec = {"name": "odd", "tasks": [task], "methods": ["odt"], "seeds": 1, "data": {task: str(data)}}
    return make_plan(SweepSpec.model_validate(spec))


def test_building_an_algorithm_in_python_probes_too(tmp_path: Path) -> None:
    sound = tmp_path / "sound.hdf5"
    vitamin("data", "collect", ODD.format("Sound"), "--steps", 60, "--out", sound)
    config = ODTConfig().environment(ODD.format("RaisesAtStep"), data=sound, preset="tiny")
    with pytest.raises(EnvironmentFailure, match="raised ValueError: the joint came off"):
        config.build_algo()


def test_evaluating_probes_too_and_tells_once_what_success_says(tmp_path: Path) -> None:
    make_run(tmp_path / "text", task=ODD.format("TextSuccess"))
    answer = vitamin("evaluate", tmp_path / "text", "--episodes", 3)
    assert answer.stderr.count("Success is not recorded") == 1
    assert "success, %" not in answer.stdout
    make_run(tmp_path / "late", task=ODD.format("LateSuccess"))
    answer = vitamin("evaluate", tmp_path / "late", "--episodes", 3)
    assert "Success is not recorded" not in answer.stderr
    assert re.search(r"success, % +100\.0", answer.stdout)
    make_run(tmp_path / "four", task=ODD.format("FourValues"))
    assert "4 values from step" in vitamin("evaluate", tmp_path / "four", code=1).stderr


def test_a_locked_component_has_one_value_only(tmp_path: Path) -> None:
    """Float64 bounds that float32 cannot hold exactly: the environment itself refuses anything else."""
    from vitamin.platform.datasets import collect_dataset, read_dataset
    from vitamin.platform.environments import make_environment
    from vitamin.platform.experiments.collect import collect_from_agent
    from vitamin.platform.experiments.evaluate import load_agent

    task = get_task(ODD.format("Locked"))
    make_run(tmp_path / "run", task=task.name)
    agent = load_agent(tmp_path / "run")
    for path in (
        collect_dataset(task, steps=100, out=tmp_path / "random.hdf5"),
        collect_from_agent(agent, task, steps=100, out=tmp_path / "run.hdf5"),
    ):
        dataset = read_dataset(path, task)
        actions = dataset.trajectories.actions
        assert_array_equal(actions[:, 1], 0)
        assert actions[:, 0].std() > 0
        assert np.abs(actions).max() <= 1
        assert dataset.clipped_actions == 0
    env = make_environment(task)
    env.reset(seed=0)
    for action in ([-1, 1], [1, -1], [0, 0]):
        env.step(np.array(action, np.float32))
