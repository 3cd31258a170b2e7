"""Numbers and columns in sentences about datasets."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def count(number: int | np.integer[Any], noun: str) -> str:
    """``1 step``, ``12 000 steps``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", " ")


def columns(numbers: Sequence[int]) -> str:
    """Ascending numbers with runs drawn together: ``0, 3 to 5``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
