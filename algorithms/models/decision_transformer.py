"""The policy: a decision transformer (Chen et al. 2021) with the head of TD3+ODT or Online DT (Zheng et al. 2022)."""

from typing import Literal

from torch import Tensor, nn

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import DeterministicHead, PolicyOutput, StochasticHead
from vitamin.algorithms.models.layers import Linear
from vitamin.algorithms.models.layout import (
    TokenLayout,
    attend_layout,
    dense_layout,
    last_state_layout,
    penalized_layout,
    skip_layout,
)
from vitamin.algorithms.models.transformer import CausalTransformer

__all__ = ["DecisionTransformer", "Padding", "PolicyOutput"]

Padding = Literal["skip", "attend", "compute"]
"""How a forward pass treats padded positions; see `DecisionTransformer.forward`."""


class DecisionTransformer(CausalTransformer):
    """Maps a context R_1 s_1 a_1 R_2 s_2 a_2 ... to an action at each state token.

    There is no positional embedding in the published setting; with ``timestep_embedding`` a learned embedding of the
    timestep is added to the three tokens of a step.
    """

    def __init__(
        self, observation_size: int, action_size: int, hyperparameters: Hyperparameters, policy: PolicyKind
    ) -> None:
        super().__init__()
        width = hyperparameters.hidden_size
        self.embed_return = Linear(1, width)
        self.embed_state = Linear(observation_size, width)
        self.embed_action = Linear(action_size, width)
        self.embed_timestep = (
            nn.Embedding(hyperparameters.max_timestep, width) if hyperparameters.timestep_embedding else None
        )
        self._add_blocks(hyperparameters, 3 * hyperparameters.context_length)
        head = DeterministicHead if policy == "deterministic" else StochasticHead
        self.head = head(width, action_size)

    def forward(
        self,
        states: Tensor,
        actions: Tensor,
        returns_to_go: Tensor,
        timesteps: Tensor,
        mask: Tensor,
        padding: Padding = "skip",
    ) -> PolicyOutput:
        """One causal pass over B segments, left-padded to K <= ``context_length`` steps.

        Args:
            states: (B, K, S), normalized.
            actions: (B, K, A).
            returns_to_go: (B, K), multiplied by ``return_scale``.
            timesteps: (B, K) int64.
            mask: bool (B, K), True where real; some position is.
            padding: What padded positions are.
                ``skip``: nothing. They are not computed; their raw outputs (before tanh) are zeros.
                ``attend``: part of the context, as in the published target policy. Padded steps must be alike.
                ``compute``: masked as in the published code, whose outputs at padded positions enter the entropy.
                On real positions this agrees with ``skip``.

        Returns:
            Action and distribution over (B, K, A).
        """
        layout = self._layout(mask, padding)
        return self._run(states, actions, returns_to_go, timesteps, layout)

    def act(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor) -> PolicyOutput:
        """Rollout inference: the policy at the last state of N contexts of equal length C <= K, without padding.

        Args:
            states: (N, C, S), normalized.
            actions: (N, C, A); the last one is not looked at.
            returns_to_go: (N, C), multiplied by ``return_scale``.
            timesteps: (N, C) int64.

        Returns:
            Action and distribution over (N, 1, A).

        Raises:
            RuntimeError: In training mode, where dropout would disturb the policy.
        """
        if self.training:
            raise RuntimeError("act() is inference without dropout: call eval() on the policy first.")
        layout = last_state_layout(states.shape[0], states.shape[1], self.causal_bias)
        return self._run(states, actions, returns_to_go, timesteps, layout)

    def _layout(self, mask: Tensor, padding: Padding) -> TokenLayout:
        if bool(mask.all()):
            return dense_layout(len(mask), mask.shape[1], self.causal_bias)
        if padding == "skip":
            return skip_layout(mask, self.causal_bias)
        if padding == "compute":
            return penalized_layout(mask, self.causal_bias)
        if self.embed_timestep is not None:
            return dense_layout(len(mask), mask.shape[1], self.causal_bias)
        return attend_layout(mask, self.causal_bias)

    def _run(
        self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor, layout: TokenLayout
    ) -> PolicyOutput:
        embedded = [
            self.embed_return(layout.take_steps(returns_to_go)[:, None]),
            self.embed_state(layout.take_steps(states)),
            self.embed_action(layout.take_steps(actions)),
        ]
        offset = None
        if self.embed_timestep is not None:
            known = layout.take_steps(timesteps).clamp(max=self.embed_timestep.num_embeddings - 1)
            offset = self.embed_timestep(known)
        read = self._read(embedded, layout, offset)
        output: PolicyOutput = self.head.output(layout.restore(self.head(read).to(states.dtype)))
        return output
