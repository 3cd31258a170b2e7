"""The outcome of an algorithm, in a form that can be compared."""

from typing import Any

from vitamin.algorithms.rllib.algorithm import OfflineToOnline


def histories(algorithm: OfflineToOnline, iterations: int) -> list[Any]:
    """Metrics without timings, and the evaluation, of each of a number of iterations."""
    found = []
    for _ in range(iterations):
        algorithm.train()
        record = {name: value for name, value in algorithm.record.items() if not name.startswith("time/")}
        found.append((record, algorithm.evaluation))
    return found


def digest(algorithm: OfflineToOnline) -> str:
    """A digest of the state of the first learner."""
    return algorithm.call_learners(lambda learner: learner.digest())[0]
