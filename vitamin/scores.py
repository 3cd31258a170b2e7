"""The normalized score of returns."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Returns = TypeVar("Returns", float, NDArray[np.float64])


def normalized_score(returns: Returns, low: Returns | float, high: Returns | float) -> Returns:
    """D4RL's score, 100·(return − low)/(high − low) (Fu et al. 2020).

    Args:
        returns: Undiscounted returns in the environment's reward units; a number, or an array of any shape.
        low: The return that counts as 0, or one for each.
        high: The return that counts as 100, likewise.
    """
    return 100.0 * (returns - low) / (high - low)
