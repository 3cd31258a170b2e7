"""Counts the floating-point operations of matrix products, oneDNN's included."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula


@register_flop_formula(torch.ops.mkldnn._linear_pointwise)  # noqa: SLF001
def _linear_flops(inputs: tuple[int, int], weight: tuple[int, int], *_: Any, **__: Any) -> int:
    """(M, I) times the transpose of (O, I)."""
    return 2 * inputs[0] * inputs[1] * weight[0]


def count_flops(function: Callable[[], object]) -> float:
    """Operations in the matrix products of one call of ``function``."""
    with FlopCounterMode(display=False) as counter:
        function()
    return float(counter.get_total_flops())
