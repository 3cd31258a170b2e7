"""The policy of PDT: a transformer conditioned on latent futures, and how a latent is chosen (Xie et al. 2023)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import GaussianHead, PolicyOutput, StochasticHead
from vitamin.algorithms.models.latents import DiagonalGaussian, clip_log_std
from vitamin.algorithms.models.layers import Linear
from vitamin.algorithms.models.layout import (
    TokenLayout,
    dense_layout,
    last_state_layout,
    penalized_layout,
    skip_layout,
)
from vitamin.algorithms.models.policy import Padding, PolicyNetwork
from vitamin.algorithms.models.transformer import CausalTransformer


class FutureConditionedPolicy(CausalTransformer, PolicyNetwork):
    """Maps a context s_1 z_1 a_1 s_2 z_2 a_2 ... to an action distribution at each latent token.

    Prior p(z|s) and return predictor p(R|z, s) are linear maps of rectified embeddings, as published.

    Attributes:
        return_updates: int64 scalar, updates of the return predictor so far. Part of the weights, so that env runners
            and checkpoints know whether `choose_latents` can trust it.
    """

    return_updates: Tensor

    def __init__(self, observation_size: int, action_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__(action_size)
        width = hyperparameters.hidden_size
        self.latent_size = hyperparameters.latent_size
        self.num_samples = hyperparameters.num_latent_samples
        self.embed_future = Linear(self.latent_size, width)
        self.embed_state = Linear(observation_size, width)
        self.embed_action = Linear(action_size, width)
        self._add_timesteps(hyperparameters)
        self._add_blocks(hyperparameters, 3 * hyperparameters.context_length)
        self.head = StochasticHead(width, action_size)
        self.prior_head = GaussianHead(width, self.latent_size, clip_log_std)
        self.return_head = GaussianHead(2 * width, 1, clip_log_std)
        self.register_buffer("return_updates", torch.tensor(0))
        self._warmup_updates = hyperparameters.return_warmup_updates

    @property
    def selects(self) -> bool:
        """Whether latents are chosen by their return: after ``return_warmup_updates`` updates of the predictor."""
        return int(self.return_updates) >= max(1, self._warmup_updates)

    @property
    def latent_noise_shape(self) -> tuple[int, int]:
        """Standard normals that `choose_latents` takes for each state: (M, Z), M = ``num_latent_samples``."""
        return self.num_samples, self.latent_size

    def forward(
        self,
        states: Tensor,
        actions: Tensor,
        latents: Tensor,
        timesteps: Tensor,
        mask: Tensor,
        padding: Padding = "skip",
    ) -> PolicyOutput:
        """One causal pass over B segments, left-padded to K <= ``context_length`` steps.

        Args:
            states: (B, K, S), normalized.
            actions: (B, K, A).
            latents: (B, K, Z).
            timesteps: (B, K) int64.
            mask: bool (B, K), True where real; some position is.
            padding: As for `PolicyNetwork.forward`; ``attend`` is not wanted of this policy.

        Returns:
            Action and distribution over (B, K, A).
        """
        layout: TokenLayout
        if bool(mask.all()):
            layout = dense_layout(len(mask), mask.shape[1], self.causal_bias)
        elif padding == "skip":
            layout = skip_layout(mask, self.causal_bias)
        else:
            layout = penalized_layout(mask, self.causal_bias)
        return self._run(states, actions, latents, timesteps, layout)

    def act(self, states: Tensor, actions: Tensor, latents: Tensor, timesteps: Tensor) -> PolicyOutput:
        """Rollout inference: the policy at the last state of N contexts of equal length C <= K, without padding.

        Args:
            states: (N, C, S), normalized.
            actions: (N, C, A); the last one is not looked at.
            latents: (N, C, Z), as `choose_latents` gave them, step by step.
            timesteps: (N, C) int64.

        Returns:
            Action and distribution over (N, 1, A).

        Raises:
            RuntimeError: In training mode, where dropout would disturb the policy.
        """
        self._require_inference()
        layout = last_state_layout(states.shape[0], states.shape[1], self.causal_bias)
        return self._run(states, actions, latents, timesteps, layout)

    def prior(self, states: Tensor) -> DiagonalGaussian:
        """p(z|s); (..., S) -> a distribution over (..., Z)."""
        prior = self.prior_head(F.relu(self._embed(self.embed_state, states)))
        return DiagonalGaussian.of(prior.to(states.dtype))

    def predict_return(self, states: Tensor, latents: Tensor) -> DiagonalGaussian:
        """p(R|z, s), R times ``return_scale``; (..., S), (..., Z) -> over (..., 1); states may broadcast."""
        state, latent = self._embed(self.embed_state, states), self._embed(self.embed_future, latents)
        embedded = torch.cat([state.expand_as(latent), latent], dim=-1)  # (..., 2 H)
        return DiagonalGaussian.of(self.return_head(F.relu(embedded)).to(states.dtype))

    def choose_latents(self, states: Tensor, noise: Tensor) -> Tensor:
        """The latents to act with: of M samples of the prior those of highest predicted mean return.

        Before the predictor knows any returns, see `selects`, the first sample of each.

        Args:
            states: (N, S), normalized.
            noise: (N, M, Z), standard normal.

        Returns:
            (N, Z).
        """
        prior = self.prior(states)
        samples = DiagonalGaussian(prior.loc[:, None], prior.log_std[:, None]).sample(noise)  # (N, M, Z)
        if not self.selects:
            return samples[:, 0]
        best = self.predict_return(states[:, None], samples).loc[..., 0].argmax(1)  # (N,)
        return samples[torch.arange(len(samples), device=samples.device), best]

    def _embed(self, layer: nn.Module, values: Tensor) -> Tensor:
        """(..., I) -> (..., H)."""
        embedded: Tensor = layer(values.flatten(0, -2))
        return embedded.view(*values.shape[:-1], -1)

    def _run(
        self, states: Tensor, actions: Tensor, latents: Tensor, timesteps: Tensor, layout: TokenLayout
    ) -> PolicyOutput:
        embedded = [
            self.embed_state(layout.take_steps(states)),
            self.embed_future(layout.take_steps(latents)),
            self.embed_action(layout.take_steps(actions)),
        ]
        read = self._read(embedded, layout, self._timestep_offset(timesteps, layout))
        output: PolicyOutput = self.head.output(layout.restore(self.head(read).to(states.dtype)))
        return output
