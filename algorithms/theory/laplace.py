"""Lemma 2: with Laplace returns of equal scale, conditioning on a high return is AWAC's update.

Returns of action a are Q(a) plus noise of scale b. For a target R beyond all Q the density of R given a is
exp((Q(a) - R) / b) / 2b: by Bayes' rule, the return-conditioned policy is then beta(a) exp((Q(a) - V) / b), normalized.
That is AWAC's policy (Nair et al. 2020) of temperature b; neither V nor R has any influence on it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.randomness import Stream, generator

Floats = NDArray[np.float64]
Noise = Literal["Laplace", "Gaussian"]

WINDOW: Final = 0.1
"""Half the width of the interval in which a return counts as equal to the target."""


@dataclass(frozen=True)
class Bandit:
    """One state, actions 0 to A - 1.

    Attributes:
        behavior: (A,), beta, of the data.
        q: (A,), Q.
        scale: b; the standard deviation of returns is sqrt(2) b.
    """

    behavior: Floats
    q: Floats
    scale: float

    @property
    def value(self) -> float:
        """V, the mean return of the data."""
        return float(self.behavior @ self.q)


BANDIT: Final = Bandit(np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.0, 0.4, 0.7, 1.0]), 0.5)
"""The rarer an action, the better."""


def awac_weights(bandit: Bandit) -> Floats:
    """beta(a) exp((Q(a) - V) / b), as AWAC weighs the data's actions; (A,).

    Their sum is 1 if returns given s are Laplace of scale b around V too, as the lemma assumes. A mixture of Laplace
    distributions is only nearly one, and the sum is larger.
    """
    weights: Floats = bandit.behavior * np.exp((bandit.q - bandit.value) / bandit.scale)
    return weights


def awac_policy(bandit: Bandit) -> Floats:
    """The policy that AWAC's update moves to; (A,)."""
    weights = awac_weights(bandit)
    policy: Floats = weights / weights.sum()
    return policy


def posterior(bandit: Bandit, targets: Floats, noise: Noise = "Laplace") -> Floats:
    """The return-conditioned policy by Bayes' rule; (T,) -> (T, A)."""
    distance = np.abs(targets[:, None] - bandit.q)  # (T, A)
    scaled = distance / bandit.scale
    log_density = -scaled if noise == "Laplace" else -(scaled**2) / 4
    joint = bandit.behavior * np.exp(log_density - log_density.max(axis=1, keepdims=True))
    policies: Floats = joint / joint.sum(axis=1, keepdims=True)
    return policies


def counts(
    bandit: Bandit, targets: Floats, *, samples: int, seed: int, noise: Noise = "Laplace"
) -> NDArray[np.int64]:
    """How often each action was taken among the returns near each target.

    Args:
        bandit: The problem.
        targets: (T,).
        samples: Actions drawn from beta, with their returns.
        seed: Of the draws.
        noise: ``Laplace``, or ``Gaussian`` of the same variance.

    Returns:
        (T, A). Divided by the row's sum it is the policy that maximizes the likelihood of the actions there.
    """
    rng = generator(seed, Stream.COLLECTION)
    actions = rng.choice(len(bandit.behavior), size=samples, p=bandit.behavior)
    draw = rng.laplace if noise == "Laplace" else rng.normal
    width = bandit.scale if noise == "Laplace" else np.sqrt(2) * bandit.scale
    returns = draw(bandit.q[actions], width)
    near = np.abs(returns - targets[:, None]) <= WINDOW  # (T, N)
    return np.stack([np.bincount(actions[row], minlength=len(bandit.behavior)) for row in near])


def distance(policies: Floats, reference: Floats) -> Floats:
    """Total variation between distributions; (..., A), (A,) -> (...)."""
    variation: Floats = 0.5 * np.abs(policies - reference).sum(axis=-1)
    return variation


def sampling_error(policy: Floats, samples: float) -> float:
    """Expected distance of ``policy`` (A,) from the frequencies in n = ``samples`` draws of it, for large n."""
    return float(np.sqrt(policy * (1 - policy) / (2 * np.pi * samples)).sum())


def share_near(bandit: Bandit, target: float) -> float:
    """Share of returns that count as equal to a target beyond all Q, by the Laplace density."""
    low, high = target - WINDOW - bandit.q, target + WINDOW - bandit.q
    return float(bandit.behavior @ (np.exp(-low / bandit.scale) - np.exp(-high / bandit.scale))) / 2
