import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.analysis.run_folders import write_run, write_seeds
from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores
from vitamin.analysis.statistics import (
    ALL_TASKS,
    IQM,
    MEAN,
    MEDIAN,
    OPTIMALITY_GAP,
    aggregate,
    intervals_overlap,
    separation,
    summarize,
)

REPS = 200


def scores_of(directory: Path) -> pd.DataFrame:
    return run_scores(load_results(directory))


def estimate(frame: pd.DataFrame, metric: str, *, task: str, label: str = "TD3+ODT") -> pd.Series:
    chosen = frame[(frame["task"] == task) & (frame["label"] == label) & (frame["metric"] == metric)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_summary_by_hand(tmp_path: Path) -> None:
    write_seeds(tmp_path, [20, 40, 60], pretrained=15)
    row = summarize(scores_of(tmp_path)).iloc[0]
    assert (row["seeds"], row["final_mean"], row["change_mean"]) == (3, 40.0, 25.0)
    assert row["final_std"] == pytest.approx(20.0)
    assert row["pretrained_std"] == 0.0


def test_aggregates_of_one_task_by_hand(tmp_path: Path) -> None:
    write_seeds(tmp_path, [10, 20, 40, 50, 120])
    frame = aggregate(scores_of(tmp_path), reps=REPS).frame
    task = "hopper-medium-v2"
    assert estimate(frame, IQM, task=task)["value"] == pytest.approx((20 + 40 + 50) / 3)
    assert estimate(frame, MEAN, task=task)["value"] == pytest.approx(48)
    assert estimate(frame, MEDIAN, task=task)["value"] == pytest.approx(48)
    gap = 100 - (10 + 20 + 40 + 50 + 100) / 5
    assert estimate(frame, OPTIMALITY_GAP, task=task)["value"] == pytest.approx(gap)
    assert set(frame["task"]) == {task}


def test_aggregates_over_tasks_by_hand(tmp_path: Path) -> None:
    write_seeds(tmp_path, [10, 30], task="a")
    write_seeds(tmp_path, [50, 70], task="b")
    write_seeds(tmp_path, [90, 130], task="c")
    frame = aggregate(scores_of(tmp_path), reps=REPS).frame
    assert estimate(frame, MEDIAN, task=ALL_TASKS)["value"] == pytest.approx(60)
    assert estimate(frame, MEAN, task=ALL_TASKS)["value"] == pytest.approx(190 / 3)
    assert estimate(frame, IQM, task=ALL_TASKS)["value"] == pytest.approx((30 + 50 + 70 + 90) / 4)
    gap = 100 - (10 + 30 + 50 + 70 + 90 + 100) / 6
    assert estimate(frame, OPTIMALITY_GAP, task=ALL_TASKS)["value"] == pytest.approx(gap)
    assert estimate(frame, IQM, task=ALL_TASKS)[["seeds", "tasks"]].tolist() == [2, 3]


def test_intervals_contain_the_estimate_and_shrink_with_seeds(tmp_path: Path) -> None:
    finals = [20, 35, 50, 60, 80]
    write_seeds(tmp_path / "few", finals)
    write_seeds(tmp_path / "many", 8 * finals)
    widths = {}
    for name in ("few", "many"):
        frame = aggregate(scores_of(tmp_path / name), reps=REPS).frame
        assert (frame["low"] < frame["value"]).all()
        assert (frame["value"] < frame["high"]).all()
        widths[name] = (frame["high"] - frame["low"]).to_numpy()
    assert (widths["many"] < 0.6 * widths["few"]).all()


def test_intervals_are_those_of_the_percentile_bootstrap(tmp_path: Path) -> None:
    finals = np.random.default_rng(1).normal(50, 10, 12)
    write_seeds(tmp_path, list(finals))
    found = estimate(aggregate(scores_of(tmp_path), reps=2000).frame, MEAN, task="hopper-medium-v2")
    error = finals.std() / math.sqrt(len(finals))
    assert found["low"] == pytest.approx(finals.mean() - 1.96 * error, abs=0.35 * error)
    assert found["high"] == pytest.approx(finals.mean() + 1.96 * error, abs=0.35 * error)


def test_intervals_are_reproducible_and_leave_numpys_generator_alone(tmp_path: Path) -> None:
    write_seeds(tmp_path, [10, 25, 60, 90])
    scores = scores_of(tmp_path)
    before = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    first = aggregate(scores, reps=REPS).frame
    assert (np.random.get_state(legacy=False)["state"]["key"] == before).all()  # noqa: NPY002
    pd.testing.assert_frame_equal(first, aggregate(scores, reps=REPS).frame)
    other = aggregate(scores, reps=REPS, seed=1).frame
    assert not first["low"].equals(other["low"])


def test_a_single_seed_has_no_interval(tmp_path: Path) -> None:
    write_seeds(tmp_path, [40], task="a")
    write_seeds(tmp_path, [60], task="b")
    aggregates = aggregate(scores_of(tmp_path), reps=REPS)
    assert aggregates.frame["low"].isna().all()
    assert aggregates.frame["high"].isna().all()
    assert estimate(aggregates.frame, MEAN, task=ALL_TASKS)["value"] == pytest.approx(50)
    assert aggregates.notes == ("A single seed has no interval: TD3+ODT on a, TD3+ODT on b.",)
    assert math.isnan(summarize(scores_of(tmp_path))["final_std"][0])


def test_aggregates_over_tasks_use_the_seeds_of_all_tasks_and_say_so(tmp_path: Path) -> None:
    write_seeds(tmp_path, [10, 20, 30], task="a")
    write_seeds(tmp_path, [50, 60], task="b")
    aggregates = aggregate(scores_of(tmp_path), reps=REPS)
    over_tasks = estimate(aggregates.frame, MEAN, task=ALL_TASKS)
    assert (over_tasks["value"], over_tasks["seeds"]) == (pytest.approx(35), 2)
    assert estimate(aggregates.frame, MEAN, task="a")["seeds"] == 3
    assert aggregates.notes == ("TD3+ODT: seeds 2 do not enter aggregates over tasks: some tasks lack them.",)


def test_aggregates_over_tasks_compare_methods_on_their_common_tasks(tmp_path: Path) -> None:
    for task in ("a", "b", "c"):
        write_seeds(tmp_path, [10, 20], task=task)
    for task in ("a", "b"):
        write_seeds(tmp_path, [30, 40], task=task, method="odt")
    aggregates = aggregate(scores_of(tmp_path), reps=REPS)
    assert estimate(aggregates.frame, IQM, task=ALL_TASKS)["tasks"] == 2
    assert estimate(aggregates.frame, IQM, task=ALL_TASKS, label="ODT")["tasks"] == 2
    assert "leave out c" in aggregates.notes[0]


def test_methods_without_two_common_tasks_are_not_aggregated(tmp_path: Path) -> None:
    write_seeds(tmp_path, [10, 20], task="a")
    write_seeds(tmp_path, [30, 40], task="b", method="odt")
    aggregates = aggregate(scores_of(tmp_path), reps=REPS)
    assert ALL_TASKS not in set(aggregates.frame["task"])
    assert "fewer than two tasks" in aggregates.notes[0]


def test_tasks_without_reference_scores_stay_out_of_aggregates_over_tasks(tmp_path: Path) -> None:
    write_seeds(tmp_path, [10, 20], task="a")
    write_seeds(tmp_path, [30, 40], task="b")
    write_seeds(tmp_path, [-300, -200], task="Pendulum-v1", reference_scores=None)
    aggregates = aggregate(scores_of(tmp_path), reps=REPS)
    assert estimate(aggregates.frame, MEAN, task=ALL_TASKS)["value"] == pytest.approx(25)
    raw = aggregates.frame[aggregates.frame["task"] == "Pendulum-v1"]
    assert raw["metric"].tolist() == [MEDIAN, IQM, MEAN]
    assert raw["value"].tolist() == [-250.0] * 3
    assert raw["low"].tolist() == [-300.0] * 3
    assert aggregates.notes[0].startswith("Pendulum-v1 has no reference scores")


def test_swept_settings_are_separate_groups(tmp_path: Path) -> None:
    for value, final in ((0.1, 20), (1.0, 60)):
        for seed in range(2):
            overrides = {"rl_coefficient": value}
            write_run(tmp_path / f"{value}-{seed}", [5, final + seed], seed=seed, overrides=overrides)
    summary = summarize(scores_of(tmp_path))
    assert summary[["label", "seeds", "final_mean"]].to_numpy().tolist() == [
        ["TD3+ODT, rl_coefficient=0.1", 2, 20.5],
        ["TD3+ODT, rl_coefficient=1", 2, 60.5],
    ]


def test_overlap_of_intervals() -> None:
    assert intervals_overlap((0, 2), (1, 3)) is True
    assert intervals_overlap((0, 3), (1, 2)) is True
    assert intervals_overlap((0, 1), (1, 2)) is True
    assert intervals_overlap((0, 1), (1.1, 2)) is False
    assert intervals_overlap((3, 4), (1, 2)) is False
    assert intervals_overlap((math.nan, math.nan), (1, 2)) is None


def test_separation_of_the_best_from_the_others(tmp_path: Path) -> None:
    write_seeds(tmp_path, [80, 82, 84])
    write_seeds(tmp_path, [10, 12, 14], method="odt")
    write_seeds(tmp_path, [70, 81, 85], method="td3")
    write_seeds(tmp_path, [99], method="iql", task="b")
    write_seeds(tmp_path, [10, 12], method="odt", task="b")
    frame = aggregate(scores_of(tmp_path), reps=REPS).frame
    assert separation(frame).to_numpy().tolist() == [
        ["b", "IQL", "ODT", None],
        ["hopper-medium-v2", "TD3+ODT", "TD3", True],
        ["hopper-medium-v2", "TD3+ODT", "ODT", False],
    ]
