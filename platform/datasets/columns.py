"""Findings about single observation columns: constant ones, and those whose detail was lost before they were stored."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations, constant_components, moments
from vitamin.platform.datasets.wording import columns

_STEADY = 1e-3
_MAGNITUDES = (0.01, 1.0)
_NOTICEABLE = 0.01
_LARGE = 1e3
_COARSE = 1.0


@dataclass(frozen=True)
class ColumnsReport:
    """Findings about the observation columns, a sentence each.

    Attributes:
        notes: Which ones are constant.
        warnings: Which ones lost detail.
    """

    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def check_columns(observations: Observations) -> ColumnsReport:
    """Looks at each column of observations (N, S)."""
    _, std = moments(observations)
    constant = constant_components(observations, std)
    magnitude = np.abs(observations).max(axis=0).astype(np.float64).clip(*_MAGNITUDES)
    steady = ~constant & (std < _STEADY * magnitude)
    return ColumnsReport(
        notes=(*_constant(np.flatnonzero(constant).tolist()), *_steady(np.flatnonzero(steady).tolist(), std)),
        warnings=tuple(_lost_detail(observations, std, constant)),
    )


def _constant(numbers: list[int]) -> Iterator[str]:
    if numbers:
        verb = "is" if len(numbers) == 1 else "are"
        yield (
            f"{_named(numbers)} {verb} constant in the data: nothing is learned about other values; they are divided by"
            " 1, in the paper preset by 1e-6, which makes a million of a difference of 1 online"
            " (amplify_constant_observations)"
        )


def _steady(numbers: list[int], std: NDArray[np.float64]) -> Iterator[str]:
    if numbers:
        least = min(numbers, key=lambda number: float(std[number]))
        verb = "varies" if len(numbers) == 1 else "vary"
        yield (
            f"{_named(numbers)} hardly {verb} in the data: observation {least} is divided by its deviation of"
            f" {std[least]:.2g}, so that a difference of 1 online becomes {1 / std[least]:.2g}"
        )


def _lost_detail(
    observations: Observations, std: NDArray[np.float64], constant: NDArray[np.bool_]
) -> Iterator[str]:
    """Of columns with a large offset that were rounded to float32, which changed them by 1 % of their deviation."""
    low, high = observations.min(axis=0).astype(np.float64), observations.max(axis=0).astype(np.float64)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    step = magnitude * np.finfo(np.float32).eps
    coarse = np.where(constant, step > _COARSE, step / 2 > _NOTICEABLE * std)
    suspects = np.flatnonzero((magnitude > _LARGE) & coarse).tolist()
    lost = [column for column in suspects if fits_float32(observations[:, column])]
    if lost:
        worst = max(lost, key=lambda number: float(step[number]))
        yield (
            f"{_named(lost)} may have lost detail: float32 has steps of about {step[worst]:.2g} at the size of"
            f" observation {worst}, {magnitude[worst]:.3g}, and its deviation is {std[worst]:.2g}. Store it as float64,"
            " or without its offset"
        )


def fits_float32(values: Observations) -> bool:
    """Whether float32 holds all the values, as it does those that were once rounded to it."""
    return bool((values.astype(np.float32) == values).all())


def _named(numbers: list[int]) -> str:
    return f"{'observation' if len(numbers) == 1 else 'observations'} {columns(numbers)}"
