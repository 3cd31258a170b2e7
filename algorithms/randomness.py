"""Keyed randomness: draws depend on (seed, stream, counters) alone, so no generator's state is ever saved."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """The purpose of a random draw; streams with the same seed are independent of each other.

    The numbers are part of every result: a new stream takes the next free one.
    """

    NETWORKS = 0
    SEGMENTS = 1
    DROPOUT = 2
    TARGET_NOISE = 3
    ROLLOUT = 4
    EVALUATION = 5
    COLLECTION = 6
    RL_SEGMENTS = 7
    RESET_STATES = 8
    GROUP_ORDER = 9
    ENVIRONMENTS = 10


def generator(seed: int, stream: Stream, *counters: int) -> np.random.Generator:
    """The generator of one key.

    Args:
        seed: The run's seed, not negative.
        stream: What the draws are for.
        counters: Where in the run they are made, such as (iteration, unit); not negative, each below 2**32.

    Raises:
        ValueError: If the seed or a counter is out of range.
    """
    return np.random.Generator(np.random.PCG64(_sequence(seed, stream, counters)))


def torch_seed(seed: int, stream: Stream, *counters: int) -> int:
    """A seed for a torch generator: 63 bits of the same key; arguments and errors as for `generator`."""
    return int(_sequence(seed, stream, counters).generate_state(1, np.uint64)[0] >> 1)


@contextmanager
def global_generators(seed: int, stream: Stream, *counters: int) -> Iterator[None]:
    """Keys the global generators of Python, NumPy and torch's CPU inside the block, and puts them back after it.

    Environments should draw from ``self.np_random``, which ``reset(seed=...)`` seeds; some draw from these.

    Args:
        seed: As for `generator`, of whose draws these are independent.
        stream: What the draws are for.
        counters: Where in the run they are made.
    """
    (sequence,) = _sequence(seed, stream, counters).spawn(1)
    words = sequence.generate_state(4)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 (which others use)
    random.seed(words.tobytes())
    np.random.seed(words)  # noqa: NPY002
    torch.default_generator.manual_seed(int(words[0]))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])


def _sequence(seed: int, stream: Stream, counters: tuple[int, ...]) -> np.random.SeedSequence:
    if seed < 0 or any(not 0 <= counter < 2**32 for counter in counters):
        raise ValueError(f"Seed {seed} is negative, or one of the counters {counters} is outside [0, 2**32).")
    return np.random.SeedSequence(seed, spawn_key=(stream, *counters))
