"""The policy: a decision transformer (Chen et al. 2021) with the head of TD3+ODT or Online DT (Zheng et al. 2022)."""

import math

import torch
from torch import Tensor, nn

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import DeterministicHead, PolicyOutput, StochasticHead
from vitamin.algorithms.models.layers import Dropout, Linear
from vitamin.algorithms.models.layout import (
    TokenLayout,
    attend_layout,
    dense_layout,
    last_state_layout,
    penalized_layout,
    skip_layout,
)
from vitamin.algorithms.models.policy import Padding, PolicyNetwork
from vitamin.algorithms.models.transformer import Block


class DecisionTransformer(PolicyNetwork):
    """Maps a context R_1 s_1 a_1 R_2 s_2 a_2 ... to an action at each state token.

    There is no positional embedding in the published setting; with ``timestep_embedding`` a learned embedding of the
    timestep is added to the three tokens of a step.
    """

    causal_bias: Tensor

    def __init__(
        self, observation_size: int, action_size: int, hyperparameters: Hyperparameters, policy: PolicyKind
    ) -> None:
        super().__init__(action_size)
        width = hyperparameters.hidden_size
        self.embed_return = Linear(1, width)
        self.embed_state = Linear(observation_size, width)
        self.embed_action = Linear(action_size, width)
        self.embed_timestep = (
            nn.Embedding(hyperparameters.max_timestep, width) if hyperparameters.timestep_embedding else None
        )
        self.embedding_norm = nn.LayerNorm(width)
        self.embedding_dropout = Dropout(hyperparameters.embedding_dropout)
        blocks = [
            Block(width, hyperparameters.num_heads, hyperparameters.dropout)
            for _ in range(hyperparameters.num_layers)
        ]
        self.blocks = nn.ModuleList(blocks[:-1])
        self.last_block = blocks[-1]
        self.final_norm = nn.LayerNorm(width)
        head = DeterministicHead if policy == "deterministic" else StochasticHead
        self.head = head(width, action_size)
        slots = 3 * hyperparameters.context_length
        self.register_buffer("causal_bias", torch.full((slots, slots), -math.inf).triu(1), persistent=False)

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
        embedded = [
            self.embed_return(layout.take_steps(returns_to_go)[:, None]),
            self.embed_state(layout.take_steps(states)),
            self.embed_action(layout.take_steps(actions)),
        ]
        tokens = torch.stack(embedded, dim=1)  # (m, 3, H)
        if self.embed_timestep is not None:
            known = layout.take_steps(timesteps).clamp(max=self.embed_timestep.num_embeddings - 1)
            tokens = tokens + self.embed_timestep(known)[:, None]
        tokens = self.embedding_dropout(self.embedding_norm(layout.take_tokens(tokens)))  # (M, H)
        for block in self.blocks:
            tokens = block(tokens, layout)
        tokens = self.last_block.read(tokens, layout)  # (n, H)
        output: PolicyOutput = self.head.output(
            layout.restore(self.head(self.final_norm(tokens)).to(states.dtype))
        )
        return output
