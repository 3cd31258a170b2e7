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
_SHORT = 32
_FEW_ROWS = 16


def attention(
    query: Tensor,
    key_value: Tensor,
    num_heads: int,
    bias: Tensor | None,
    penalty: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Scaled dot-product attention with ``num_heads`` heads of width d = H / num_heads.

    Args:
        query: (rows, Q, H).
        key_value: (rows, L, 2 H), keys before values.
        num_heads: Number of heads.
        bias: (Q, L), minus infinity where a query does not see a key, else 0; None if it sees all. Causal if Q = L.
        penalty: (rows, L), added to the scores of padded keys. If given, hidden scores are set to -1e4 and not to
            minus infinity, as in the published code, where queries at padded positions then see real keys.
        dropout: Probability of dropping an attention weight.

    Returns:
        (rows, Q, H).
    """
    if penalty is not None or (query.device.type == "cpu" and not _suits_pytorch(query, key_value, dropout)):
        seen: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
            query, key_value, num_heads, bias, penalty, dropout
        )
        return seen
    queries, keys, values = _heads(query, key_value, num_heads)
    causal = bias is not None and bias.shape[0] == bias.shape[1]
    seen = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=None if causal else bias, dropout_p=dropout, is_causal=causal
    )
    return seen.transpose(1, 2).flatten(2)


def _suits_pytorch(query: Tensor, key_value: Tensor, dropout: float) -> bool:
    """Whether PyTorch's attention on a CPU is the faster one: in inference, but for many short rows."""
    inference = dropout == 0 and not torch.is_grad_enabled()
    return inference and (len(query) <= _FEW_ROWS or key_value.shape[1] >= _SHORT)


def _heads(query: Tensor, key_value: Tensor, num_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """(rows, Q, H), (rows, L, 2 H) -> (rows, heads, Q, d) and twice (rows, heads, L, d)."""
    queries = query.unflatten(-1, (num_heads, -1)).transpose(1, 2)
    keys, values = key_value.unflatten(-1, (2, num_heads, -1)).permute(2, 0, 3, 1, 4)
    return queries, keys, values


class _Attention(torch.autograd.Function):
    """Attention as a few batched products; faster to train on a CPU than PyTorch's, most of all with dropout."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key_value: Tensor,
        num_heads: int,
        bias: Tensor | None,
        penalty: Tensor | None,
        dropout: float,
    ) -> Tensor:
        queries, keys, values = (
            x.flatten(0, 1) for x in _heads(query, key_value, num_heads)
        )  # (rows * heads, ...)
        factor = 1 / math.sqrt(queries.shape[-1])
        ctx.hidden = None
        if bias is None:
            scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(factor)
        elif penalty is None:
            scores = torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=factor)
        else:
            ctx.hidden = bias < 0
            scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(factor)
            scores.masked_fill_(ctx.hidden, _PUBLISHED_MASK_SCORE)
            scores.unflatten(0, (-1, num_heads)).add_(penalty[:, None, None])
        # Autocast on CUDA gives softmax in float32, on a CPU in the type of the scores.
        weights = _softmax(scores).to(values.dtype)  # (rows * heads, Q, L)
        kept, scale = draw_kept(weights, dropout) if dropout > 0 else (None, 1.0)
        used = weights if kept is None else kept.to(weights.dtype).mul_(scale).mul_(weights)
        seen = torch.bmm(used, values)  # (rows * heads, Q, d)
        ctx.save_for_backward(queries, keys, values, weights, kept, seen)
        ctx.num_heads, ctx.factor, ctx.scale = num_heads, factor, scale
        return _join_heads(seen, num_heads)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, values, weights, kept, seen = ctx.saved_tensors
        gradient = gradient.unflatten(-1, (ctx.num_heads, -1)).transpose(1, 2).flatten(0, 1)
        to_key_value = keys.new_empty(2, *keys.shape)  # (2, rows * heads, L, d)
        to_scores = torch.bmm(gradient, values.transpose(1, 2))  # (rows * heads, Q, L)
        if kept is None:
            used = weights
        else:
            factors = kept.to(weights.dtype).mul_(ctx.scale)
            to_scores.mul_(factors)
            used = factors.mul_(weights)
        torch.bmm(used.transpose(1, 2), gradient, out=to_key_value[1])
        to_scores.sub_((gradient * seen).sum(-1, keepdim=True)).mul_(weights).mul_(ctx.factor)
        if ctx.hidden is not None:
            to_scores.masked_fill_(ctx.hidden, 0)
        torch.bmm(to_scores.transpose(1, 2), queries, out=to_key_value[0])
        to_query = _join_heads(torch.bmm(to_scores, keys), ctx.num_heads)
        to_key_value = to_key_value.unflatten(1, (-1, ctx.num_heads)).permute(1, 3, 0, 2, 4).flatten(2)
        return to_query, to_key_value, None, None, None, None


def _join_heads(separate: Tensor, num_heads: int) -> Tensor:
    """(rows * heads, Q, d) -> (rows, Q, H)."""
    joined: Tensor = separate.unflatten(0, (-1, num_heads)).transpose(1, 2).flatten(2)
    return joined


def _softmax(scores: Tensor) -> Tensor:
    """Softmax over the last axis; PyTorch's own is slow where that is shorter than a vector register."""
    if scores.shape[-1] >= _VECTOR_WIDTH:
        return scores.softmax(-1)
    weights = (scores - scores.amax(-1, keepdim=True)).exp_()
    return weights.div_(weights.sum(-1, keepdim=True))
