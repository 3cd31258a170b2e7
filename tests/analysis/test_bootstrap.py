import tracemalloc

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose
from rliable import library, metrics

from vitamin.analysis.statistics.bootstrap import (
    Draws,
    Strata,
    bootstrap,
    bootstrap_mean,
    draws,
    statistic,
    widening,
)
from vitamin.analysis.statistics.interquartile import interquartile_mean
from vitamin.analysis.statistics.names import IQM, MEAN, MEDIAN, METRICS, OPTIMALITY_GAP

RLIABLE = {
    MEAN: metrics.aggregate_mean,
    MEDIAN: metrics.aggregate_median,
    IQM: metrics.aggregate_iqm,
    OPTIMALITY_GAP: metrics.aggregate_optimality_gap,
}
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("seeds", "tasks"), [(2, 1), (3, 1), (5, 1), (3, 12), (5, 7), (10, 30)])
def test_estimates_and_ends_are_rliables(seeds: int, tasks: int) -> None:
    scores = RANDOM.normal(70, 40, (seeds, tasks))
    np.random.seed(7)  # noqa: NPY002
    points, intervals = library.get_interval_estimates(
        {"": scores / 100}, lambda x: np.array([RLIABLE[name](x) for name in METRICS]), reps=200
    )
    ours = bootstrap(Strata.of(list(scores.T)), Draws(200, 7))
    assert_allclose([ours[name].value / 100 for name in METRICS], points[""], rtol=1e-12)
    ends = [[ours[name].rliable_low / 100, ours[name].rliable_high / 100] for name in METRICS]
    assert_allclose(np.transpose(ends), intervals[""], rtol=1e-12)


def test_pointwise_interval_of_the_mean_is_rliables() -> None:
    scores = RANDOM.normal(70, 40, (4, 6))
    np.random.seed(7)  # noqa: NPY002
    _, intervals = library.get_interval_estimates(
        {"": scores[:, None]}, lambda x: x.mean(axis=(0, 1)), reps=200
    )
    assert_allclose(bootstrap_mean(scores, reps=200, seed=7), intervals[""], rtol=1e-12)


def test_half_widths_are_multiplied_to_each_side_of_the_estimate() -> None:
    ours = bootstrap(Strata.of([np.array([1.0, 5.0, 30.0]), np.array([40.0, 41.0, 90.0])]), Draws(500, 0))[
        IQM
    ]
    assert ours.low - ours.value == pytest.approx(np.sqrt(3 / 2) * (ours.rliable_low - ours.value))
    assert ours.high - ours.value == pytest.approx(np.sqrt(3 / 2) * (ours.rliable_high - ours.value))


def test_widening_by_hand() -> None:
    assert widening(Strata.of([np.array([1.0, 5.0])])) == pytest.approx(np.sqrt(2))
    a, b = np.array([0.0, 2.0]), np.array([0.0, 3.0, 6.0])  # s²: 2 and 9; of the means 1 and 3
    assert widening(Strata.of([a, b])) == pytest.approx(np.sqrt((1 + 3) / (1 / 2 + 3 * 2 / 3)))
    assert widening(Strata.of([a]), Strata.of([b])) == pytest.approx(np.sqrt((1 + 3) / (1 / 2 + 3 * 2 / 3)))
    assert widening(Strata.of([np.ones(3), np.ones(2)])) == 1
    assert np.isnan(widening(Strata.of([a, np.ones(1)])))


def test_a_task_with_a_single_run_leaves_the_interval_undefined() -> None:
    ours = bootstrap(Strata.of([np.array([1.0, 5.0]), np.array([3.0])]), Draws(50, 0))
    assert ours[MEAN].value == 3
    assert np.isnan([ours[MEAN].low, ours[MEAN].high, ours[MEAN].rliable_low]).all()


def test_tasks_weigh_the_same_whatever_their_numbers_of_runs() -> None:
    strata = Strata.of([np.array([0.0, 10.0, 20.0, 30.0]), np.array([60.0, 120.0])])
    once = np.ones((1, 6))
    assert statistic(MEAN, strata, once) == pytest.approx([(15 + 90) / 2])
    assert statistic(MEDIAN, strata, once) == pytest.approx([(15 + 90) / 2])
    assert statistic(OPTIMALITY_GAP, strata, once) == pytest.approx([100 - (15 + 80) / 2])
    # Of the low end 0 and 10 go, an eighth each; of the high end 120 goes, a quarter.
    assert statistic(IQM, strata, once) == pytest.approx(
        [(20 / 8 + 30 / 8 + 60 / 4) / (1 / 8 + 1 / 8 + 1 / 4)]
    )


def test_whole_runs_are_cut_as_long_as_they_weigh_a_quarter_at_most() -> None:
    strata = Strata.of([np.array([0.0, 1.0]), np.array([2.0, 3.0, 4.0])])  # weights 1/4 and 1/6
    expected = (1 / 4 + 2 / 6 + 3 / 6) / (
        1 / 4 + 2 / 6
    )  # 0 goes below; above, 4 goes and 3 would make it a third
    assert statistic(IQM, strata, np.ones((1, 5))) == pytest.approx([expected])


def test_ragged_formula_is_the_trimmed_mean_where_weights_are_equal() -> None:
    values = RANDOM.normal(size=21)
    counts = draws([7, 7, 7], 50, np.random.RandomState(0))
    weights = np.full(21, 1 / 21)
    nearly = weights * (1 + 1e-7 * np.linspace(-1, 1, 21))  # takes the way of different weights
    equal = interquartile_mean(values, weights, counts)
    assert_allclose(interquartile_mean(values, nearly, counts), equal, atol=1e-5)
    resamples = [np.repeat(values, row.astype(int)) for row in counts]
    assert_allclose(equal, [scipy.stats.trim_mean(resample, 0.25) for resample in resamples], rtol=1e-12)


@pytest.mark.parametrize("sizes", [(5, 5, 5), (5, 3, 8), (1, 2)])
def test_interquartile_means_of_several_points_are_those_of_each(sizes: tuple[int, ...]) -> None:
    values = RANDOM.normal(size=(sum(sizes), 4)).round(1)  # some are equal
    weights, counts = Strata(values[:, 0], sizes).weights, draws(sizes, 50, np.random.RandomState(0))
    found = interquartile_mean(values, weights, counts)
    for row, resample in zip(found, counts, strict=True):
        for point, mean in zip(values.T, row, strict=True):
            order = np.argsort(point, kind="stable")
            copies = np.repeat(order, resample[order].astype(int))
            mass = weights[copies]
            kept = (np.cumsum(mass) > 0.25 + 1e-9) & (np.cumsum(mass[::-1])[::-1] > 0.25 + 1e-9)
            assert mean == pytest.approx(np.average(point[copies[kept]], weights=mass[kept]))


def test_ragged_strata_are_resampled_with_their_own_sizes() -> None:
    counts = draws([3, 5, 2], 100, np.random.RandomState(0))
    assert counts.shape == (100, 10)
    assert [set(part.sum(axis=1)) for part in np.split(counts, [3, 8], axis=1)] == [{3}, {5}, {2}]


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    bootstrap(Strata.of(list(RANDOM.normal(size=(30, 10)))), Draws(2000, 0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def test_numpys_global_generator_is_left_alone() -> None:
    before = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    bootstrap(Strata.of([np.arange(4.0)]), Draws(50, 0))
    assert (np.random.get_state(legacy=False)["state"]["key"] == before).all()  # noqa: NPY002
