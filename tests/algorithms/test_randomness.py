"""Keyed randomness."""

import random
from itertools import product

import numpy as np
import pytest
import torch

from vitamin.algorithms.randomness import Stream, generator, global_generators, torch_seed


def test_equal_keys_give_equal_draws() -> None:
    first = generator(7, Stream.ROLLOUT, 3, 1).standard_normal(1000)
    generator(7, Stream.SEGMENTS, 3, 1).standard_normal(10)
    assert np.array_equal(generator(7, Stream.ROLLOUT, 3, 1).standard_normal(1000), first)


def test_different_keys_give_different_draws() -> None:
    keys = [
        (seed, stream, counters)
        for seed, stream, counters in product((0, 1, 2**40), Stream, [(), (0,), (1,), (0, 0), (0, 1), (1, 0)])
    ]
    draws = {generator(seed, stream, *counters).bytes(16) for seed, stream, counters in keys}
    seeds = {torch_seed(seed, stream, *counters) for seed, stream, counters in keys}
    assert len(draws) == len(seeds) == len(keys)


def test_draws_of_a_key_never_change() -> None:
    # Another value here means that older runs cannot be resumed or reproduced.
    assert generator(1, Stream.SEGMENTS, 2).bit_generator.random_raw() == 14203064966352342993
    assert torch_seed(1, Stream.DROPOUT, 2) == 7422783641154300260


def test_neighboring_streams_are_uncorrelated() -> None:
    draws = np.stack([generator(0, Stream.SEGMENTS, i).standard_normal(4000) for i in range(50)])
    correlations = draws @ draws.T / 4000
    assert np.abs(correlations[np.triu_indices(50, 1)]).max() < 5 / np.sqrt(4000)


def test_torch_takes_the_seeds() -> None:
    seeds = [torch_seed(0, Stream.DROPOUT, i) for i in range(100)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    draws = {float(torch.randn((), generator=torch.Generator().manual_seed(seed))) for seed in seeds}
    assert len(draws) == len(seeds)


@pytest.mark.parametrize(("seed", "counters"), [(-1, ()), (0, (-1,)), (0, (2**32,))])
def test_rejects_keys_out_of_range(seed: int, counters: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="outside"):
        generator(seed, Stream.SEGMENTS, *counters)
    with pytest.raises(ValueError, match="outside"):
        torch_seed(seed, Stream.SEGMENTS, *counters)


def _draws() -> tuple[float, ...]:
    return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002


def _fail_inside() -> None:
    with global_generators(3, Stream.ROLLOUT):
        raise KeyError


def test_global_generators_are_keyed_and_put_back() -> None:
    def keyed(*counters: int) -> tuple[float, ...]:
        with global_generators(3, Stream.ROLLOUT, *counters):
            return _draws()

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    undisturbed = _draws(), _draws()
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    first = _draws()
    inside = keyed(0, 1)
    assert (first, _draws()) == undisturbed
    assert keyed(0, 1) == inside
    assert all(one != other for one, other in zip(keyed(0, 2), inside, strict=True))
    state = random.getstate()
    with pytest.raises(KeyError):
        _fail_inside()
    assert random.getstate() == state
