"""Weights of the terms of a method's actor loss, by phase."""

from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase


def loss_coefficients(method: Method, settings: Hyperparameters, phase: Phase) -> tuple[float, float]:
    """The coefficients of the supervised and of the RL term; 0 for a term that the phase does not have."""
    supervised = settings.supervised_coefficient if method.supervised else 0.0
    rl = 0.0 if method.gradient is None else settings.rl_coefficient
    if phase == "online":
        return supervised, rl
    if settings.pretrain_supervised_coefficient != "online":
        supervised = settings.pretrain_supervised_coefficient
    if method.gradient is None or GRADIENTS[method.gradient].data != "replay":
        rl = 0.0  # what has data of its own online has none before
    elif settings.pretrain_rl_coefficient != "online":
        rl = settings.pretrain_rl_coefficient
    return supervised, rl
