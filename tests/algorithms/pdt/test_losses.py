"""PDT's loss terms against plain formulas, values and gradients."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.algorithms.batches import S, random_batch
from tests.algorithms.pdt.test_models import K, Z, encoder, future_settings, gaussian, policy
from vitamin.algorithms.data.segments import FutureBatch
from vitamin.algorithms.models.latents import DiagonalGaussian
from vitamin.algorithms.pdt.losses import encode_futures, latent_divergence, return_loss

LENGTHS, AHEAD = (6, 2, 4), (6, 3, 0)
REAL = [(b, t) for b, length in enumerate(LENGTHS) for t in range(K - length, K)]


def future_batch() -> FutureBatch:
    past, ahead = random_batch(LENGTHS), random_batch(AHEAD, seed=1)
    return FutureBatch(
        **vars(past), future_states=ahead.states, future_actions=ahead.actions, future_mask=ahead.mask
    )


def require_gradient(*distributions: DiagonalGaussian) -> list[Tensor]:
    leaves = [tensor for d in distributions for tensor in (d.loc, d.log_std)]
    for leaf in leaves:
        leaf.requires_grad_()
    return leaves


def plain_divergence(q: DiagonalGaussian, p: DiagonalGaussian, b: int, t: int) -> Tensor:
    """KL(q || p) at a position, as the textbook has it: log s_p/s_q + (s_q^2 + (m_q - m_p)^2) / 2 s_p^2 - 1/2."""
    total = torch.zeros((), dtype=torch.float64)
    for i in range(Z):
        m_q, s_q = q.loc[b, t, i], q.log_std[b, t, i].exp()
        m_p, s_p = p.loc[b, t, i], p.log_std[b, t, i].exp()
        total = total + torch.log(s_p / s_q) + (s_q**2 + (m_q - m_p) ** 2) / (2 * s_p**2) - 0.5
    return total


@pytest.mark.parametrize("reference", ["standard_normal", "prior"])
def test_divergence_is_the_plain_formula_and_so_is_its_gradient(reference: str) -> None:
    batch, beta = future_batch(), 0.7
    q, p = gaussian(3, K, Z, seed=1), gaussian(3, K, Z, seed=2)
    leaves = require_gradient(q, p)
    settings = future_settings(latent_reference=reference, latent_kl_coefficient=beta)
    loss, metrics = latent_divergence(batch, q, p, settings)

    standard = DiagonalGaussian(torch.zeros_like(q.loc), torch.zeros_like(q.loc))
    held = DiagonalGaussian(q.loc.detach(), q.log_std.detach())
    if reference == "prior":
        terms = [beta * plain_divergence(q, p, b, t) for b, t in REAL]
    else:
        terms = [
            beta * plain_divergence(q, standard, b, t) + plain_divergence(held, p, b, t) for b, t in REAL
        ]
    plain = torch.stack(terms).sum() / len(REAL) / Z
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(torch.autograd.grad(loss, leaves), torch.autograd.grad(plain, leaves))
    expected = torch.stack([plain_divergence(held, p, b, t) for b, t in REAL]).mean() / Z
    torch.testing.assert_close(metrics["latent/prior_kl"], expected.detach())
    assert not any(value.requires_grad for value in metrics.values())


def test_only_with_the_prior_as_reference_does_the_encoder_feel_it() -> None:
    for reference, felt in (("standard_normal", False), ("prior", True)):
        gradients = []
        for seed in (2, 3):
            q, p = gaussian(3, K, Z, seed=1), gaussian(3, K, Z, seed=seed)
            leaves = require_gradient(q)
            loss, _ = latent_divergence(future_batch(), q, p, future_settings(latent_reference=reference))
            gradients.append(torch.autograd.grad(loss, leaves))
        assert torch.equal(gradients[0][0], gradients[1][0]) is not felt


def test_latents_are_samples_of_the_posterior_and_0_where_padded() -> None:
    batch, model = future_batch(), encoder()
    noise = torch.randn(3, K, Z, dtype=torch.float64)
    latents = encode_futures(model, batch, noise)
    for b in range(3):
        for t in range(K):
            q = latents.posterior
            sample = q.loc[b, t] + q.log_std[b, t].exp() * noise[b, t]
            expected = sample if (b, t) in REAL else torch.zeros(Z, dtype=torch.float64)
            torch.testing.assert_close(latents.values[b, t], expected)
    known = latents.posterior.loc.abs().sum(-1) > 0
    assert torch.equal(known, batch.future_mask)


def plain_gaussian_nll(value: Tensor, loc: Tensor, log_std: Tensor) -> Tensor:
    return 0.5 * ((value - loc) / log_std.exp()) ** 2 + log_std + 0.5 * math.log(2 * math.pi)


def plain_linear(layer: nn.Linear, inputs: Tensor) -> Tensor:
    return layer.weight @ inputs + layer.bias


def test_return_loss_is_the_plain_formula_and_so_is_its_gradient() -> None:
    batch, model = future_batch(), policy()
    latents = torch.randn(3, K, Z, dtype=torch.float64, requires_grad=True)
    loss = return_loss(batch, model, latents)
    terms = []
    for b, t in REAL:
        state = plain_linear(model.embed_state, batch.states[b, t])
        latent = plain_linear(model.embed_future, latents[b, t])
        hidden = torch.cat([state, latent]).clamp(min=0)
        loc, raw = (
            plain_linear(model.return_head.loc, hidden),
            plain_linear(model.return_head.log_std, hidden),
        )
        terms.append(plain_gaussian_nll(batch.returns_to_go[b, t], loc[0], raw[0].clamp(-10, 2)))
    plain = torch.stack(terms).mean()
    torch.testing.assert_close(loss, plain)
    inputs: list[Any] = [
        latents,
        model.embed_state.weight,
        model.embed_future.weight,
        *model.return_head.parameters(),
    ]
    torch.testing.assert_close(torch.autograd.grad(loss, inputs), torch.autograd.grad(plain, inputs))


def test_the_prior_sees_the_state_alone() -> None:
    model = policy()
    state = torch.randn(S, dtype=torch.float64)
    hidden = plain_linear(model.embed_state, state).clamp(min=0)
    torch.testing.assert_close(model.prior(state[None]).loc[0], plain_linear(model.prior_head.loc, hidden))


def test_gradients_reach_the_encoder_through_actions_and_returns() -> None:
    batch, encoding, acting = future_batch(), encoder(), policy()
    noise = torch.randn(3, K, Z, dtype=torch.float64)
    for term in ("action", "return"):
        latents = encode_futures(encoding, batch, noise).values
        if term == "return":
            loss = return_loss(batch, acting, latents)
        else:
            output = acting(batch.states, batch.actions, latents, batch.timesteps, batch.mask)
            loss = -batch.mean(output.distribution.log_prob(batch.actions))
        gradient = torch.autograd.grad(loss, encoding.head.loc.weight)[0]
        assert gradient.shape == (Z, 16)
        assert (gradient != 0).all(), term
