"""The frames that `load_results` gives have the columns that are documented, and no others."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.run_folders import write_run
from tests.analysis.test_results import metrics_text
from vitamin.analysis import columns
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATIONS_FILE,
    METRICS_FILE,
    Column,
    DatasetInfo,
    RunTime,
)
from vitamin.errors import ReportError


def check(frame: pd.DataFrame, documented: tuple[Column, ...]) -> None:
    assert list(frame) == [column.name for column in documented]
    for column in documented:
        expected = {"str": "object", "time": "datetime64[ns, UTC]"}.get(column.dtype, column.dtype)
        assert str(frame[column.name].dtype) == expected, column.name


@pytest.mark.parametrize("evaluated", [True, False])
def test_frames_have_the_documented_columns(tmp_path: Path, evaluated: bool) -> None:
    write_run(tmp_path / "run", [1, 2])
    if evaluated:
        write_run(tmp_path / "other", [1, 2], reference_scores=None, dataset=None)
        lines = [json.loads(line) | {"episodes": 3} for line in metrics_text(1, 2).splitlines()]
        (tmp_path / "run" / METRICS_FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    else:
        (tmp_path / "run" / EVALUATIONS_FILE).unlink()
    results = load_results(tmp_path)
    check(results.runs, columns.RUN_COLUMNS)
    check(results.evaluations, columns.EVALUATION_MEANS)
    check(results.timing(), columns.TIMING_COLUMNS)
    episodes = [column for column in columns.EPISODE_COLUMNS if column.name != "phase"]
    check(results.episodes().drop(columns="phase"), tuple(episodes))
    assert list(results.episodes()) == columns.names(columns.EPISODE_COLUMNS)
    metrics = results.metrics()
    assert list(metrics) == columns.names(columns.METRIC_COLUMNS)
    if evaluated:
        assert len(metrics) == 2
        words = [column for column in columns.METRIC_COLUMNS if column.name != "phase"]
        check(metrics.drop(columns="phase"), tuple(words))


def test_the_values_of_a_run(tmp_path: Path) -> None:
    data = DatasetInfo(path="/d", fingerprint="abc", trajectories=1, steps=2, label="stand-in: random policy")
    write_run(tmp_path / "run", [1, 2], dataset=data, commit="c0ffee", online_steps=1000, message="m")
    row = load_results(tmp_path).runs.iloc[0].to_dict()
    assert row == {
        "run": "run",
        "folder": str(tmp_path / "run"),
        "task": "hopper-medium-v2",
        "method": "td3_odt",
        "preset": "small",
        "seed": 0,
        "status": "finished",
        "message": "m",
        "name": "run",
        "started": pd.Timestamp("2026-01-02 03:04:05", tz="UTC"),
        "updated": pd.Timestamp("2026-01-02 04:04:05", tz="UTC"),
        "wall_time_s": 3600.0,
        "host": "here",
        "commit": "c0ffee",
        "version": "0.1.0",
        "data": "stand-in: random policy",
        "fingerprint": "abc",
        "reference_min": 0.0,
        "reference_max": 1000.0,
        "online_steps": 1000.0,
        "env_steps": 1000,
        "gradient_updates": 600,
    }


def test_the_budget_of_earlier_versions(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 2], overrides={"online_steps": 500})
    write_run(tmp_path / "b", [1, 2])
    (tmp_path / "b" / CONFIG_FILE).write_text("seed: 0\nhyperparameters:\n  online_steps: 700\n")
    write_run(tmp_path / "c", [1, 2])
    steps = load_results(tmp_path).runs["online_steps"]
    assert steps.fillna(-1).tolist() == [500, 700, -1]


def test_settings(tmp_path: Path) -> None:
    for name in "abcd":
        write_run(tmp_path / name, [1, 2])
    text = "task: x\nreference_scores:\n- 1\n- 2\nhyperparameters:\n  tau: 0.5\n  # more\n  size: 2\n"
    (tmp_path / "a" / CONFIG_FILE).write_text(text + "seed: 4\n")
    (tmp_path / "b" / CONFIG_FILE).write_text("task: [\n")
    (tmp_path / "c" / CONFIG_FILE).write_bytes(b"\xff")
    results = load_results(tmp_path)
    expected = {"task": "x", "reference_scores": [1, 2], "tau": 0.5, "size": 2, "seed": 4}
    assert results.settings("a") == expected
    assert results.settings("a") is results.settings("a")
    assert [results.settings(name) for name in "bcd"] == [None, None, None]
    with pytest.raises(ReportError, match=r"no run 'e' among the results"):
        results.settings("e")


def test_timing(tmp_path: Path) -> None:
    time = RunTime(sample_s=100.0, update_s=1200.0, sync_s=1.0, evaluate_s=299.0)
    write_run(tmp_path / "told", [1, 2], time=time)
    write_run(tmp_path / "counted", [1, 2])
    lines = [json.loads(line) for line in metrics_text(1, 2, 3).splitlines()]
    lines[0] |= {"time/update_s": 2e-05, "time/iteration_s": 7.0}
    lines[1] |= {"time/update_s": 3.0, "time/sample_s": 20.0, "time/evaluate_s": 0.5}
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "counted" / METRICS_FILE).write_text(text + '{"time/update_s": 100.0,')
    write_run(tmp_path / "unknown", [1, 2], wall_time_s=5)
    timing = load_results(tmp_path).timing().set_index("run")
    assert timing.loc["told"].to_dict() == {
        "sample_s": 100.0,
        "update_s": 1200.0,
        "evaluate_s": 299.0,
        "sync_s": 1.0,
        "other_s": 2000.0,
        "wall_time_s": 3600.0,
        "updates_per_s": 0.5,
        "env_steps_per_s": 10.0,
    }
    counted = timing.loc["counted"]
    assert counted["update_s"] == pytest.approx(3.00002)
    assert counted[["sample_s", "evaluate_s", "sync_s"]].tolist() == [20.0, 0.5, 0.0]
    assert timing.loc["unknown"].drop("wall_time_s").isna().all()


def test_odd_values_of_run_files_and_metrics_are_no_fault(tmp_path: Path) -> None:
    write_run(tmp_path / "huge", [1, 2], overrides={"online_steps": 10**400})
    write_run(tmp_path / "infinite", [1, 2], overrides={"online_steps": 1e999})
    write_run(tmp_path / "word", [1, 2], overrides={"online_steps": "many"})
    write_run(tmp_path / "old", [1, 2], started=datetime(1, 1, 1, tzinfo=UTC))
    line = json.loads(metrics_text(1)) | {"run": 5, "later": [1]}
    (tmp_path / "old" / METRICS_FILE).write_text(json.dumps(line) + "\n")
    results = load_results(tmp_path)
    assert results.runs["online_steps"].isna().all()
    assert results.runs["started"].isna().tolist() == [False, False, True, False]
    metrics = results.metrics()
    assert list(metrics)[-1] == "later"
    assert metrics["run"].tolist() == ["old"]
