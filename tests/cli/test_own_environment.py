"""An environment of the user's own, from data to a report, with reference scores and targets from its data."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.command import in_new_process, vitamin
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import ReferenceScores, RunInfo

NAME = "tests.platform.own_environments:Corridor-v0"
DERIVED = ("eval_target_return", "online_target_return", "return_scale")


@pytest.mark.ray
@pytest.mark.slow
def test_reference_scores_and_targets_reach_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path.cwd()
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.chdir(tmp_path)
    vitamin("data", "collect", NAME, "--steps", 400, "--out", "own.hdf5")
    options = ["--data", "own.hdf5", "--preset", "tiny", "--num-env-runners", 0, "--online-steps", 100]
    command = ["train", NAME, *options, "--reference-scores", -10, 30, "--out", "run", "--resume"]
    code, out, err = in_new_process(*command)
    assert code == 0, err
    assert "Mean normalized score: " in out

    info = RunInfo.read(tmp_path / "run")
    assert info.reference_scores == ReferenceScores(min=-10, max=30)
    assert {"online_steps", *DERIVED} == set(info.overrides)
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["reference_scores"] == [-10, 30]
    assert {name: config["hyperparameters"][name] for name in DERIVED} == {
        name: info.overrides[name] for name in DERIVED
    }
    rows = load_results(tmp_path / "run").evaluations
    assert ((rows["return"] + 10) / 0.4 - rows["normalized_score"]).abs().max() < 1e-3
    assert set(rows["target_return"]) == {info.overrides["eval_target_return"]}
    metrics = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert any("evaluation/normalized_score" in record for record in metrics)

    assert "is finished already" in vitamin(*command).stderr
    assert "is finished already" in vitamin("train", "--resume", "--out", "run").stderr
    other = vitamin(*command[:-5], -10, 40, "--out", "run", "--resume", code=1).stderr
    assert "reference_scores: [-10.0, 30.0] → [-10.0, 40.0]" in other
    assert "normalized score" in vitamin("evaluate", "run", "--episodes", 2).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["Pendulum-v1", "--reference-scores", "-1000", "-100"], 1, "Pendulum-v1 has reference scores"),
        ([NAME, "--reference-scores", "5", "5"], 1, "the first must be the lower one"),
        ([NAME, "--reference-scores", "0", "inf"], 1, "reference_scores.1"),
        ([NAME, "--reference-scores", "low", "high"], 2, "Invalid value for '--reference-scores'"),
    ],
)
def test_wrong_reference_scores(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    message = vitamin("train", *arguments, "--out", tmp_path / "run", code=code).stderr
    assert words in " ".join(message.split())
