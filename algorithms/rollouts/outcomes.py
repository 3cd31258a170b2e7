"""Outcomes of episodes: returns, lengths, successes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from vitamin.algorithms.data.trajectories import Trajectories


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of episodes, one entry each.

    Attributes:
        returns: Undiscounted returns in the environment's reward units.
        lengths: Steps.
        discounted_returns: As ``returns``, discounted with the run's discount.
        successes: Whether each episode reached its goal; None if the environment does not say.
    """

    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    discounted_returns: tuple[float, ...] = ()
    successes: tuple[bool, ...] | None = None

    @classmethod
    def of(cls, episodes: Trajectories, discount: float, **others: Any) -> Self:
        """The outcomes of finished episodes.

        Args:
            episodes: The episodes.
            discount: γ of ``discounted_returns``.
            **others: Further fields of a class derived from this one.
        """
        successes = episodes.successes
        return cls(
            returns=tuple(episodes.returns.tolist()),
            lengths=tuple(episodes.lengths.tolist()),
            discounted_returns=tuple(episodes.discounted_returns(discount).tolist()),
            successes=None if successes is None else tuple(successes.tolist()),
            **others,
        )

    @classmethod
    def joined(cls, parts: "Sequence[Outcomes]", **others: Any) -> Self:
        """The outcomes of all episodes of ``parts``, in order; successes only if all of them say."""
        known = [part.successes for part in parts if part.successes is not None]
        return cls(
            returns=tuple(value for part in parts for value in part.returns),
            lengths=tuple(value for part in parts for value in part.lengths),
            discounted_returns=tuple(value for part in parts for value in part.discounted_returns),
            successes=tuple(itertools.chain(*known)) if len(known) == len(parts) else None,
            **others,
        )
