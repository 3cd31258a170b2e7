import numpy as np
import pandas as pd
import pytest
import scipy.stats

from tests.analysis.hand_scores import scores_of
from vitamin.analysis.statistics.aggregates import aggregate, summarize
from vitamin.analysis.statistics.names import IQM, MEAN, MEDIAN, OPTIMALITY_GAP

REPS = 200
THREE = {"a": [10, 30], "b": [50, 70], "c": [90, 130]}


def estimate(frame: pd.DataFrame, scope: str, label: str, metric: str) -> pd.Series:
    chosen = frame[(frame["scope"] == scope) & (frame["label"] == label) & (frame["metric"] == metric)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_summary_by_hand() -> None:
    scores = scores_of({"ODT": {"a": [20, 40, 60]}, "TD3": {"a": [5]}})
    scores.frame.loc[0, "status"] = "diverged"
    odt, td3 = summarize(scores).to_dict("records")
    assert (odt["seeds"], odt["final_mean"], odt["final_std"], odt["change_mean"]) == (
        3,
        40,
        pytest.approx(20),
        30,
    )
    assert (odt["pretrained_std"], odt["regret_mean"], odt["own_steps"], odt["diverged"]) == (0, 60, 1000, 1)
    low, high = scipy.stats.t.interval(0.95, 2, 40, 20 / np.sqrt(3))
    assert (odt["final_low"], odt["final_high"]) == pytest.approx((low, high))
    assert (td3["seeds"], td3["diverged"]) == (1, 0)
    assert np.isnan([td3["final_std"], td3["final_low"]]).all()


def test_runs_that_are_left_out_are_not_in_it() -> None:
    scores = scores_of({"ODT": {"a": [20, 40, 900]}})
    scores.frame.loc[2, "left_out"] = "not finished"
    assert summarize(scores)[["seeds", "final_mean"]].to_numpy().tolist() == [[2, 30]]
    assert estimate(aggregate(scores, reps=REPS).frame, "a", "ODT", MEAN)["value"] == 30


def test_one_task_has_its_mean_with_a_t_interval_and_no_equal_columns() -> None:
    aggregates = aggregate(scores_of({"ODT": {"a": [20, 40, 60]}}), reps=REPS)
    assert aggregates.frame["metric"].tolist() == [MEAN, OPTIMALITY_GAP]
    row = estimate(aggregates.frame, "a", "ODT", MEAN)
    half = scipy.stats.t.ppf(0.975, 2) * 20 / np.sqrt(3)
    assert (row["low"], row["high"]) == pytest.approx((40 - half, 40 + half))
    assert row["rliable_low"] >= 20
    assert [note for note in aggregates.notes if "IQM" in note] == list(aggregates.notes)


def test_with_more_seeds_a_task_has_its_iqm_too() -> None:
    aggregates = aggregate(scores_of({"ODT": {"a": [10, 20, 40, 50, 120]}}), reps=REPS)
    assert estimate(aggregates.frame, "a", "ODT", IQM)["value"] == pytest.approx((20 + 40 + 50) / 3)
    gap = 100 - (10 + 20 + 40 + 50 + 100) / 5
    assert estimate(aggregates.frame, "a", "ODT", OPTIMALITY_GAP)["value"] == pytest.approx(gap)
    assert not aggregates.notes


def test_aggregates_over_tasks_by_hand() -> None:
    frame = aggregate(scores_of({"ODT": THREE}), reps=REPS).frame
    scope = "mujoco (3 tasks)"
    assert estimate(frame, scope, "ODT", MEDIAN)["value"] == pytest.approx(60)
    assert estimate(frame, scope, "ODT", MEAN)["value"] == pytest.approx(190 / 3)
    assert estimate(frame, scope, "ODT", IQM)["value"] == pytest.approx((30 + 50 + 70 + 90) / 4)
    gap = 100 - (10 + 30 + 50 + 70 + 90 + 100) / 6
    assert estimate(frame, scope, "ODT", OPTIMALITY_GAP)["value"] == pytest.approx(gap)
    row = estimate(frame, scope, "ODT", IQM)
    assert row[["kind", "tasks", "seeds", "seeds_most"]].tolist() == ["suite", 3, 2, 2]
    assert row["value"] - row["low"] == pytest.approx(np.sqrt(2) * (row["value"] - row["rliable_low"]))


def test_rliables_own_ends_on_demand() -> None:
    frame = aggregate(scores_of({"ODT": THREE}), reps=REPS, interval="rliable").frame
    assert frame["low"].equals(frame["rliable_low"])
    assert frame["high"].equals(frame["rliable_high"])
    assert estimate(frame, "a", "ODT", MEAN)["low"] == 10


def test_the_average_is_the_same_in_every_table_whatever_seeds_are_missing() -> None:
    finals = {
        "ODT": {"a": [1, 2, 4], "b": [50.3], "c": [70.1, 90.7]},
        "TD3": {"a": [3, 9], "b": [2, 3], "c": [4, 5]},
    }
    scores = scores_of(finals)
    summary = summarize(scores)
    average = summary[summary["label"] == "ODT"]["final_mean"].mean()
    aggregates = aggregate(scores, reps=REPS)
    row = estimate(aggregates.frame, "mujoco (3 tasks)", "ODT", MEAN)
    assert row["value"] == pytest.approx(average, rel=1e-13)
    assert row["value"] == pytest.approx((7 / 3 + 50.3 + 80.4) / 3, rel=1e-13)
    assert (row["seeds"], row["seeds_most"]) == (1, 3)
    assert np.isnan(row["low"])
    assert "A single seed has no interval: ODT on b." in aggregates.notes


def test_scopes_are_suites_and_all_tasks_if_there_is_more_than_one() -> None:
    finals = {"ODT": {name: [1, 2] for name in "abcd"}}
    frame = aggregate(scores_of(finals, suites={"c": "adroit", "d": "adroit"}), reps=REPS).frame
    over_tasks = frame[frame["kind"] != "task"]
    assert over_tasks["scope"].unique().tolist() == ["mujoco (2 tasks)", "adroit (2 tasks)", "all tasks (4)"]
    single = aggregate(scores_of(finals, suites={"d": "adroit"}), reps=REPS).frame
    assert single[single["kind"] != "task"]["scope"].unique().tolist() == [
        "mujoco (3 tasks)",
        "all tasks (4)",
    ]


def test_methods_are_aggregated_over_the_tasks_that_all_share_and_what_is_left_out_is_named() -> None:
    both = {"a": [1, 2], "b": [3, 4]}
    aggregates = aggregate(scores_of({"ODT": both | {"c": [9, 9]}, "TD3": both}), reps=REPS)
    assert estimate(aggregates.frame, "mujoco (2 tasks)", "ODT", MEAN)["value"] == 2.5
    assert estimate(aggregates.frame, "mujoco (2 tasks)", "TD3", MEAN)["tasks"] == 2
    assert "leave out c: TD3 lacks runs" in aggregates.notes[0]


def test_a_method_on_one_task_only_is_named_as_the_cause() -> None:
    both = {"a": [1, 2], "b": [3, 4]}
    aggregates = aggregate(scores_of({"ODT": both, "TD3+ODT, alpha=1": {"a": [3, 4]}}), reps=REPS)
    assert set(aggregates.frame["kind"]) == {"task"}
    assert "fewer than two tasks (TD3+ODT, alpha=1 has no run that counts on some)" in aggregates.notes[0]


def test_a_method_without_any_run_that_counts_is_named_and_narrows_nothing() -> None:
    both = {"a": [1, 2], "b": [3, 4]}
    scores = scores_of({"ODT": both, "TD3": both, "IQL": {"a": [5]}}, labels=["IQL", "ODT", "TD3"])
    scores.frame.loc[scores.frame["label"] == "IQL", "left_out"] = "not finished"
    aggregates = aggregate(scores, reps=REPS)
    assert estimate(aggregates.frame, "mujoco (2 tasks)", "TD3", MEAN)["value"] == 2.5
    assert aggregates.notes[0] == "No run of IQL counts: no statistics."


def test_a_method_that_a_suite_lacks_does_not_narrow_it() -> None:
    finals = {"ODT": {name: [1, 2] for name in "abcd"}, "TD3": {"a": [1, 2], "b": [3, 4]}}
    aggregates = aggregate(scores_of(finals, suites={"c": "adroit", "d": "adroit"}), reps=REPS)
    adroit = aggregates.frame[aggregates.frame["scope"] == "adroit (2 tasks)"]
    assert set(adroit["label"]) == {"ODT"}
    assert "all tasks" not in " ".join(aggregates.frame["scope"])  # those that both share are mujoco's
    assert "Aggregates over adroit are without TD3: no run there counts." in aggregates.notes


def test_returns_stay_out_of_aggregates() -> None:
    finals = {"ODT": {"a": [1, 2], "b": [3, 4], "Pendulum-v1": [-300, -200]}}
    aggregates = aggregate(scores_of(finals, units={"Pendulum-v1": "return"}), reps=REPS)
    assert estimate(aggregates.frame, "mujoco (2 tasks)", "ODT", MEAN)["value"] == 2.5
    raw = aggregates.frame[aggregates.frame["scope"] == "Pendulum-v1"]
    assert raw[["metric", "unit", "value"]].to_numpy().tolist() == [[MEAN, "return", -250]]
    assert aggregates.notes[0].startswith("Returns are compared on Pendulum-v1")


def test_stand_in_data_is_marked_by_label() -> None:
    scores = scores_of({"ODT": {"a": [1, 2], "b": [3, 4]}, "TD3": {"a": [1, 2], "b": [3, 4]}})
    scores.frame.loc[scores.frame["run"] == "TD3/b/1", "data"] = "stand-in 0a1b"
    frame = aggregate(scores, reps=REPS).frame
    assert estimate(frame, "mujoco (2 tasks)", "TD3", IQM)["data"] == "stand-in 0a1b"
    assert set(frame[frame["label"] == "ODT"]["data"]) == {""}
    assert summarize(scores)["data"].tolist() == ["", "", "", "stand-in 0a1b"]


def test_the_same_input_gives_the_same_intervals() -> None:
    scores = scores_of({"ODT": THREE})
    first = aggregate(scores, reps=REPS).frame
    pd.testing.assert_frame_equal(first, aggregate(scores, reps=REPS).frame)
    other = aggregate(scores, reps=REPS, seed=1).frame
    assert not first["rliable_low"].equals(other["rliable_low"])


def test_nothing_that_counts() -> None:
    scores = scores_of({"ODT": {"a": [1, 2]}}, left_out="not finished")
    assert aggregate(scores, reps=REPS).frame.empty
    assert aggregate(scores, reps=REPS).notes == ("No run of ODT counts: no statistics.",)
    assert summarize(scores).empty
