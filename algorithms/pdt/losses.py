"""Loss terms of PDT (Xie et al. 2023): latents that say what follows, a prior that guesses them, their returns."""

from dataclasses import dataclass

from torch import Tensor

from vitamin.algorithms.data.segments import FutureBatch
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.future_encoder import FutureEncoder
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.models.latents import DiagonalGaussian


@dataclass(frozen=True)
class Latents:
    """The latents of a batch.

    Attributes:
        posterior: q(z|future), over (B, K, Z).
        values: (B, K, Z), samples of it; 0 at padded positions.
    """

    posterior: DiagonalGaussian
    values: Tensor


def encode_futures(encoder: FutureEncoder, batch: FutureBatch, noise: Tensor) -> Latents:
    """The latents of a batch, differentiable in the encoder; ``noise`` is standard normal, (B, K, Z)."""
    posterior = encoder(
        batch.future_states, batch.future_actions, batch.future_mask, steps=batch.mask.shape[1]
    )
    return Latents(posterior, posterior.sample(noise) * batch.mask[..., None])


def latent_divergence(
    batch: FutureBatch, posterior: DiagonalGaussian, prior: DiagonalGaussian, settings: Hyperparameters
) -> tuple[Tensor, dict[str, Tensor]]:
    """The divergence that holds q(z|future) and p(z|s) together, and its metrics; divergences in nats a component.

    With ``latent_reference`` of ``standard_normal`` beta KL(q || N(0, 1)) + KL(q' || p), where no gradient flows
    through q', as in the published code. With ``prior`` beta KL(q || p).

    Args:
        batch: B segments of K steps.
        posterior: q, over (B, K, Z).
        prior: p, over (B, K, Z).
        settings: Reference and beta.
    """
    towards_prior = batch.mean(posterior.detach().divergence(prior)) / settings.latent_size
    metrics = {"latent/prior_kl": towards_prior.detach()}
    if settings.latent_reference == "prior":
        divergence = batch.mean(posterior.divergence(prior)) / settings.latent_size
        return settings.latent_kl_coefficient * divergence, metrics
    divergence = batch.mean(posterior.divergence(posterior.standard())) / settings.latent_size
    metrics["latent/encoder_kl"] = divergence.detach()
    return settings.latent_kl_coefficient * divergence + towards_prior, metrics


def return_loss(batch: FutureBatch, policy: FutureConditionedPolicy, latents: Tensor) -> Tensor:
    """Mean of -log p(R_t | z_t, s_t) over real positions, R_t the scaled return-to-go; a scalar."""
    predicted = policy.predict_return(batch.states, latents)
    return batch.mean(-predicted.log_prob(batch.returns_to_go[:, :-1, None]))
