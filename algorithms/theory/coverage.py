"""Corollary 1: 1 / alpha_f, which bounds the regret of conditioning on a return, grows superlinearly in that return.

alpha_f is the probability, in the data, of the return that a policy is conditioned on; its regret is at most
epsilon (1 / alpha_f + 2) H^2 (Brandfonbrener et al. 2022). For discrete returns of mean V and standard deviation
sigma, Chebyshev's inequality gives 1 / alpha_f >= ((R - V) / sigma)^2: at least quadratic.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.randomness import Stream, generator

Floats = NDArray[np.float64]


def binomial(horizon: int, chance: float) -> Floats:
    """Probabilities of the returns 0 to H where each of H steps pays 1 with ``chance``; (H + 1,)."""
    k = np.arange(horizon + 1)
    probabilities: Floats = np.exp(
        _log_choose(horizon) + k * math.log(chance) + (horizon - k) * math.log1p(-chance)
    )
    return probabilities


def beta_binomial(horizon: int, a: float, b: float) -> Floats:
    """The same where the chance was drawn for each episode from a Beta(a, b) prior; (H + 1,)."""
    logs = [_log_beta(k + a, horizon - k + b) - _log_beta(a, b) for k in range(horizon + 1)]
    return np.exp(np.asarray(_log_choose(horizon) + logs, np.float64))


def moments(probabilities: Floats) -> tuple[float, float]:
    """Mean V and standard deviation sigma of returns with these probabilities."""
    returns = np.arange(len(probabilities), dtype=np.float64)
    mean = float(probabilities @ returns)
    return mean, math.sqrt(probabilities @ (returns - mean) ** 2)


def chebyshev(probabilities: Floats) -> Floats:
    """The quadratic lower bound of 1 / alpha_f at each return; (H + 1,)."""
    mean, deviation = moments(probabilities)
    returns = np.arange(len(probabilities), dtype=np.float64)
    return np.square((returns - mean) / deviation)


def sampled_returns(
    horizon: int, chance: float | tuple[float, float], *, episodes: int, seed: int
) -> NDArray[np.int64]:
    """Number of episodes with each return; a pair as chance is that of the Beta prior; (H + 1,)."""
    rng = generator(seed, Stream.COLLECTION)
    chances = rng.beta(*chance, size=episodes) if isinstance(chance, tuple) else np.full(episodes, chance)
    return np.bincount(rng.binomial(horizon, chances), minlength=horizon + 1)


def _log_choose(n: int) -> Floats:
    return np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)])


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
