"""RL gradients by name: what a row of the table of methods refers to."""

from collections.abc import Mapping
from types import MappingProxyType

from vitamin.algorithms.gradients.base import Metrics, Noise, RLGradient
from vitamin.algorithms.gradients.td3 import TD3

__all__ = ["GRADIENTS", "Metrics", "Noise", "RLGradient"]

GRADIENTS: Mapping[str, type[RLGradient]] = MappingProxyType({"td3": TD3})
