"""The policy: a decision transformer (Chen et al. 2021) with the head of TD3+ODT or Online DT (Zheng et al. 2022)."""

import torch
from torch import Tensor

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
from vitamin.algorithms.models.policy import Padding, PolicyNetwork
from vitamin.algorithms.models.transformer import CausalTransformer


class DecisionTransformer(CausalTransformer, PolicyNetwork):
    """Maps a context R_1 s_1 a_1 R_2 s_2 a_2 ... to an action at each state token.

    There is no positional embedding in the published setting; with ``timestep_embedding`` a learned embedding of the
    timestep is added to the three tokens of a step. Without ``return_conditioning`` all returns-to-go are 0 to it, and
    the supervised loss is plain behaviour cloning.
    """

    def __init__(
        self, observation_size: int, action_size: int, hyperparameters: Hyperparameters, policy: PolicyKind
    ) -> None:
        super().__init__(action_size)
        width = hyperparameters.hidden_size
        self._conditioned = hyperparameters.return_conditioning
        self.embed_return = Linear(1, width)
        self.embed_state = Linear(observation_size, width)
        self.embed_action = Linear(action_size, width)
        self._add_timesteps(hyperparameters)
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
        """One causal pass over B segments; see `PolicyNetwork.forward`."""
        layout = self._layout(mask, padding)
        return self._run(states, actions, returns_to_go, timesteps, layout)

    def act(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor) -> PolicyOutput:
        """Rollout inference; see `PolicyNetwork.act`."""
        self._require_inference()
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
        if not self._conditioned:
            returns_to_go = torch.zeros_like(returns_to_go)
        embedded = [
            self.embed_return(layout.take_steps(returns_to_go)[:, None]),
            self.embed_state(layout.take_steps(states)),
            self.embed_action(layout.take_steps(actions)),
        ]
        read = self._read(embedded, layout, self._timestep_offset(timesteps, layout))
        output: PolicyOutput = self.head.output(layout.restore(self.head(read).to(states.dtype)))
        return output
