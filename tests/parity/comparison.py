"""How close arrays come to golden numbers."""

import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tests.parity.golden_files import GoldenFile

STORED_AS_FLOAT64 = 1e-9
STORED_AS_FLOAT32 = 1e-6
COMPUTED_IN_FLOAT32 = 1e-5
GRADIENT_IN_FLOAT32 = 1e-4
"""Of the largest entry of the whole gradient: LayerNorm of an almost constant token multiplies rounding errors."""
STEPPED_IN_FLOAT32 = 1e-4
"""After optimizer steps, which divide a gradient's rounding errors by its size."""

# Arrays below these sizes are compared absolutely: they are differences of larger numbers.
_SMALLEST_IN_FLOAT64 = 1e-6
_SMALLEST_IN_FLOAT32 = 0.1

_STEPPED = re.compile(r"after|_step[1-9]|_gradnorm$|critic_losses")


class Comparison:
    """Compares arrays with a golden file's ``expected/`` ones: largest difference over largest expected value."""

    def __init__(
        self, golden: GoldenFile, dtype: torch.dtype, report: Callable[[str, str, float], None]
    ) -> None:
        self._golden = golden
        self._dtype = dtype
        self._report = report
        self._missing = set(golden.group("expected"))

    def __call__(
        self, key: str, actual: torch.Tensor | NDArray[Any], where: NDArray[np.bool_] | None = None
    ) -> None:
        """Asserts that ``actual`` is the file's ``expected/<key>``, if it has that.

        Args:
            key: The array's name below ``expected/``.
            actual: What we compute; where the file keeps every 16th row, still all of them.
            where: Positions that are compared (leading axes of the array); None for all.
        """
        name = f"expected/{key}"
        if name not in self._golden:
            return
        expected = self._golden[name]
        computed = actual.detach().numpy() if isinstance(actual, torch.Tensor) else np.asarray(actual)
        if self._golden.thinned(name):
            computed = computed[::16]
        assert computed.shape == expected.shape, f"{key}: shape {computed.shape}, expected {expected.shape}"
        if where is not None:
            computed, expected = computed[where], expected[where]
        scale, tolerance = self._scale_and_tolerance(key, expected)
        difference = np.abs(computed.astype(np.float64) - expected.astype(np.float64))
        error = float(difference.max(initial=0.0)) / scale
        self._report(f"{self._dtype}, stored as {expected.dtype}", f"{self._golden.name}:{key}", error)
        assert error <= tolerance, f"{key}: relative error {error:.2e} exceeds {tolerance:.0e}"
        self._missing.discard(key)

    def _scale_and_tolerance(self, key: str, expected: NDArray[Any]) -> tuple[float, float]:
        """What errors of an array are relative to, and the largest that passes."""
        scale = float(np.abs(expected).max(initial=0.0))
        if self._dtype is torch.float64:
            tolerance = STORED_AS_FLOAT32 if expected.dtype == np.float32 else STORED_AS_FLOAT64
            return max(scale, _SMALLEST_IN_FLOAT64), tolerance
        if key.startswith("grad/"):
            gradients = self._golden.group("expected/grad").values()
            return max(float(np.abs(array).max()) for array in gradients), GRADIENT_IN_FLOAT32
        tolerance = STEPPED_IN_FLOAT32 if _STEPPED.search(key) else COMPUTED_IN_FLOAT32
        return max(scale, _SMALLEST_IN_FLOAT32), tolerance

    def skip(self, keys: Collection[str]) -> None:
        """Marks expected arrays that are not ours to compute."""
        self._missing -= set(keys)

    def assert_complete(self) -> None:
        """Fails if an expected array was neither compared nor skipped."""
        assert not self._missing, (
            f"{self._golden.name}: {len(self._missing)} not compared, such as {sorted(self._missing)[:3]}"
        )
