"""Run folders as runs write them, to scores."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.analysis.run_folders import write_run
from vitamin.analysis.choice import Choice
from vitamin.analysis.protocol import protocol
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import CONFIG_FILE, EVALUATIONS_FILE, ReferenceScores
from vitamin.analysis.scores import run_scores
from vitamin.platform.experiments.same_run import config_text
from vitamin.platform.experiments.spec import ExperimentSpec

TASK = "hopper-medium-v2"


def write(folder: Path, scores: Any, *, preset: str = "tiny", hour: int = 0, **values: Any) -> None:
    """A run with its ``config.yaml``."""
    settings = {name: values.pop(name) for name in ("num_learners", "num_env_runners") if name in values}
    overrides, method = values.pop("overrides", {}), values.pop("method", "td3_odt")
    spec = ExperimentSpec.create(task=TASK, method=method, preset=preset, overrides=overrides, **settings)
    write_run(
        folder,
        scores,
        preset=preset,
        method=method,
        overrides=spec.overrides,
        online_steps=spec.hyperparameters().online_steps,
        started=datetime(2026, 1, 2, hour, tzinfo=UTC),
        **values,
    )
    (folder / CONFIG_FILE).write_text(config_text(spec), encoding="utf-8")


def test_seeds_of_one_experiment_however_it_was_asked_for(tmp_path: Path) -> None:
    usual = ExperimentSpec.create(task=TASK, preset="tiny").hyperparameters()
    short, long = {"online_steps": 1000}, {"online_steps": 3000}
    write(tmp_path / "a", [10, 20], overrides=short)
    write(tmp_path / "b", [10, 30, 40, 50], overrides=long | {"batch_size": usual.batch_size}, seed=1)
    write(tmp_path / "c", [10, 40], overrides=short | {"learner_threads": 1, "eval_interval": 1}, seed=2)
    write(tmp_path / "d", [10, 50], overrides=short, num_learners=2, num_env_runners=3, seed=3)
    scores = run_scores(load_results(tmp_path))
    assert scores.labels == ("TD3+ODT",)
    assert scores.common_steps == {TASK: 1000}
    assert scores.frame["final"].tolist() == [20, 30, 40, 50]
    assert scores.frame["own_final"].tolist() == [20, 50, 40, 50]
    found = protocol(load_results(tmp_path), scores)
    assert f"Online steps on {TASK}: TD3+ODT 1 000 … 3 000. Finals are compared at 1 000." in found.sentences


def test_a_sweep_and_a_config_file_that_is_damaged(tmp_path: Path) -> None:
    steps = {"online_steps": 1000}
    write(tmp_path / "a", [10, 20], overrides=steps)
    write(tmp_path / "b", [10, 30], overrides=steps | {"rl_coefficient": 0.5})
    write(tmp_path / "c", [10, 40], overrides=steps | {"rl_coefficient": 0.5}, seed=1)
    write(tmp_path / "d", [10, 40], overrides=steps, method="odt")
    labels = ("ODT", "TD3+ODT, rl_coefficient=0.1", "TD3+ODT, rl_coefficient=0.5")
    assert run_scores(load_results(tmp_path)).labels == labels
    for run in ("b", "c"):
        (tmp_path / run / CONFIG_FILE).write_text("{torn")
    assert run_scores(load_results(tmp_path)).labels == labels
    assert run_scores(load_results(tmp_path), Choice(by=("rl_coefficient",))).labels == labels


def test_presets(tmp_path: Path) -> None:
    steps = {"online_steps": 1000}
    write(tmp_path / "a", [10, 20], overrides=steps)
    write(tmp_path / "b", [10, 30], overrides=steps, preset="paper")
    assert run_scores(load_results(tmp_path)).labels == ("TD3+ODT, preset=paper", "TD3+ODT, preset=tiny")


def test_failures_reruns_and_a_torn_evaluation(tmp_path: Path) -> None:
    steps = {"online_steps": 1000}
    write(tmp_path / "a", [10, 20], overrides=steps, status="failed")
    write(tmp_path / "b", [10, 30], overrides=steps, hour=1)
    write(tmp_path / "c", [10, 90], overrides=steps, hour=2)
    write(tmp_path / "d", [40], overrides=steps, seed=1, status="diverged")
    write(tmp_path / "e", [10, 60], overrides=steps, seed=2, reference_scores=None, status="running")
    write(tmp_path / "f", [10, 30], overrides=steps, seed=3, status="stopped")
    path = tmp_path / "b" / EVALUATIONS_FILE
    path.write_text(path.read_text() + "online,3,1500,900,3.6,0,7")
    scores = run_scores(load_results(tmp_path))
    assert scores.frame.set_index("run")["left_out"].to_dict() == {
        "a": "failed",
        "b": "",
        "c": "rerun of b, whose result counts",
        "d": "",
        "e": "not finished",
        "f": "stopped before its end",
    }
    assert scores.counted["final"].tolist() == [30, 40]
    assert set(scores.frame["unit"]) == {"normalized"}


def test_reference_scores_that_differ(tmp_path: Path) -> None:
    steps = {"online_steps": 1000}
    write(tmp_path / "a", [10, 20], overrides=steps)
    write(tmp_path / "b", [10, 30], overrides=steps, seed=1, reference_scores=ReferenceScores(min=0, max=500))
    scores = run_scores(load_results(tmp_path))
    assert scores.labels == ("TD3+ODT",)
    assert scores.frame["unit"].tolist() == ["return", "return"]
    assert scores.frame["final"].tolist() == [200, 300]
