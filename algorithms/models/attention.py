"""Masked multi-head attention over arranged tokens."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_REFERENCE_MASK_SCORE = -1e4


def attention(
    query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None, penalty: Tensor | None, dropout: float
) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: (rows, heads, Q, d).
        key: (rows, heads, L, d).
        value: (rows, heads, L, d).
        hidden: bool (Q, L), True where a query must not see a key; None if it sees all.
        penalty: (rows, 1, 1, L), added to the scores of padded keys. If given, hidden scores are set to -1e4 rather
            than minus infinity, which is what the published code does; queries at padded positions then see real keys.
        dropout: Probability of dropping an attention weight.

    Returns:
        (rows, heads, Q, d).
    """
    if penalty is None and (dropout == 0 or query.device.type != "cpu"):
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=None if hidden is None else ~hidden, dropout_p=dropout
        )
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if hidden is not None:
        scores = scores.masked_fill(hidden, -math.inf if penalty is None else _REFERENCE_MASK_SCORE)
    if penalty is not None:
        scores = scores + penalty
    return F.dropout(scores.softmax(-1), dropout) @ value
