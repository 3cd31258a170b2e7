"""`vitamin.train` and `vitamin.evaluate` do what the commands do."""

import inspect
import math
from pathlib import Path

import pandas as pd
import pytest

import vitamin
from tests.platform.agent_runs import make_run
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.analysis.schema import RunInfo
from vitamin.errors import RunError, SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments import train as loop
from vitamin.platform.experiments.evaluate import evaluate_run
from vitamin.platform.experiments.runs import evaluate, train
from vitamin.platform.experiments.spec import ExperimentSpec

GOAL = "tests.platform.own_environments:Goal-v0"


def test_every_field_of_an_experiment_has_an_argument_with_its_default() -> None:
    parameters = inspect.signature(train).parameters
    assert not parameters.keys() & Hyperparameters.model_fields.keys()  # which are its keywords too
    fields = ExperimentSpec.model_fields
    assert fields.keys() - parameters.keys() == {"overrides"}
    for name in parameters.keys() & fields.keys() - {"task"}:
        assert parameters[name].default == fields[name].default, name


@pytest.mark.ray
@pytest.mark.slow
def test_a_run_is_trained_continued_evaluated_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    collect_dataset(get_task("Pendulum-v1"), steps=1000, out=Path("data.hdf5"))
    settings = {"data": "data.hdf5", "preset": "tiny", "num_env_runners": 0, "pretrain_updates": 20}
    run = vitamin.train("Pendulum-v1", online_steps=0, **settings)
    assert run == Path("results/Pendulum-v1-td3_odt-seed0")
    assert RunInfo.read(run).status == "finished"
    with pytest.raises(RunError, match="holds a run"):
        vitamin.train("Pendulum-v1", online_steps=0, **settings)
    assert vitamin.train("Pendulum-v1", online_steps=400, resume=True, **settings) == run
    results = vitamin.load_results(run)
    assert results.runs["env_steps"].tolist() == [400]

    episodes = vitamin.evaluate(run, episodes=3, seed=1)
    result = evaluate_run(run, episodes=3, seed=1)
    assert episodes["return"].tolist() == list(result.returns)
    assert vitamin.load_agent(run).act([1.0, 0.0, 0.0]).shape == (1,)


def test_wrong_settings_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rl_coefficient"):
        train("Pendulum-v1", out=tmp_path / "run", rl_coeficient=0.5)
    with pytest.raises(SettingsError, match="makes no sense for the method odt"):
        train("Pendulum-v1", method="odt", out=tmp_path / "run", tau=0.5)
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_stopped_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(spec: ExperimentSpec, out: Path, **_: object) -> RunInfo:
        make_run(out)
        info = RunInfo.read(out)
        return info.model_copy(
            update={"status": "stopped", "message": "stopped by SIGTERM; `--resume` continues it"}
        )

    monkeypatch.setattr(loop, "train", stopped)
    with pytest.raises(
        RunError, match=r"run is not finished: stopped by SIGTERM; `--resume` continues it\.$"
    ):
        train("Pendulum-v1", out=tmp_path / "run", preset="tiny")


def test_evaluations_are_frames(tmp_path: Path) -> None:
    make_run(tmp_path / "pendulum")
    frame = evaluate(tmp_path / "pendulum", episodes=2)
    assert list(frame) == ["return", "discounted_return", "length", "normalized_score", "success"]
    score = get_task("Pendulum-v1").normalized_score
    assert frame["normalized_score"].tolist() == [score(value) for value in frame["return"]]
    assert frame["success"].isna().all()
    assert frame.index.tolist() == [0, 1]

    make_run(tmp_path / "goal", task=GOAL)
    reached = evaluate(str(tmp_path / "goal"), episodes=2, checkpoint=2)
    assert reached["success"].tolist() == [True, True]
    assert reached["success"].dtype == pd.BooleanDtype()
    assert all(map(math.isnan, reached["normalized_score"]))
