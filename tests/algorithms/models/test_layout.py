"""Layouts of tokens, against rows that are made one token after the other."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from vitamin.algorithms.models import layout as layout_module
from vitamin.algorithms.models.layout import (
    DenseLayout,
    PackedLayout,
    attend_layout,
    dense_layout,
    last_state_layout,
    penalized_layout,
    skip_layout,
)

Token = tuple[int, int, int]
"""Segment, step and place in the step; segment -1 is the padding that all segments share."""

MASKS = {
    "one real step": [[0, 0, 0, 1]],
    "all padded but one": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
    "left-padded": [[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1]],
    "one step long": [[0], [1]],
    "with gaps": [[1, 0, 1, 0], [0, 1, 1, 0]],
    "all real": [[1, 1], [1, 1]],
}
LEFT_PADDED = ["one real step", "all padded but one", "left-padded", "one step long"]


def mask_of(name: str) -> Tensor:
    return torch.tensor(MASKS[name], dtype=torch.bool)


def causal_bias(slots: int) -> Tensor:
    return torch.full((slots, slots), float("-inf")).triu(1)


def numbered(*shape: int) -> Tensor:
    """1, 2, 3, ... in a tensor of the shape with one component more."""
    return torch.arange(1.0, 1 + torch.Size(shape).numel()).view(*shape, 1)


def tokens_of(layout: PackedLayout, steps: Sequence[tuple[int, int]], tokens: int) -> list[Token]:
    """The layout's M tokens by name.

    Args:
        layout: The layout.
        steps: Segment and step of its m steps.
        tokens: Tokens of a step.
    """
    names = [(*step, place) for step in steps for place in range(tokens)]
    return [names[index] for index in layout.tokens.tolist()]


def shown_in(rows: Tensor, names: Sequence[Token]) -> list[list[Token]]:
    """Names of the tokens in rows of numbers from 1, (rows, slots, 1)."""
    return [[names[int(number) - 1] for number in row] for row in rows[..., 0]]


def seen_by(layout: PackedLayout, names: Sequence[Token]) -> dict[Token, list[Token]]:
    """For each computed token the tokens that it sees."""
    rows, bias = shown_in(layout.spread(numbered(len(names))), names), layout.bias
    places = [divmod(slot, bias.shape[0]) for slot in layout.slot.tolist()]
    return {
        name: [other for j, other in enumerate(rows[row]) if bias[place, j] == 0]
        for name, (row, place) in zip(names, places, strict=True)
    }


def seen_by_queries(layout: PackedLayout, names: Sequence[Token]) -> dict[Token, list[Token]]:
    """For each query of the last block the tokens that it sees."""
    rows, bias = shown_in(layout.spread(numbered(len(names))), names), layout.queries_bias
    places = [divmod(slot, bias.shape[0]) for slot in layout.query_slot.tolist()]
    return {
        names[query]: [other for j, other in enumerate(rows[row]) if bias[place, j] == 0]
        for query, (row, place) in zip(layout.query.tolist(), places, strict=True)
    }


def check_round_trips(layout: PackedLayout) -> None:
    """Tokens and queries come back from their slots."""
    tokens, queries = numbered(len(layout.tokens)), numbered(len(layout.query))
    assert torch.equal(layout.collect(layout.spread(tokens)), tokens)
    assert torch.equal(layout.collect_queries(layout.spread_queries(queries)), queries)


@pytest.mark.parametrize("tokens", [2, 3])
@pytest.mark.parametrize("name", MASKS)
def test_skipping_padding(name: str, tokens: int) -> None:
    mask = mask_of(name)
    B, K = mask.shape
    layout = skip_layout(mask, causal_bias(3 * K), tokens)
    rows = [[(b, t) for t in range(K) if mask[b, t]] for b in range(B)]
    real = [step for row in rows for step in row]
    # A naive row: every token of its real steps, but for those after its last query.
    expected = [[(*step, place) for step in row for place in range(tokens)] for row in rows]
    expected = [row[: len(row) - (tokens - 2)] for row in expected]

    steps = numbered(B, K)
    assert torch.equal(layout.take_steps(steps), steps[mask])
    names = tokens_of(layout, real, tokens)
    assert names == [token for row in expected for token in row]
    embedded = numbered(len(real), tokens)
    assert torch.equal(layout.take_tokens(embedded)[:, 0], layout.tokens + 1.0)
    check_round_trips(layout)

    assert layout.spread(numbered(len(names))).shape[:2] == (B, max(map(len, expected)))
    assert seen_by(layout, names) == {token: row[: i + 1] for row in expected for i, token in enumerate(row)}
    assert seen_by_queries(layout, names) == {
        token: row[: i + 1] for row in expected for i, token in enumerate(row) if token[2] == 1
    }
    outputs = torch.zeros(B, K, 1)
    outputs[mask] = layout.queries(numbered(len(names)))
    assert torch.equal(layout.restore(layout.queries(numbered(len(names)))), outputs)
    assert [names[int(number) - 1][:2] for number in outputs[mask]] == real


@pytest.mark.parametrize("name", LEFT_PADDED)
def test_attending_to_padding(name: str) -> None:
    mask = mask_of(name)
    B, K = mask.shape
    layout = attend_layout(mask, causal_bias(3 * K))
    real = [(b, t) for b in range(B) for t in range(K) if mask[b, t]]
    padding = [(-1, t) for t in range(K)]

    # A naive row: every token of all its steps but the last action; padded ones are the shared ones.
    def row_of(b: int) -> list[Token]:
        of_row = [(b, t) if b >= 0 and mask[b, t] else (-1, t) for t in range(K)]
        return [(*step, place) for step in of_row for place in range(3)][:-1]

    steps = numbered(B, K)
    taken = layout.take_steps(steps)
    assert torch.equal(taken[: len(real)], steps[mask])
    assert not {*taken[len(real) :].flatten().tolist()} & {*steps[mask].flatten().tolist()}
    names = tokens_of(layout, real + padding, 3)
    computed = {token for b in range(B) for token in row_of(b) if token[0] == b} | {*row_of(-1)}
    assert len(names) == len(computed)
    assert {*names} == computed
    check_round_trips(layout)

    assert shown_in(layout.spread(numbered(len(names))), names) == [row_of(b) for b in (*range(B), -1)]
    rows = {token: row_of(token[0]) for token in names}
    assert seen_by(layout, names) == {token: row[: row.index(token) + 1] for token, row in rows.items()}
    assert seen_by_queries(layout, names) == {
        token: row[: row.index(token) + 1] for token, row in rows.items() if token[2] == 1
    }
    restored = layout.restore(layout.queries(numbered(len(names))))
    assert shown_in(restored, names) == [[token for token in row_of(b) if token[2] == 1] for b in range(B)]


@pytest.mark.parametrize(("tokens", "slots"), [(2, 6), (3, 8)])
def test_dense_rows(tokens: int, slots: int) -> None:
    B, K = 2, 3
    layout = dense_layout(B, K, causal_bias(12), tokens)
    check_dense(layout, B, K, tokens, slots, queries=list(range(1, slots, tokens)))
    assert layout.queries_bias is not None
    assert torch.equal(layout.queries_bias, causal_bias(12)[:slots, :slots][1::tokens])
    assert layout.penalty is None


def test_the_last_state_alone() -> None:
    layout = last_state_layout(2, 3, causal_bias(12))
    check_dense(layout, 2, 3, 3, 8, queries=[7])
    assert layout.queries_bias is None
    assert layout.restore(numbered(2)).shape == (2, 1, 1)


@pytest.mark.parametrize("name", MASKS)
def test_the_published_penalty(name: str) -> None:
    mask = mask_of(name)
    B, K = mask.shape
    layout = penalized_layout(mask, causal_bias(3 * K))
    check_dense(layout, B, K, 3, 3 * K, queries=list(range(1, 3 * K, 3)))
    assert layout.penalty is not None
    expected = [[0.0 if real else -1e4 for real in row for _ in range(3)] for row in mask.tolist()]
    assert layout.penalty.tolist() == expected


def check_dense(layout: DenseLayout, B: int, K: int, tokens: int, slots: int, queries: list[int]) -> None:
    """The rows are the first ``slots`` tokens of each segment, in order."""
    embedded = numbered(B, K, tokens).view(B * K, tokens, 1)
    rows = embedded.view(B, K * tokens, 1)[:, :slots]
    packed = layout.take_tokens(embedded)
    assert torch.equal(layout.take_steps(numbered(B, K)), numbered(B * K))
    assert torch.equal(layout.spread(packed), rows)
    assert torch.equal(layout.collect(layout.spread(packed)), packed)
    assert torch.equal(layout.bias, causal_bias(slots))
    chosen = layout.queries(packed)
    assert torch.equal(layout.spread_queries(chosen), rows[:, queries])
    assert torch.equal(layout.collect_queries(layout.spread_queries(chosen)), chosen)
    assert torch.equal(layout.restore(chosen), rows[:, queries])


def test_the_example_of_the_docstring() -> None:
    text = layout_module.__doc__ or ""
    lines = [line.strip() for line in text.splitlines()]
    mask = torch.tensor([[0, 1], [1, 1]], dtype=torch.bool)
    letters = "Rsa"

    def words(tokens: Sequence[Token]) -> list[str]:
        return [f"{letters[place]}{2 * b + t}" if b >= 0 else f"{letters[place]}0" for b, t, place in tokens]

    layout = skip_layout(mask, causal_bias(6))
    names = tokens_of(layout, [(0, 1), (1, 0), (1, 1)], 3)
    own_slots, own_query_slots = {*layout.slot.tolist()}, {*layout.query_slot.tolist()}
    rows = words([names[index] for index in layout.source.tolist()])
    rows = [word if slot in own_slots else " ." for slot, word in enumerate(rows)]
    queries = words([names[layout.query[index]] for index in layout.query_source.tolist()])
    queries = [word if slot in own_query_slots else " ." for slot, word in enumerate(queries)]
    for b in range(2):
        segment = " ".join(words([(b, t, place) for t in range(2) for place in range(3)]))
        columns = (segment, " ".join(rows[5 * b :][:5]), " ".join(queries[2 * b :][:2]))
        assert "{:24}{:26}{}".format(*columns) in lines
    for name in (
        *("steps", "tokens", "slot", "source"),
        *("query", "query_slot", "query_source", "output"),
    ):
        numbers = "".join(f"{number:<3}" for number in getattr(layout, name).tolist())
        assert any(line.startswith(f"{name:14}{numbers:36}of (") for line in lines), name
    assert (len(layout.steps), len(names), len(layout.query)) == (3, 7, 3)
    assert "m = 3 steps and computes M = 7 tokens, n = 3 of them" in text

    of_slots = [*letters, *letters][:5]
    mask_lines = [
        " ".join([f"{letter} ", *("x" if value == 0 else "." for value in row)])
        for letter, row in zip(of_slots, layout.bias.tolist(), strict=True)
    ]
    first = lines.index(mask_lines[0])
    assert lines[first - 1 : first + 5] == [" ".join(of_slots), *mask_lines]
    assert torch.equal(layout.queries_bias, layout.bias[[1, 4]])

    attending = attend_layout(mask, causal_bias(6))
    names = tokens_of(attending, [(0, 1), (1, 0), (1, 1), (-1, 0), (-1, 1)], 3)
    drawn = [" ".join(words(row)) for row in shown_in(attending.spread(numbered(len(names))), names)]
    first = lines.index(drawn[0])
    assert lines[first : first + 3] == drawn
