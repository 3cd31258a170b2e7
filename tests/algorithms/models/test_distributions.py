import pytest
import torch
from torch.distributions import Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform

from vitamin.algorithms.data.normalization import ACTION_LIMIT
from vitamin.algorithms.models.distributions import SquashedGaussian, squash_log_std


def example(dtype: torch.dtype = torch.float64) -> SquashedGaussian:
    generator = torch.Generator().manual_seed(0)
    loc, log_std = torch.randn(2, 5, 3, dtype=dtype, generator=generator)
    return SquashedGaussian(loc, log_std)


def test_log_prob_is_that_of_the_transformed_normal() -> None:
    ours = example()
    reference = TransformedDistribution(Normal(ours.loc, ours.log_std.exp()), [TanhTransform()])
    actions = torch.rand(5, 3, dtype=torch.float64) * 1.98 - 0.99
    torch.testing.assert_close(ours.log_prob(actions), reference.log_prob(actions).sum(-1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_prob_is_finite_with_finite_gradients_at_the_action_limits(dtype: torch.dtype) -> None:
    ours = example(dtype)
    ours.loc.requires_grad_()
    actions = torch.tensor([ACTION_LIMIT, -ACTION_LIMIT, 0.0], dtype=dtype).expand(5, 3)
    log_prob = ours.log_prob(actions)
    log_prob.sum().backward()
    assert log_prob.isfinite().all()
    assert ours.loc.grad is not None
    assert ours.loc.grad.isfinite().all()


def test_entropy_is_exact_where_the_tanh_of_a_sample_saturates() -> None:
    far = SquashedGaussian(torch.tensor([30.0, -30.0]), torch.zeros(2))
    entropy = far.entropy(torch.zeros(2))
    wide = SquashedGaussian(far.loc.double(), far.log_std.double()).entropy(
        torch.zeros(2, dtype=torch.float64)
    )
    assert entropy.isfinite()
    torch.testing.assert_close(entropy.double(), wide)


def test_entropy_estimates_average_to_the_entropy() -> None:
    ours = SquashedGaussian(
        torch.tensor([0.3], dtype=torch.float64), torch.tensor([-0.5], dtype=torch.float64)
    )
    actions = torch.linspace(-1, 1, 200_002, dtype=torch.float64)[1:-1, None]
    log_prob = ours.log_prob(actions)
    exact = -(log_prob.exp() * log_prob).sum() * (actions[1] - actions[0])
    noise = torch.randn(200_000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours.entropy(noise).mean(), exact[0], rtol=0, atol=0.01)


def test_samples_follow_their_noise() -> None:
    ours = example()
    ours.loc.requires_grad_()
    noise = torch.full((5, 3), 0.7, dtype=torch.float64)
    sample = ours.sample(noise)
    torch.testing.assert_close(sample, (ours.loc + 0.7 * ours.log_std.exp()).tanh())
    sample.sum().backward()
    assert ours.loc.grad is not None
    assert (ours.loc.grad > 0).all()
    torch.testing.assert_close(ours.sample(torch.zeros(5, 3, dtype=torch.float64)), ours.mean_action)
    assert (ours.sample(noise * 1000).abs() <= ACTION_LIMIT).all()


def test_log_std_is_squashed_into_its_range() -> None:
    squashed = squash_log_std(torch.tensor([-100.0, 0.0, 100.0]))
    torch.testing.assert_close(squashed, torch.tensor([-5.0, -1.5, 2.0]))
