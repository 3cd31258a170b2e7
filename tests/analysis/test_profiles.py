import numpy as np
import pytest
from numpy.testing import assert_allclose
from rliable import library, metrics

from benchmarks.verdicts import page
from tests.analysis.hand_scores import scores_of
from vitamin.analysis.statistics.efficiency import HOURS, SHARE, STEPS, efficiency
from vitamin.analysis.statistics.improvement import improvement
from vitamin.analysis.statistics.profiles import profiles

REPS = 200
RANDOM = np.random.default_rng(0)
RAGGED = {"ODT": {"a": [10, 30, 50], "b": [20, 40]}, "TD3": {"a": [20, 40], "b": [40, 60, 80]}}


def test_profiles_are_rliables_with_wider_bands() -> None:
    finals = RANDOM.normal(60, 30, (2, 4, 5))
    found = profiles(page(finals), reps=REPS)
    thresholds = found["threshold"].unique()
    assert (thresholds[0], thresholds[-1], len(thresholds)) == (0, max(100, finals.max()), 101)
    for number, scores in enumerate(finals):
        np.random.seed(0)  # noqa: NPY002
        shares, bands = library.create_performance_profile({"": scores.T}, thresholds, reps=REPS)
        ours = found[found["label"] == f"M{number}"]
        assert_allclose(ours["share"], shares[""], atol=1e-12)
        wider = shares[""] + np.sqrt(5 / 4) * (bands[""] - shares[""])
        assert_allclose([ours["low"], ours["high"]], np.clip(wider, 0, 1), atol=1e-12)


def test_tasks_weigh_the_same_in_profiles() -> None:
    found = profiles(scores_of(RAGGED), reps=REPS)
    at_35 = found[(found["label"] == "ODT") & (found["threshold"] == 35)]
    assert at_35["share"].tolist() == pytest.approx([(1 / 3 + 1 / 2) / 2])
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()


def test_probability_of_improvement_is_rliables() -> None:
    finals = RANDOM.integers(0, 8, (3, 4, 5)).astype(float)  # with ties
    found = improvement(page(finals), reps=REPS)
    assert found[["method_a", "method_b"]].to_numpy().tolist() == [["M0", "M1"], ["M0", "M2"], ["M1", "M2"]]
    for row in found.itertuples():
        a, b = (finals[int(name[1:])].T for name in (row.method_a, row.method_b))
        assert row.probability == pytest.approx(metrics.probability_of_improvement(a, b), abs=1e-12)
        assert 0 <= row.low < row.probability < row.high <= 1


def test_intervals_of_improvement_are_the_widened_bootstraps() -> None:
    finals = RANDOM.normal(50, 10, (2, 6, 5))
    found = improvement(page(finals), reps=4000).iloc[0]
    _, plain = library.get_interval_estimates(
        {"": [finals[0].T, finals[1].T]},
        lambda a, b: np.array([metrics.probability_of_improvement(a, b)]),
        reps=1000,
    )
    low, high = found["probability"] + np.sqrt(5 / 4) * (plain[""][:, 0] - found["probability"])
    assert found[["low", "high"]].tolist() == pytest.approx([low, high], abs=0.03)


def test_ragged_improvement_by_hand() -> None:
    (row,) = improvement(scores_of(RAGGED), reps=REPS).to_dict("records")
    on_a = (1 + 2) / 6  # 30 > 20; 50 > 20, 40
    on_b = 0.5 / 6  # 40 = 40
    assert row["probability"] == pytest.approx((on_a + on_b) / 2)


def test_a_single_seed_has_no_interval_of_improvement() -> None:
    finals = {"ODT": {"a": [1], "b": [2, 3]}, "TD3": {"a": [5, 6], "b": [7, 8]}}
    (row,) = improvement(scores_of(finals), reps=REPS).to_dict("records")
    assert row["probability"] == 0
    assert np.isnan([row["low"], row["high"]]).all()


def two_tasks(**changes: dict[int, float]) -> dict[str, dict[int, float]]:
    curves = {"ODT/a/0": {0: 0.0, 1000: 10.0}, "ODT/a/1": {0: 0.0, 1000: 30.0}}
    return curves | {"ODT/b/0": {0: 0.0, 1000: 50.0}, "ODT/b/1": {0: 0.0, 1000: 70.0}} | changes


TWO = {"ODT": {"a": [10, 30], "b": [50, 70]}}


def test_efficiency_against_steps() -> None:
    found = efficiency(scores_of(TWO, curves=two_tasks()), reps=REPS)
    assert set(found["x_unit"]) == {STEPS}
    assert (found["x"].iloc[0], found["x"].iloc[-1]) == (0, 1000)
    assert found["IQM"].iloc[-1] == pytest.approx(40)  # one of four runs goes at either end
    assert_allclose(found["IQM"], 40 * found["x"] / 1000, atol=1e-9)
    assert (found["low"].iloc[1:] < found["IQM"].iloc[1:]).all()
    assert set(found["seeds"]) == {2}


def test_efficiency_against_the_share_of_steps_where_tasks_differ() -> None:
    curves = two_tasks(**{"ODT/b/0": {0: 0.0, 2000: 50.0}, "ODT/b/1": {0: 0.0, 2000: 70.0}})
    found = efficiency(scores_of(TWO, curves=curves, common_steps={"b": 2000}), reps=REPS)
    assert set(found["x_unit"]) == {SHARE}
    assert (found["x"].iloc[-1], found["IQM"].iloc[-1]) == (1, pytest.approx(40))


def test_a_run_that_ends_early_leaves_the_curve_and_is_not_held_flat() -> None:
    found = efficiency(scores_of(TWO, curves=two_tasks(**{"ODT/b/1": {0: 0.0, 500: 70.0}})), reps=REPS)
    assert found.loc[found["x"] <= 500, "seeds"].eq(2).all()
    late = found[found["x"] > 500]
    assert late["seeds"].eq(1).all()
    assert late["low"].isna().all()
    assert late["IQM"].iloc[-1] == pytest.approx((10 / 4 + 30 / 4 + 50 / 2 - 10 / 4) / 0.75)


def test_efficiency_against_hours() -> None:
    hours = {"ODT/a/0": 1.0, "ODT/a/1": 2.0, "ODT/b/0": 4.0, "ODT/b/1": 4.0}
    scores = scores_of(TWO, curves=two_tasks())
    found = efficiency(scores, "hours", hours=hours, reps=REPS)
    assert set(found["x_unit"]) == {HOURS}
    assert found["x"].iloc[-1] == 1  # the fastest run is done
    assert found["IQM"].iloc[-1] == pytest.approx((12.5 + 15) / 2)  # of 10, 15, 12.5 and 17.5
    assert efficiency(scores, "hours", reps=REPS).empty


def test_nothing_over_tasks_without_two_that_are_shared() -> None:
    scores = scores_of({"ODT": {"a": [1, 2]}})
    assert profiles(scores).empty
    assert improvement(scores).empty
    assert efficiency(scores).empty
