"""Which tokens of a batch are computed, and where they sit when attention looks at them.

Linear layers, LayerNorm and dropout work on M packed tokens, (M, H), one row a token that is really computed; only
attention needs them arranged in rows of slots, (rows, slots, H), which hold R_1 s_1 a_1 R_2 s_2 a_2 ... A row's last
action token is left out wherever no query sees it. The last block computes only its n queries, the state tokens.
Models with other tokens fit in too: the second token of a step is its query, tokens after the last query are left out.

Example: B = 2 segments of K = 2 steps, six tokens each. Steps are numbered as in (B * K), and step 0 is padding::

    segments                rows of slots             queries of the last block
    R0 s0 a0 R1 s1 a1       R1 s1  .  .  .            s1  .
    R2 s2 a2 R3 s3 a3       R2 s2 a2 R3 s3            s2 s3

`skip_layout` makes these rows. It embeds m = 3 steps and computes M = 7 tokens, n = 3 of them queries::

    steps         1  2  3                             of (B * K)
    tokens        0  1  3  4  5  6  7                 of (3 m), R1 s1 a1 R2 s2 a2 R3 s3 a3, without a1 and a3
    slot          0  1  5  6  7  8  9                 of (2 * 5), where each token sits
    source        0  1  0  0  0  2  3  4  5  6        of (M), what each slot shows; no query sees what "." shows
    query         1  3  6                             of (M): s1, s2, s3
    query_slot    0  2  3                             of (2 * 2), where each query sits
    query_source  0  0  1  2                          of (n), what each query slot shows
    output        3  0  1  2                          of (n), for each step; 3 = n gives zeros to the padded one

Slots see those before them in their row and themselves; of this mask, ``bias``, the last block needs the rows ``s``::

       R s a R s
    R  x . . . .
    s  x x . . .
    a  x x x . .
    R  x x x x .
    s  x x x x x

`attend_layout` has padding seen as if it were real. What is computed of it, with no real step before it, is the same in
all segments: it is in the last row, and shown in the others::

    R0 s0 a0 R1 s1
    R2 s2 a2 R3 s3
    R0 s0 a0 R0 s0
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

STATE_TOKENS = slice(1, None, 3)
LAST_TOKEN = slice(-1, None)

_PUBLISHED_PADDING_SCORE = -1e4


class TokenLayout(Protocol):
    """The interface of a layout of a batch (B, K), as the transformer uses it."""

    @property
    def bias(self) -> Tensor:
        """(slots, slots), minus infinity where a query (first axis) does not see a key, else 0."""

    @property
    def queries_bias(self) -> Tensor | None:
        """(queries of a row, slots), the same for the last block's queries; None if they see all."""

    @property
    def penalty(self) -> Tensor | None:
        """(rows, slots) added to scores, or None; see `vitamin.algorithms.models.attention.attention`."""

    def take_steps(self, values: Tensor) -> Tensor:
        """(B, K, ...) -> (m, ...), the steps that are embedded."""

    def take_tokens(self, embedded: Tensor) -> Tensor:
        """(m, tokens of a step, H) -> (M, H)."""

    def spread(self, tokens: Tensor) -> Tensor:
        """(M, D) -> (rows, slots, D)."""

    def collect(self, slots: Tensor) -> Tensor:
        """(rows, slots, D) -> (M, D)."""

    def queries(self, tokens: Tensor) -> Tensor:
        """(M, D) -> (n, D)."""

    def spread_queries(self, queries: Tensor) -> Tensor:
        """(n, D) -> (rows, queries of a row, D)."""

    def collect_queries(self, slots: Tensor) -> Tensor:
        """(rows, queries of a row, D) -> (n, D)."""

    def restore(self, queries: Tensor) -> Tensor:
        """(n, D) -> (B, K, D), or (B, 1, D) where only the last state is a query."""


@dataclass(frozen=True)
class DenseLayout:
    """All slots are computed: nothing but views.

    Attributes:
        rows: B.
        slots: Slots of a row: 3 K - 1, or 3 K where the last action is looked at.
        selection: The slots of a row that are queries of the last block.
    """

    rows: int
    slots: int
    selection: slice
    bias: Tensor
    queries_bias: Tensor | None
    penalty: Tensor | None = None

    def take_steps(self, values: Tensor) -> Tensor:
        """(B, K, ...) -> (B * K, ...)."""
        return values.flatten(0, 1)

    def take_tokens(self, embedded: Tensor) -> Tensor:
        """(B * K, 3, H) -> (M, H)."""
        rows = embedded.view(self.rows, -1, embedded.shape[-1])
        return rows[:, : self.slots].flatten(0, 1)

    def spread(self, tokens: Tensor) -> Tensor:
        """(M, D) -> (rows, slots, D)."""
        return tokens.view(self.rows, -1, tokens.shape[-1])

    def collect(self, slots: Tensor) -> Tensor:
        """(rows, slots, D) -> (M, D)."""
        return slots.flatten(0, 1)

    def queries(self, tokens: Tensor) -> Tensor:
        """(M, D) -> (n, D)."""
        return self.spread(tokens)[:, self.selection].flatten(0, 1)

    spread_queries = spread
    collect_queries = collect
    restore = spread


@dataclass(frozen=True)
class PackedLayout:
    """Only some slots are computed; the others show a computed token instead, or are never looked at.

    Attributes:
        steps: int64 (m,), the steps that are embedded, as indices into (B * K).
        tokens: int64 (M,), the tokens of those steps that are computed, as indices into (3 m).
        source: int64 (rows * slots,), the token that each slot shows.
        slot: int64 (M,), each token's own slot.
        query: int64 (n,), the tokens that are queries of the last block.
        query_source: int64 (rows * queries of a row,), the query that each query slot shows.
        query_slot: int64 (n,), each query's own slot.
        output: int64 (B * K,), the query whose output each step takes; n gives zeros.
        rows: Rows of slots.
        batch: B.
    """

    steps: Tensor
    tokens: Tensor
    source: Tensor
    slot: Tensor
    query: Tensor
    query_source: Tensor
    query_slot: Tensor
    output: Tensor
    rows: int
    batch: int
    bias: Tensor
    queries_bias: Tensor
    penalty: None = None

    def take_steps(self, values: Tensor) -> Tensor:
        """(B, K, ...) -> (m, ...)."""
        return values.flatten(0, 1).index_select(0, self.steps)

    def take_tokens(self, embedded: Tensor) -> Tensor:
        """(m, tokens of a step, H) -> (M, H)."""
        return embedded.flatten(0, 1).index_select(0, self.tokens)

    def spread(self, tokens: Tensor) -> Tensor:
        """(M, D) -> (rows, slots, D)."""
        return tokens.index_select(0, self.source).view(self.rows, -1, tokens.shape[-1])

    def collect(self, slots: Tensor) -> Tensor:
        """(rows, slots, D) -> (M, D)."""
        return slots.flatten(0, 1).index_select(0, self.slot)

    def queries(self, tokens: Tensor) -> Tensor:
        """(M, D) -> (n, D)."""
        return tokens.index_select(0, self.query)

    def spread_queries(self, queries: Tensor) -> Tensor:
        """(n, D) -> (rows, queries of a row, D)."""
        return queries.index_select(0, self.query_source).view(self.rows, -1, queries.shape[-1])

    def collect_queries(self, slots: Tensor) -> Tensor:
        """(rows, queries of a row, D) -> (n, D)."""
        return slots.flatten(0, 1).index_select(0, self.query_slot)

    def restore(self, queries: Tensor) -> Tensor:
        """(n, D) -> (B, K, D)."""
        padded = torch.cat([queries, queries.new_zeros(1, queries.shape[-1])])
        return padded.index_select(0, self.output).view(self.batch, -1, queries.shape[-1])


def dense_layout(batch: int, steps: int, bias: Tensor, tokens: int = 3) -> DenseLayout:
    """All steps of a batch (B, K) = (``batch``, ``steps``), padded or not, as if they were real.

    Args:
        batch: B.
        steps: K.
        bias: (at least 3 K, 3 K), minus infinity above the diagonal, else 0.
        tokens: Tokens of a step, 2 or 3.
    """
    slots = _slots(steps, tokens)
    queries = slice(1, None, tokens)
    bias = bias[:slots, :slots]
    return DenseLayout(batch, slots, queries, bias, bias[queries])


def last_state_layout(batch: int, steps: int, bias: Tensor) -> DenseLayout:
    """As `dense_layout`, with the last state token as the only query."""
    slots = 3 * steps - 1
    return DenseLayout(batch, slots, LAST_TOKEN, bias[:slots, :slots], None)


def penalized_layout(mask: Tensor, bias: Tensor) -> DenseLayout:
    """All steps of a batch, padded keys at a penalty of -1e4 as in the published code.

    Queries at padded positions see all keys there, so even the last action token is computed.

    Args:
        mask: bool (B, K), True where real.
        bias: (at least 3 K, 3 K), minus infinity above the diagonal, else 0.
    """
    batch, steps = mask.shape
    slots = 3 * steps
    penalty = bias.new_zeros(batch, steps).masked_fill_(~mask, _PUBLISHED_PADDING_SCORE)
    penalty = penalty.repeat_interleave(3, dim=1)
    bias = bias[:slots, :slots]
    return DenseLayout(batch, slots, STATE_TOKENS, bias, bias[STATE_TOKENS], penalty)


def skip_layout(mask: Tensor, bias: Tensor, tokens: int = 3) -> PackedLayout:
    """Only real steps; outputs are zero elsewhere.

    Real steps move to the front of their row, so that the causal mask alone hides what is not real.

    Args:
        mask: bool (B, K), True where real; at least one position is.
        bias: (at least 3 K, 3 K), minus infinity above the diagonal, else 0.
        tokens: Tokens of a step, 2 or 3.
    """
    batch, steps = mask.shape
    lengths = mask.sum(1)
    width = int(lengths.max())
    slots = _slots(width, tokens)
    flat = mask.flatten().nonzero().squeeze(1)
    row = flat.div(steps, rounding_mode="floor")
    position = (mask.cumsum(1) - 1).flatten()[flat]
    last = position == lengths[row] - 1

    kept = torch.ones(len(flat), tokens, dtype=torch.bool, device=mask.device)
    kept[:, 2:] = ~last[:, None]
    slot = ((row * slots + tokens * position)[:, None] + torch.arange(tokens, device=mask.device))[kept]
    query_slot = row * width + position
    return PackedLayout(
        steps=flat,
        tokens=kept.flatten().nonzero().squeeze(1),
        source=_inverse(slot, batch * slots),
        slot=slot,
        query=_query_tokens(kept),
        query_source=_inverse(query_slot, batch * width),
        query_slot=query_slot,
        output=_inverse(flat, batch * steps, default=len(flat)),
        rows=batch,
        batch=batch,
        bias=bias[:slots, :slots],
        queries_bias=bias[:slots, :slots][1::tokens],
    )


def attend_layout(mask: Tensor, bias: Tensor) -> PackedLayout:
    """All steps as if they were real, where padding is on the left and padded steps are alike, as in a `SegmentBatch`.

    The padded beginning of every row is then the same, and so is what the transformer makes of it, without an
    embedding of the timestep: it is computed once, as one more row, and shown in the slots of all.

    Args:
        mask: bool (B, K), True where real; at least one position is not.
        bias: (at least 3 K, 3 K), minus infinity above the diagonal, else 0.
    """
    batch, steps = mask.shape
    slots = 3 * steps - 1
    flat = mask.flatten().nonzero().squeeze(1)
    row, position = flat.div(steps, rounding_mode="floor"), flat.remainder(steps)
    prefix = torch.arange(steps, device=mask.device)
    padded_step = (~mask).flatten().to(torch.uint8).argmax()

    row = torch.cat([row, torch.full_like(prefix, batch)])
    position = torch.cat([position, prefix])
    kept = torch.ones(len(row), 3, dtype=torch.bool, device=mask.device)
    kept[:, 2] = position != steps - 1
    slot = ((row * slots + 3 * position)[:, None] + torch.arange(3, device=mask.device))[kept]
    query_slot = row * steps + position
    source = _inverse(slot, (batch + 1) * slots, default=-1).view(batch + 1, slots)
    query_source = _inverse(query_slot, (batch + 1) * steps, default=-1).view(batch + 1, steps)
    source = torch.where(source < 0, source[-1], source)
    query_source = torch.where(query_source < 0, query_source[-1], query_source)
    return PackedLayout(
        steps=torch.cat([flat, padded_step.expand(steps)]),
        tokens=kept.flatten().nonzero().squeeze(1),
        source=source.flatten(),
        slot=slot,
        query=_query_tokens(kept),
        query_source=query_source.flatten(),
        query_slot=query_slot,
        output=query_source[:-1].flatten(),
        rows=batch + 1,
        batch=batch,
        bias=bias[:slots, :slots],
        queries_bias=bias[:slots, :slots][STATE_TOKENS],
    )


def _slots(steps: int, tokens: int) -> int:
    """Slots of a row of steps: without the tokens after the last query."""
    return tokens * steps - (tokens - 2)


def _query_tokens(kept: Tensor) -> Tensor:
    """Indices, among the tokens that are True in ``kept`` (m, tokens), of the second token of each step; (m,)."""
    return (kept.flatten().cumsum(0) - 1).view(kept.shape)[:, 1]


def _inverse(places: Tensor, size: int, default: int = 0) -> Tensor:
    """``inverse[places[i]] = i``, ``default`` elsewhere; (n,) -> (size,)."""
    inverse = torch.full((size,), default, dtype=torch.int64, device=places.device)
    inverse[places] = torch.arange(len(places), device=places.device)
    return inverse
