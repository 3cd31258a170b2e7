"""Experiment specifications and the files that hold them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import vitamin
from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import RunError, SettingsError, TaskError, VitaminError
from vitamin.platform.experiments.spec import ExperimentSpec, read_config


def write_config(file: Path, **values: Any) -> ExperimentSpec:
    spec = ExperimentSpec.create(**{"task": "hopper-medium-v2", "preset": "small"} | values)
    file.write_text(yaml.safe_dump(spec.resolved()))
    return spec


def used(spec: ExperimentSpec, settings: Hyperparameters) -> dict[str, Any]:
    """Those of ``settings`` that the specification's method uses."""
    return settings.model_dump(exclude=set(ignored_settings(get_method(spec.method))))


def test_a_config_reads_back(tmp_path: Path) -> None:
    spec = write_config(tmp_path / "config.yaml", overrides={"tau": 0.1}, seed=3)
    assert read_config(tmp_path / "config.yaml") == spec
    assert read_config(tmp_path / "config.yaml", seed=4) == spec.model_copy(update={"seed": 4})


@pytest.mark.parametrize(
    "changes",
    [{"task": "walker2d-random-v2"}, {"method": "odt"}, {"preset": "paper"}, {"task": "Pendulum-v1"}],
)
def test_changes_leave_the_hyperparameters_alone(tmp_path: Path, changes: dict[str, str]) -> None:
    spec = write_config(tmp_path / "config.yaml", overrides={"tau": 0.1})
    changed = read_config(tmp_path / "config.yaml", **changes)
    assert used(changed, changed.hyperparameters()) == used(changed, spec.hyperparameters())
    assert {name: getattr(changed, name) for name in changes} == changes


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("seed: 0", "seed: one", SettingsError, "seed"),
        ("discount: 0.99", "discount: high", SettingsError, "discount=high does not fit"),
        ("task: hopper-medium-v2", "task: hoper-medium-v2", TaskError, "Did you mean hopper-medium-v2"),
        ("method: td3_odt", "method: td3odt", SettingsError, "Did you mean td3_odt"),
        ("num_learners: 0", "num_learner: 0", SettingsError, "num_learner"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, kind: type[VitaminError], message: str
) -> None:
    file = tmp_path / "config.yaml"
    write_config(file)
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(kind, match=message) as error:
        read_config(file)
    assert str(error.value).startswith(f"{file}: ")


def test_the_file_is_not_blamed_for_a_wrong_change(tmp_path: Path) -> None:
    write_config(tmp_path / "config.yaml")
    with pytest.raises(SettingsError, match="Unknown method 'td3odt'"):
        read_config(tmp_path / "config.yaml", method="td3odt")


def test_the_command_line_overrides_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ExperimentSpec] = []

    def train(spec: ExperimentSpec, *_: Any, **__: Any) -> None:
        asked.append(spec)
        raise RunError("seen")

    monkeypatch.setattr("vitamin.platform.experiments.train.train", train)
    spec = write_config(tmp_path / "config.yaml", overrides={"tau": 0.1}, seed=3)
    options = ["--method", "odt", "--set", "dropout=0.3", "--online-steps", 7, "--out", tmp_path / "run"]
    vitamin("train", "--config", tmp_path / "config.yaml", *options, code=1)
    (made,) = asked
    assert (made.method, made.seed, made.task) == ("odt", 3, "hopper-medium-v2")
    expected = spec.hyperparameters().model_copy(update={"dropout": 0.3, "online_steps": 7})
    assert used(made, made.hyperparameters()) == used(made, expected)


def test_a_resume_without_a_run_is_no_silent_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message = vitamin("train", "--resume", "--out", "typo", code=1).stderr
    assert message.startswith("error: typo holds no run to resume.")

    def train(*_: Any, **__: Any) -> None:
        raise RunError("seen")

    monkeypatch.setattr("vitamin.platform.experiments.train.train", train)
    answer = vitamin("train", "Pendulum-v1", "--resume", "--out", "typo", "--quiet", code=1)
    assert answer.stderr == "No run in typo yet: starting.\nerror: seen\n"
    assert "starting" not in vitamin("train", "Pendulum-v1", "--out", "typo", code=1).stderr
