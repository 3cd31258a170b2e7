"""RL gradients by name: what a row of the table of methods refers to."""

from collections.abc import Mapping
from types import MappingProxyType

from vitamin.algorithms.gradients.awac import AWAC
from vitamin.algorithms.gradients.awr import AWR
from vitamin.algorithms.gradients.base import Metrics, Noise, RLGradient
from vitamin.algorithms.gradients.iql import IQL
from vitamin.algorithms.gradients.ppo import PPO
from vitamin.algorithms.gradients.sac import SAC
from vitamin.algorithms.gradients.td3 import TD3

__all__ = ["GRADIENTS", "Metrics", "Noise", "RLGradient"]

GRADIENTS: Mapping[str, type[RLGradient]] = MappingProxyType(
    {gradient.__name__.lower(): gradient for gradient in (TD3, SAC, IQL, PPO, AWAC, AWR)}
)
