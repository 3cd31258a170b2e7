"""Normalization of observations: in float64 whatever they are stored as, and what becomes of constant components."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from vitamin.algorithms.data import normalization
from vitamin.algorithms.data.normalization import (
    as_observations,
    constant_components,
    denormalize,
    moments,
    normalize,
    observation_statistics,
)

OFFSETS = np.array([4.5e8, 1.7e9, 0.0])
"""Metres from a grid's origin, seconds since 1970."""


def walk(steps: int = 500) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(steps, 3)) * [1, 30, 2]


def test_detail_beyond_float32_reaches_the_policy() -> None:
    plain, shifted = walk(), walk() + OFFSETS
    assert len(np.unique(shifted.astype(np.float32)[:, 0])) < 3
    states = normalize(shifted, *observation_statistics(shifted))
    assert states.dtype == np.float32
    assert_allclose(states, normalize(plain, *observation_statistics(plain)), atol=1e-6)


def test_float32_observations_are_normalized_as_in_float64() -> None:
    stored = walk().astype(np.float32)
    mean, std = observation_statistics(stored)
    assert (mean.dtype, std.dtype) == (np.float64, np.float64)
    assert_allclose(mean, stored.astype(np.float64).mean(0), rtol=1e-12)
    assert_allclose(std, stored.astype(np.float64).std(0) + 1e-6, rtol=1e-12)
    assert_array_equal(normalize(stored, mean, std), ((stored - mean) / std).astype(np.float32))


def test_parts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    data = walk() + OFFSETS
    whole = observation_statistics(data), normalize(data.reshape(5, 100, 3), *moments(data))
    monkeypatch.setattr(normalization, "_CHUNK_VALUES", 7)
    assert_allclose(observation_statistics(data), whole[0], rtol=1e-12)
    assert_array_equal(normalize(data.reshape(5, 100, 3), *moments(data)), whole[1])


def test_states_lead_back_to_the_observations() -> None:
    data = walk() + OFFSETS
    statistics = observation_statistics(data)
    assert_allclose(denormalize(normalize(data, *statistics), *statistics), data, rtol=0, atol=1e-4)


def test_a_single_observation_is_normalized_like_many() -> None:
    mean, std = moments(walk())
    assert_array_equal(normalize(walk()[7], mean, std), normalize(walk(), mean, std)[7])


def test_constant_components_are_divided_by_one_or_as_published() -> None:
    data = walk()
    data[:, 1] = 0.3
    _, published = observation_statistics(data)
    _, usual = observation_statistics(data, amplify_constant=False)
    assert published[1] == pytest.approx(1e-6)
    assert usual[1] == 1.0
    assert_array_equal(published[[0, 2]], usual[[0, 2]])


@pytest.mark.parametrize(
    ("column", "dtype", "constant"),
    [
        (np.full(500, 0.1), np.float64, True),
        (np.zeros(500), np.float32, True),
        (0.3 + 1e-8 * walk()[:, 0], np.float32, True),  # a unit in the last place
        (5.0 + 1e-7 * walk()[:, 0], np.float64, True),
        (1e-12 * walk()[:, 0], np.float64, True),
        (1.7e9 + walk()[:, 0], np.float64, False),
        (1e-5 * walk()[:, 0], np.float64, False),
        (np.eye(500)[0], np.float32, False),
    ],
    ids=["0.1", "0", "rounding", "jitter", "jitter at 0", "a large offset", "a small unit", "once another"],
)
def test_what_counts_as_constant(column: NDArray[np.float64], dtype: type, constant: bool) -> None:
    data = np.stack([column, walk()[:, 2]], axis=1).astype(dtype)
    assert_array_equal(constant_components(data, moments(data)[1]), [constant, False])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("f4", "f4"), (">f4", "f4"), ("f8", "f8"), ("f2", "f4"), ("u1", "f4"), ("i4", "f8"), ("i8", "f8"), ("?", "f4")],
)  # fmt: skip
def test_numbers_become_floats_without_loss(dtype: str, expected: str) -> None:
    values = np.array([[0, 1]]).astype(dtype)
    assert as_observations(values).dtype == np.dtype(expected)
    assert as_observations([[0.1]]).dtype == np.float64
    stored = np.zeros((1, 2), np.float32)
    assert as_observations(stored) is stored
