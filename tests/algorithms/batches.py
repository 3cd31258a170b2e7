"""Small random segment batches."""

from collections.abc import Sequence
from typing import Any

import torch

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.hyperparameters import Hyperparameters

S, A = 4, 2


def settings(**overrides: Any) -> Hyperparameters:
    """A small model without dropout."""
    return Hyperparameters(
        **{
            "context_length": 6,
            "hidden_size": 16,
            "num_layers": 2,
            "num_heads": 2,
            "critic_hidden_size": 16,
            "dropout": 0.0,
            "embedding_dropout": 0.0,
            "warmup_updates": 0,
            **overrides,
        }
    )


def random_batch(
    lengths: Sequence[int], K: int = 6, dtype: torch.dtype = torch.float64, seed: int = 0
) -> SegmentBatch:
    """Segments with ``lengths`` real steps, left-padded to K as the replay does it."""
    rng = torch.Generator().manual_seed(seed)
    B = len(lengths)
    mask = torch.arange(K) >= K - torch.tensor(lengths)[:, None]
    real = mask.to(dtype)
    normalized_zero = torch.randn(S, generator=rng, dtype=dtype)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=rng, dtype=dtype)

    return SegmentBatch(
        states=torch.where(mask[..., None], normal(B, K, S), normalized_zero),
        actions=normal(B, K, A).tanh() * real[..., None],
        rewards=normal(B, K) * real,
        next_states=torch.where(mask[..., None], normal(B, K, S), normalized_zero),
        terminals=(torch.rand(B, K, generator=rng) < 0.1).to(dtype) * real,
        returns_to_go=torch.cat([normal(B, K) * real, normal(B, 1)], dim=1),
        timesteps=torch.arange(K).expand(B, K) * mask,
        mask=mask,
        real_count=float(mask.sum()),
    )


def constant_noise(value: float) -> Any:
    """A source of noise that always gives ``value``."""
    return lambda shape: torch.full(shape, value, dtype=torch.float64)
