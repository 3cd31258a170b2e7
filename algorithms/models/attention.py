"""Multi-head attention over arranged tokens."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from vitamin.algorithms.models.layers import draw_kept

_PUBLISHED_MASK_SCORE = -1e4
_VECTOR_WIDTH = 16


def attention(
    query: Tensor,
    key_value: Tensor,
    num_heads: int,
    hidden: Tensor | None,
    penalty: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Scaled dot-product attention with ``num_heads`` heads of width d = H / num_heads.

    Args:
        query: (rows, Q, H).
        key_value: (rows, L, 2 H), keys before values.
        num_heads: Number of heads.
        hidden: bool (Q, L), True where a query does not see a key; None if it sees all.
        penalty: (rows, 1, 1, L), added to the scores of padded keys. If given, hidden scores are set to -1e4 and not
            to minus infinity, as in the published code, where queries at padded positions then see real keys.
        dropout: Probability of dropping an attention weight.

    Returns:
        (rows, Q, H).
    """
    if penalty is not None:
        return _published_attention(query, key_value, num_heads, hidden, penalty, dropout)
    if query.device.type == "cpu":
        bias = None if hidden is None else query.new_zeros(hidden.shape).masked_fill_(hidden, -math.inf)
        seen: Tensor = _CPUAttention.apply(query, key_value, num_heads, bias, dropout)
        return seen
    queries, keys, values = _heads(query, key_value, num_heads)
    visible = None if hidden is None else ~hidden
    seen = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, dropout_p=dropout)
    return seen.transpose(1, 2).flatten(2)


def _heads(query: Tensor, key_value: Tensor, num_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """(rows, Q, H), (rows, L, 2 H) -> (rows, heads, Q, d) and twice (rows, heads, L, d)."""
    queries = query.unflatten(-1, (num_heads, -1)).transpose(1, 2)
    keys, values = key_value.unflatten(-1, (2, num_heads, -1)).permute(2, 0, 3, 1, 4)
    return queries, keys, values


def _published_attention(
    query: Tensor, key_value: Tensor, num_heads: int, hidden: Tensor | None, penalty: Tensor, dropout: float
) -> Tensor:
    queries, keys, values = _heads(query, key_value, num_heads)
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if hidden is not None:
        scores = scores.masked_fill(hidden, _PUBLISHED_MASK_SCORE)
    weights = F.dropout((scores + penalty).softmax(-1), dropout)
    return (weights @ values).transpose(1, 2).flatten(2)


class _CPUAttention(torch.autograd.Function):
    """Attention as a few batched products; on CPUs faster than PyTorch's, most of all with dropout."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key_value: Tensor, num_heads: int, bias: Tensor | None, dropout: float
    ) -> Tensor:
        queries, keys, values = _heads(query, key_value, num_heads)
        queries, keys, values = (x.flatten(0, 1) for x in (queries, keys, values))  # (rows * heads, Q or L, d)
        factor = 1 / math.sqrt(queries.shape[-1])
        if bias is None:
            scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(factor)
        else:
            scores = torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=factor)
        weights = _softmax(scores)  # (rows * heads, Q, L)
        kept, scale = draw_kept(weights, dropout) if dropout > 0 else (None, 1.0)
        used = weights if kept is None else kept.to(weights.dtype).mul_(scale).mul_(weights)
        seen = torch.bmm(used, values)  # (rows * heads, Q, d)
        ctx.save_for_backward(queries, keys, values, weights, kept, seen)
        ctx.num_heads, ctx.factor, ctx.scale = num_heads, factor, scale
        return _join_heads(seen, num_heads)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, values, weights, kept, seen = ctx.saved_tensors
        gradient = gradient.unflatten(-1, (ctx.num_heads, -1)).transpose(1, 2).flatten(0, 1)
        key_value_gradient = keys.new_empty(2, *keys.shape)  # (2, rows * heads, L, d)
        along = (gradient * seen).sum(-1, keepdim=True)
        to_scores = torch.bmm(gradient, values.transpose(1, 2))  # (rows * heads, Q, L)
        if kept is None:
            used = weights
        else:
            factors = kept.to(weights.dtype).mul_(ctx.scale)
            to_scores.mul_(factors)
            used = factors.mul_(weights)
        torch.bmm(used.transpose(1, 2), gradient, out=key_value_gradient[1])
        to_scores.sub_(along).mul_(weights).mul_(ctx.factor)
        torch.bmm(to_scores.transpose(1, 2), queries, out=key_value_gradient[0])
        query_gradient = torch.bmm(to_scores, keys)
        key_value_gradient = key_value_gradient.unflatten(1, (-1, ctx.num_heads)).permute(1, 3, 0, 2, 4)
        return _join_heads(query_gradient, ctx.num_heads), key_value_gradient.flatten(2), None, None, None


def _join_heads(separate: Tensor, num_heads: int) -> Tensor:
    """(rows * heads, Q, d) -> (rows, Q, H)."""
    return separate.unflatten(0, (-1, num_heads)).transpose(1, 2).flatten(2)


def _softmax(scores: Tensor) -> Tensor:
    """Softmax over the last axis; PyTorch's own is slow where that is shorter than a vector register."""
    if scores.shape[-1] >= _VECTOR_WIDTH:
        return scores.softmax(-1)
    weights = (scores - scores.amax(-1, keepdim=True)).exp_()
    return weights.div_(weights.sum(-1, keepdim=True))
