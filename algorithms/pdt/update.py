"""One update of PDT: the return predictor alone while it warms up, else everything at once (Xie et al. 2023)."""

import torch
from torch import Tensor
from torch.optim import Adam

from vitamin.algorithms import supervised
from vitamin.algorithms.data.segments import FutureBatch, SegmentBatch
from vitamin.algorithms.gradients import Metrics, Noise
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.pdt.losses import Latents, encode_futures, latent_divergence, return_loss
from vitamin.algorithms.update import Terms, Updater


class FutureUpdater(Updater):
    """The updates of PDT. Arguments are those of `Updater`.

    Attributes:
        optimizers: ``policy`` (LAMB) has the future encoder too; ``return`` (Adam) is that of the warm-up.
    """

    def __init__(
        self,
        networks: Networks,
        method: Method,
        hyperparameters: Hyperparameters,
        lockstep: Lockstep = ALONE,
    ) -> None:
        super().__init__(networks, method, hyperparameters, lockstep)
        if not isinstance(networks.policy, FutureConditionedPolicy) or networks.future_encoder is None:
            raise TypeError(
                "PDT's updates are of a policy that is conditioned on futures, and of their encoder."
            )
        self._policy, self._encoder = networks.policy, networks.future_encoder
        self.optimizers["policy"].add_param_group({"params": list(self._encoder.parameters())})
        self.optimizers["return"] = Adam(
            self._policy.return_head.parameters(), lr=hyperparameters.return_warmup_learning_rate
        )

    def update(
        self,
        batch: SegmentBatch,
        phase: Phase,
        noise: Noise,
        rl_batch: SegmentBatch | None = None,  # noqa: ARG002 (there is no RL gradient)
    ) -> Metrics:
        """An update of everything; online first ``return_warmup_updates`` of the return predictor alone.

        Args:
            batch: B segments of K steps with their futures, on the networks' device.
            phase: In pretraining rewards are not looked at.
            noise: Draws standard normals of a shape, on the networks' device.
            rl_batch: Not used.

        Returns:
            Detached scalars, named as in ``metrics.jsonl``.
        """
        if phase == "online":
            warming_up = int(self._policy.return_updates) < self.hyperparameters.return_warmup_updates
            self._policy.return_updates += 1
            if warming_up:
                return self.return_step(batch, noise)
        return self.actor_step(batch, phase, noise)

    def return_step(self, batch: SegmentBatch, noise: Noise) -> Metrics:
        """One step of the return predictor's head on latents of the encoder; arguments and result as for `update`.

        Without dropout: the published code's rollouts leave it off until fine-tuning begins.
        """
        batch = FutureBatch.of(batch)
        mode = self._encoder.training
        self._encoder.eval()
        with self.autocast(batch.states):
            with torch.no_grad():
                latents = self._encode(batch, noise).values
            loss = return_loss(batch, self._policy, latents)
        self._encoder.train(mode)
        norm = self._descend("return", loss)
        return {"loss/return": loss.detach(), "gradient_norm/return": norm}

    def _actor_loss(
        self,
        batch: SegmentBatch,
        rl_batch: SegmentBatch,  # noqa: ARG002 (there is no RL gradient)
        terms: Terms,
        noise: Noise,
        advantages: Tensor | None,  # noqa: ARG002
    ) -> tuple[Tensor, Metrics]:
        """Likelihood, entropy and divergences; as soon as returns are learned, their likelihood too."""
        batch, settings = FutureBatch.of(batch), self.hyperparameters
        latents = self._encode(batch, noise)
        output = self._policy(
            *batch.context(latents.values), padding="compute" if settings.entropy_over_padding else "skip"
        )
        draw = noise(output.action.shape)
        entropy = supervised.entropy(batch, output.distribution, draw, settings.entropy_over_padding)
        likelihood = supervised.negative_log_likelihood(batch, output.distribution)
        supervised_loss = likelihood - self.networks.temperature * entropy
        prior = self._policy.prior(batch.states)
        divergence, metrics = latent_divergence(batch, latents.posterior, prior, settings)
        metrics |= {"policy/entropy": entropy.detach(), "loss/supervised": supervised_loss.detach()}
        loss = terms.supervised_coefficient * supervised_loss + divergence
        if int(self._policy.return_updates) > 0:
            returns = return_loss(batch, self._policy, latents.values)
            metrics["loss/return"] = returns.detach()
            loss = loss + returns
        return loss, metrics

    def _encode(self, batch: FutureBatch, noise: Noise) -> Latents:
        shape = (*batch.mask.shape, self.hyperparameters.latent_size)
        return encode_futures(self._encoder, batch, noise(torch.Size(shape)))
