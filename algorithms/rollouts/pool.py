"""The environments of a worker."""

from collections.abc import Callable
from typing import Any

from vitamin.algorithms.randomness import Stream, global_generators
from vitamin.errors import EnvironmentFailure, VitaminError


class EnvironmentPool:
    """Environments that are made as they are asked for, and kept.

    Attributes:
        made: Those that there are; Gymnasium's, of which rollouts use `Environment`'s part.

    Args:
        make: Makes one.
        seed: The run's.
    """

    def __init__(self, make: Callable[[], Any], seed: int) -> None:
        self.made: list[Any] = []
        self._make = make
        self._seed = seed

    def take(self, count: int) -> list[Any]:
        """The first ``count`` environments.

        Raises:
            EnvironmentFailure: If one could not be made.
        """
        while (number := len(self.made)) < count:
            try:
                # Some draw from global generators as they are made; number 3 is the same one in every process.
                with global_generators(self._seed, Stream.ENVIRONMENTS, number):
                    self.made.append(self._make())
            except VitaminError:
                raise
            except Exception as error:
                raise EnvironmentFailure(
                    f"The environment could not be made: {type(error).__name__}: {error}."
                ) from error
        return self.made[:count]

    def close(self) -> None:
        """Closes all of them."""
        for environment in self.made:
            environment.close()
        self.made = []
