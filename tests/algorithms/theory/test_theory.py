"""The claims of the paper's theory, against independent computations and samples."""

import numpy as np
import pytest

from vitamin.algorithms.theory import coverage, laplace, raised_targets
from vitamin.algorithms.theory.laplace import BANDIT

BEYOND = np.array([BANDIT.q.max() + laplace.WINDOW, 2.0, 30.0])


def test_beyond_all_means_bayes_rule_gives_awac_s_policy_whatever_the_target() -> None:
    for policy in laplace.posterior(BANDIT, BEYOND):
        assert policy == pytest.approx(laplace.awac_policy(BANDIT))
    below = laplace.posterior(BANDIT, np.array([0.5]))
    assert laplace.distance(below, laplace.awac_policy(BANDIT))[0] > 0.1


def test_awac_s_weights_are_a_likelihood_ratio_times_a_constant() -> None:
    weights = laplace.awac_weights(BANDIT)
    assert weights / BANDIT.behavior == pytest.approx(np.exp((BANDIT.q - BANDIT.behavior @ BANDIT.q) / 0.5))
    assert weights.sum() > 1  # Jensen: a mixture of Laplace distributions is not one around V


def chi_square(noise: laplace.Noise) -> float:
    """Of the actions taken near a target beyond all means, against AWAC's policy; 3 degrees of freedom."""
    (found,) = laplace.counts(BANDIT, np.array([1.5]), samples=300_000, seed=0, noise=noise)
    assert found.sum() > 2000
    expected = found.sum() * laplace.awac_policy(BANDIT)
    return float(((found - expected) ** 2 / expected).sum())


def test_sampled_actions_are_awac_s_within_sampling_error_for_laplace_returns_alone() -> None:
    assert chi_square("Laplace") < 16.3  # the 99.9 % quantile
    assert chi_square("Gaussian") > 100


def test_distance_of_samples_is_the_expected_one() -> None:
    policy = laplace.awac_policy(BANDIT)
    near = laplace.share_near(BANDIT, 2.0) * 200_000
    found = [laplace.counts(BANDIT, np.array([2.0]), samples=200_000, seed=seed)[0] for seed in range(12)]
    assert np.mean([count.sum() for count in found]) == pytest.approx(near, rel=0.05)
    distances = [laplace.distance(count / count.sum(), policy) for count in found]
    assert np.mean(distances) == pytest.approx(laplace.sampling_error(policy, near), rel=0.5)


DISTRIBUTIONS = {
    "binomial": coverage.binomial(20, 0.25),
    "wide prior": coverage.beta_binomial(20, 2, 6),
    "narrow prior": coverage.beta_binomial(20, 8, 24),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_inverse_coverage_grows_superlinearly(name: str) -> None:
    probabilities = DISTRIBUTIONS[name]
    assert probabilities.sum() == pytest.approx(1)
    mean, deviation = coverage.moments(probabilities)
    assert mean == pytest.approx(5)
    inverse = 1 / probabilities
    assert (inverse >= coverage.chebyshev(probabilities)).all()
    above = np.arange(21) > mean + deviation
    growth = np.diff(inverse[above])
    assert (growth > 0).all()
    assert (np.diff(growth) > 0).all()
    distance = (np.arange(21) - mean)[above]
    slopes = np.diff(np.log(inverse[above])) / np.diff(np.log(distance))
    assert slopes[-1] > 2


@pytest.mark.parametrize(
    ("name", "chance"), [("binomial", 0.25), ("wide prior", (2.0, 6.0)), ("narrow prior", (8.0, 24.0))]
)
def test_sampled_returns_have_these_probabilities(name: str, chance: float | tuple[float, float]) -> None:
    episodes = 200_000
    found = coverage.sampled_returns(20, chance, episodes=episodes, seed=0)
    expected = DISTRIBUTIONS[name] * episodes
    error = np.abs(found - expected) / np.sqrt(expected + 1)
    assert found.sum() == episodes
    assert error.max() < 5


def test_ideal_actions_are_the_conditional_means_of_the_data() -> None:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (400_000, 4))
    paid = rng.random(actions.shape) < raised_targets.MEAN_CHANCE + raised_targets.SLOPE * actions
    returns = paid.sum(axis=1)
    ideal = raised_targets.ideal_actions(4)
    for target in range(5):
        assert actions[returns == target, 0].mean() == pytest.approx(ideal[target, 4], abs=0.02)


def test_expected_returns_are_those_of_rollouts() -> None:
    ideal = raised_targets.ideal_actions(6)
    rng = np.random.default_rng(1)
    returns_to_go, total = np.full(50_000, 5), np.zeros(50_000)
    for left in range(6, 0, -1):
        chance = raised_targets.MEAN_CHANCE + raised_targets.SLOPE * ideal[returns_to_go, left]
        paid = rng.random(50_000) < chance
        returns_to_go = np.maximum(returns_to_go - paid, 0)
        total += paid
    assert raised_targets.expected_returns(ideal)[5] == pytest.approx(total.mean(), abs=0.03)


def test_raising_the_target_brings_little_even_without_error() -> None:
    achieved = raised_targets.expected_returns(raised_targets.ideal_actions(20))
    assert (np.diff(achieved) > 0).all()
    assert achieved[20] - achieved[7] < 0.1 * (20 - 7)
    assert achieved[20] < 0.7 * 12


def test_trained_policy_follows_the_target_far_too_little() -> None:
    settings = raised_targets.Settings(updates=150)
    first, again = (raised_targets.run(0, settings) for _ in range(2))
    assert np.array_equal(first.achieved, again.achieved)
    assert 10 <= first.highest <= 16
    assert 0 < first.achieved[20] - first.achieved[0] < 4
    assert first.achieved.max() < 9
