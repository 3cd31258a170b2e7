"""Arithmetic that depends on the settings alone, whatever else a process does."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

from vitamin.algorithms.threads import torch_threads


@contextmanager
def reproducible(device: torch.device, threads: int) -> Iterator[None]:
    """Computes the block with deterministic kernels and, on a CPU, ``threads`` threads; leaves all as it was before.

    Global generators may be seeded inside: their state is put back too.
    """
    on_cpu = device.type == "cpu"
    kept = torch_threads(threads) if on_cpu else nullcontext()
    with kept, torch.random.fork_rng(devices=[] if on_cpu else [device]), _deterministic_algorithms():
        yield


@contextmanager
def _deterministic_algorithms() -> Iterator[None]:
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=True)
    # The mode also fills fresh memory, which costs a small network a few percent.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
