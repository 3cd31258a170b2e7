import itertools

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose

from vitamin.analysis.statistics.intervals import resampled_ends, t_half_width, t_interval


def test_t_intervals_are_scipys() -> None:
    values = np.array([20.0, 40.0, 75.0])
    error = values.std(ddof=1) / np.sqrt(3)
    assert t_interval(values) == pytest.approx(scipy.stats.t.interval(0.95, 2, values.mean(), error))


def test_half_widths_of_many_groups() -> None:
    half = t_half_width(np.array([np.nan, 0.0, 2.0]), np.array([1, 3, 4]))
    assert np.isnan(half[0])
    assert half[1:] == pytest.approx([0, scipy.stats.t.ppf(0.975, 3)])


def test_a_single_value_has_no_interval() -> None:
    assert np.isnan(t_interval(np.array([4.0]))).all()


@pytest.mark.parametrize("runs", [2, 3, 4])
def test_all_resamples_of_few_runs_are_enumerated(runs: int) -> None:
    values = np.random.default_rng(runs).normal(size=(runs, 5))
    means = np.sort(
        [values[list(chosen)].mean(axis=0) for chosen in itertools.product(range(runs), repeat=runs)], axis=0
    )
    low, high = resampled_ends(values)
    number = len(means)
    assert_allclose(low, means[int(np.ceil(0.025 * number)) - 1])
    assert_allclose(high, means[int(np.ceil(0.975 * number)) - 1])


def test_more_runs_are_resampled() -> None:
    values = np.random.default_rng(0).normal(size=(40, 3))
    low, high = resampled_ends(values)
    error = values.std(axis=0) / np.sqrt(40)
    assert_allclose(low, values.mean(axis=0) - 1.96 * error, atol=0.3 * error.max())
    assert_allclose(high, values.mean(axis=0) + 1.96 * error, atol=0.3 * error.max())
