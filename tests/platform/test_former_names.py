"""Names that earlier versions used are read, in commands and in the files of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.run_settings import read_settings, setting
from vitamin.analysis.schema import RunInfo
from vitamin.errors import RunError, SettingsError
from vitamin.former_names import present_settings
from vitamin.platform.experiments.same_run import config_text, started_as
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.tasks.overrides import parse_overrides


def spec(**overrides: Any) -> ExperimentSpec:
    return ExperimentSpec.create(task="Pendulum-v1", preset="tiny", overrides=overrides)


def former(text: str) -> str:
    assert text.count("critic_network: mlp") == 1
    return text.replace("critic_network: mlp", "critic_network: perceptron")


def test_values_that_are_given_by_their_former_name() -> None:
    assert Hyperparameters(critic_network="perceptron") == Hyperparameters()
    assert parse_overrides(["critic_network=perceptron"]) == {"critic_network": "mlp"}
    assert spec(critic_network="perceptron").resolved() == spec().resolved()
    assert spec(critic_network="perceptron").changes() == {}
    with pytest.raises(SettingsError, match="expected mlp or rnn or lstm"):
        parse_overrides(["critic_network=gru"])


def test_nothing_else_is_renamed() -> None:
    kept = {"critic_network": "lstm", "preset": "perceptron", "seeds": [0], "tau": {"perceptron": 1}}
    assert present_settings(kept) == kept


def test_settings_of_an_earlier_version_are_the_same_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(former(config_text(spec())))
    assert read_config(file).resolved() == spec().resolved()
    assert "critic_network" not in read_config(file).overrides
    assert started_as(tmp_path, spec()).resolved() == spec().resolved()
    with pytest.raises(RunError, match="critic_network: 'mlp' → 'lstm'"):
        started_as(tmp_path, spec(critic_network="lstm"))


def test_results_of_both_versions_have_one_name(tmp_path: Path) -> None:
    content = {
        "schema_version": 1, "name": "r", "task": "Pendulum-v1", "method": "td3_odt", "preset": "tiny", "seed": 0,
        "overrides": {"critic_network": "perceptron"}, "status": "finished", "versions": {}, "host": "h",
        "started": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(content))
    (tmp_path / "config.yaml").write_text(former(config_text(spec())))
    info = RunInfo.read(tmp_path)
    assert info.overrides == {"critic_network": "mlp"}
    settings = read_settings(RunFiles(tmp_path))
    assert settings is not None
    assert settings["critic_network"] == setting(RunFiles(tmp_path), info, "critic_network") == "mlp"
