"""The common parts of all benchmarks: the machine's measured matmul peak, medians of timings, memory, and tables."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache

import torch

from vitamin.algorithms.models.layers import linear

_MATMUL_SIZE = 1536
_MATMUL_REPEATS = 8


def timed(function: Callable[[], object], repeats: int, warmup: int = 1) -> float:
    """Median seconds of a call, over ``repeats`` calls that follow ``warmup`` untimed ones."""
    durations = []
    for call in range(warmup + repeats):
        _synchronize()
        start = time.perf_counter()
        function()
        _synchronize()
        if call >= warmup:
            durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def _synchronize() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


@cache
def matmul_peak(threads: int, device: str = "cpu") -> float:
    """Highest float32 FLOP/s of a square matrix product with ``threads`` torch threads.

    That is the faster of PyTorch's own product and of the kernel that the models use.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        a, b = torch.randn(2, _MATMUL_SIZE, _MATMUL_SIZE, device=device)
        bias = torch.zeros(_MATMUL_SIZE, device=device)
        products = (lambda: a @ b, lambda: linear(a, b, bias))
        fastest = min(timed(product, repeats=1) for product in products for _ in range(_MATMUL_REPEATS))
    finally:
        torch.set_num_threads(before)
    return 2 * _MATMUL_SIZE**3 / fastest


def peak_memory() -> float:
    """Largest resident memory of this process so far, in bytes."""
    units = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * units)


def share_of_peak(flops: float, seconds: float, threads: int, device: str = "cpu") -> str:
    """Share of the matmul peak at which ``flops`` operations were done in ``seconds``, for a table."""
    return f"{100 * flops / seconds / matmul_peak(threads, device):.0f} %"


def print_header(title: str, threads: Sequence[int], device: str = "cpu") -> None:
    """The first lines of a benchmark: what it is, and the machine it runs on."""
    peaks = ", ".join(f"{matmul_peak(n, device) / 1e9:.0f} GFLOP/s with {n}" for n in threads)
    where = torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else device
    print(f"{title}\ntorch {torch.__version__}, {where}, float32 matmul peak by threads: {peaks}\n")


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with aligned columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = []
    for row in (columns, *rows):
        first, *others = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]))
    return lines


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table, then peak memory."""
    print("\n".join(table_lines(columns, rows)))
    print(f"\npeak memory of the process: {peak_memory() / 2**20:.0f} MiB")
    if torch.cuda.is_initialized():
        print(f"peak memory of tensors on the GPU: {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB")
