"""Values that environments return, in all their forms."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from vitamin.algorithms.rollouts.step_values import goal_reached, not_yet_known, take_step


class Hostile:
    """Fails whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __bool__(self) -> bool:
        raise RuntimeError("bool")


ENDLESS: dict[str, Any] = {}
ENDLESS["itself"] = ENDLESS


REACHED = [
    True,
    1,
    1.0,
    np.True_,
    np.float32(1),
    np.array(True),
    np.array([[1]]),
    torch.tensor([True]),
    [True],
]
ALL_REACHED = [{"a": True, "b": {"c": 1}}, np.ones(3), (True, 1)]
NOT_REACHED = [False, 0, 0.0, np.False_, np.zeros(1), torch.zeros(1), [False]]
NOT_ALL_REACHED = [{"a": False}, {"a": True, "b": False}, np.array([True, False]), [[1, 0], [1, 1]]]
UNKNOWN = [
    None,
    "False",
    "True",
    "",
    b"1",
    -1,
    0.3,
    2,
    np.float32(0.5),
    np.inf,
    np.nan,
    np.array([np.nan]),
    object(),
    Hostile(),
    1j,
    len,
    {1, 2},
]
PARTLY_UNKNOWN = [{}, [], np.zeros(0), ENDLESS, {"a": None}, {"a": True, "b": "yes"}, np.array(["True"])]


@pytest.mark.parametrize("value", REACHED + ALL_REACHED, ids=repr)
def test_reached(value: object) -> None:
    assert goal_reached(value) is True


@pytest.mark.parametrize("value", NOT_REACHED + NOT_ALL_REACHED, ids=repr)
def test_not_reached(value: object) -> None:
    assert goal_reached(value) is False


@pytest.mark.parametrize("value", UNKNOWN + PARTLY_UNKNOWN, ids=lambda value: type(value).__name__)
def test_unknown(value: object) -> None:
    assert goal_reached(value) is None


@pytest.mark.parametrize(
    "value", [None, np.nan, np.float32("nan"), np.array([np.nan]), torch.tensor(np.nan)], ids=repr
)
def test_not_yet_known(value: object) -> None:
    assert not_yet_known(value)


@pytest.mark.parametrize(
    "value", [0, 1, True, 0.3, "nan", {}, np.zeros(2), Hostile()], ids=lambda value: type(value).__name__
)
def test_said_or_no_word_at_all(value: object) -> None:
    assert not not_yet_known(value)


NUMBERS = [2, 2.0, np.float32(2), np.int64(2), Fraction(2), torch.tensor(2.0, requires_grad=True)]
OF_ONE_ELEMENT = [np.array(2.0), np.array([2.0]), np.array([[2]]), torch.tensor([2.0]), [2.0]]


@pytest.mark.parametrize("reward", NUMBERS + OF_ONE_ELEMENT, ids=repr)
def test_one_number_is_a_reward(reward: object) -> None:
    taken = take_step((np.zeros(2), reward, np.False_, np.array([True]), {}))
    assert taken[1:] == (2.0, False, True, {})
    assert [type(value) for value in taken[1:4]] == [float, bool, bool]
