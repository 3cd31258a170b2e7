"""A pre-norm GPT-2 style causal transformer, over the tokens of a layout."""

import math

import torch
from torch import Tensor, nn

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.attention import attention
from vitamin.algorithms.models.layers import Dropout, Linear, linear
from vitamin.algorithms.models.layout import TokenLayout


class Block(nn.Module):
    """Attention and a two-layer ReLU perceptron of inner width 4 H, each behind a LayerNorm and added to its input."""

    def __init__(self, hidden_size: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(hidden_size)
        self.query_key_value = Linear(hidden_size, 3 * hidden_size)
        self.projection = Linear(hidden_size, hidden_size)
        self.mlp_norm = nn.LayerNorm(hidden_size)
        self.expansion = Linear(hidden_size, 4 * hidden_size)
        self.contraction = Linear(4 * hidden_size, hidden_size)
        self.dropout = Dropout(dropout)
        for layer in (self.query_key_value, self.projection, self.expansion, self.contraction):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, layout: TokenLayout) -> Tensor:
        """(M, H) -> (M, H)."""
        width = tokens.shape[-1]
        spread = layout.spread(self.query_key_value(self.attention_norm(tokens)))
        query, key_value = spread.split([width, 2 * width], dim=-1)
        seen = self._attend(query, key_value, layout.bias, layout.penalty)
        return self._transform(tokens, layout.collect(seen))

    def read(self, tokens: Tensor, layout: TokenLayout) -> Tensor:
        """As forward, for the layout's queries only: (M, H) -> (n, H)."""
        width = tokens.shape[-1]
        weight, bias = self.query_key_value.weight, self.query_key_value.bias
        normed = self.attention_norm(tokens)
        query = layout.spread_queries(linear(layout.queries(normed), weight[:width], bias[:width]))
        key_value = layout.spread(linear(normed, weight[width:], bias[width:]))
        seen = self._attend(query, key_value, layout.queries_bias, layout.penalty)
        return self._transform(layout.queries(tokens), layout.collect_queries(seen))

    def _attend(
        self, query: Tensor, key_value: Tensor, bias: Tensor | None, penalty: Tensor | None
    ) -> Tensor:
        """(rows, Q, H), (rows, L, 2 H) -> (rows, Q, H)."""
        dropout = self.dropout.probability if self.training else 0.0
        return attention(query, key_value, self.num_heads, bias, penalty, dropout)

    def _transform(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """Adds what was seen, then the perceptron: (M, H), (M, H) -> (M, H)."""
        tokens = self.dropout(self.projection(seen), tokens)
        inner = self.expansion(self.mlp_norm(tokens), rectify=True)
        transformed: Tensor = self.dropout(self.contraction(inner), tokens)
        return transformed


class CausalTransformer(nn.Module):
    """The base of models of token sequences; a subclass makes the embeddings before, and a head after `_add_blocks`."""

    causal_bias: Tensor
    embed_timestep: nn.Embedding | None

    def _add_timesteps(self, hyperparameters: Hyperparameters) -> None:
        """Makes the embedding of timesteps, if the settings have one."""
        settings = hyperparameters
        self.embed_timestep = (
            nn.Embedding(settings.max_timestep, settings.hidden_size) if settings.timestep_embedding else None
        )

    def _timestep_offset(self, timesteps: Tensor, layout: TokenLayout) -> Tensor | None:
        """The embeddings of the layout's m steps, (m, H), of ``timesteps`` (B, K); None if there is no embedding."""
        if self.embed_timestep is None:
            return None
        known = layout.take_steps(timesteps).clamp(max=self.embed_timestep.num_embeddings - 1)
        embedded: Tensor = self.embed_timestep(known)
        return embedded

    def _add_blocks(self, hyperparameters: Hyperparameters, slots: int) -> None:
        """Makes LayerNorms, dropout and blocks for rows of at most ``slots`` tokens."""
        width = hyperparameters.hidden_size
        self.embedding_norm = nn.LayerNorm(width)
        self.embedding_dropout = Dropout(hyperparameters.embedding_dropout)
        blocks = [
            Block(width, hyperparameters.num_heads, hyperparameters.dropout)
            for _ in range(hyperparameters.num_layers)
        ]
        self.blocks = nn.ModuleList(blocks[:-1])
        self.last_block = blocks[-1]
        self.final_norm = nn.LayerNorm(width)
        self.register_buffer("causal_bias", torch.full((slots, slots), -math.inf).triu(1), persistent=False)

    def _read(self, embedded: list[Tensor], layout: TokenLayout, offset: Tensor | None = None) -> Tensor:
        """Outputs of the layout's n queries after the last LayerNorm, (n, H).

        Args:
            embedded: The tokens of each of m steps in order, (m, H) each.
            layout: The layout's m steps are those.
            offset: (m, H), added to all tokens of a step.
        """
        tokens = torch.stack(embedded, dim=1)  # (m, tokens of a step, H)
        if offset is not None:
            tokens = tokens + offset[:, None]
        tokens = self.embedding_dropout(self.embedding_norm(layout.take_tokens(tokens)))  # (M, H)
        for block in self.blocks:
            tokens = block(tokens, layout)
        normed: Tensor = self.final_norm(self.last_block.read(tokens, layout))
        return normed
