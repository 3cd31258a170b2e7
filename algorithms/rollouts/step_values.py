"""Values that environments return, taken apart: copies of arrays, plain numbers and flags, or their faults."""

import math
import reprlib
from collections.abc import Mapping
from numbers import Real
from typing import Any, SupportsFloat

import numpy as np

from vitamin.algorithms.data.normalization import Observations, as_observations
from vitamin.errors import EnvironmentFailure

LARGEST = float(np.finfo(np.float32).max)
"""Of what networks can take."""

_OLD = ", as in gym before 0.26"
_STEP = ("observation", "reward", "terminated", "truncated", "info")


def take_reset(result: Any) -> tuple[Observations, dict[str, Any]]:
    """Observation (a copy) and info of a reset.

    Raises:
        EnvironmentFailure: If ``result`` is something else; the message is the end of a sentence ("returned ...").
    """
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise EnvironmentFailure(
            f"returned a {type(result).__name__} from reset() instead of Gymnasium's two values, observation and info"
            f"{_OLD if not isinstance(result, tuple | list) else ''}"
        )
    observation, info = result
    return _observation(observation), _info(info)


def take_step(result: Any) -> tuple[Observations, float, bool, bool, dict[str, Any]]:
    """Observation (a copy), reward, terminated, truncated and info of a step.

    A reward, or a flag, may be the only element of an array.

    Raises:
        EnvironmentFailure: As `take_reset`; and if a reward is not one number that float32 holds, or a flag neither
            true nor false.
    """
    if not isinstance(result, tuple | list) or len(result) != len(_STEP):
        count = len(result) if isinstance(result, tuple | list) else 1
        raise EnvironmentFailure(
            f"returned {count} value{'s' * (count > 1)} from step() instead of Gymnasium's five, {', '.join(_STEP)}"
            f"{_OLD if count == 4 else ''}"
        )
    observation, reward, terminated, truncated, info = result
    return (
        _observation(observation),
        _reward(reward),
        _flag("terminated", terminated),
        _flag("truncated", truncated),
        _info(info),
    )


def goal_reached(value: Any) -> bool | None:
    """Whether an entry of a step's info says that the goal is reached; None if it says neither.

    Booleans do, and 0 and 1; dictionaries and arrays if all of their entries do, and there are some: the goal is then
    reached if it is in each. Nothing else does: other numbers (a code for failure, a distance), NaN, or text such as
    "False".
    """
    try:
        if hasattr(value, "tolist"):  # numpy's scalars and arrays, and those of others
            value = value.tolist()
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, tuple | list):
            entries = [goal_reached(entry) for entry in value]
            return None if not entries or None in entries else all(entries)
        return bool(value) if isinstance(value, Real) and value in (0, 1) else None
    except Exception:  # noqa: BLE001 (a word about success that cannot be read must not end a run)
        return None


def not_yet_known(value: Any) -> bool:
    """Whether an entry of a step's info leaves open whether the goal is reached: None, or one NaN."""
    number = _number(value)
    return value is None or (number is not None and math.isnan(number))


def _observation(value: Any) -> Observations:
    try:
        return as_observations(np.array(value))
    except (TypeError, ValueError):
        raise EnvironmentFailure(
            f"returned an observation that is not an array of numbers: {reprlib.repr(value)}"
        ) from None


def _reward(value: Any) -> float:
    number = _number(value)
    if number is None:
        raise EnvironmentFailure(f"returned the reward {reprlib.repr(value)}, which is not one number")
    if not abs(number) <= LARGEST:
        raise EnvironmentFailure(f"returned the reward {number}")
    return number


def _flag(name: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    number = _number(value)
    if number not in (0.0, 1.0):
        raise EnvironmentFailure(f"returned {name} = {reprlib.repr(value)}, which is neither true nor false")
    return bool(number)


def _info(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EnvironmentFailure(f"returned as info {reprlib.repr(value)}, which is not a dictionary")
    return value


def _number(value: Any) -> float | None:
    """A number, or that in an array or list of one element; None for anything else."""
    if isinstance(value, float):
        return float(value)
    try:
        if hasattr(value, "item"):
            value = value.item()
        while isinstance(value, tuple | list) and len(value) == 1:
            (value,) = value
        return float(value) if isinstance(value, SupportsFloat) else None
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
