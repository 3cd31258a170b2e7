"""Sums of metrics over updates."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vitamin.algorithms.gradients import Metrics
from vitamin.algorithms.lockstep import AverageOverLearners


class MetricSums:
    """Sums of the metrics of many updates, kept on their device, where adding waits for nothing."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def add(self, metrics: Metrics) -> None:
        """Adds the metrics of an update; one may have others than the next."""
        for name, value in metrics.items():
            total, count = self._sums.get(name, (torch.zeros_like(value), 0))
            self._sums[name] = total + value, count + 1

    def set(self, values: Mapping[str, float], device: torch.device) -> None:
        """Sets metrics that belong to no update."""
        for name, value in values.items():
            self._sums[name] = torch.tensor(value, device=device), 1

    def not_finite(self) -> list[str]:
        """Names of the metrics that were NaN or infinite at some time."""
        names = list(self._sums)
        if not names:
            return []
        finite = torch.stack([self._sums[name][0] for name in names]).isfinite().tolist()
        return [name for name, good in zip(names, finite, strict=True) if not good]

    def means(self, average: AverageOverLearners) -> dict[str, float]:
        """Means over the updates and over all learners."""
        if not self._sums:
            return {}
        values = torch.stack([(total / count).float() for total, count in self._sums.values()])
        average([values])
        return dict(zip(self._sums, values.tolist(), strict=True))
