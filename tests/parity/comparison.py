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

EXCEPTIONS_IN_FLOAT32 = (
    # A padded position attends with scores near -1e4, where float32 has a spacing of 1e-3. The Online DT baseline
    # averages its entropy over them, and PPO what it logs of its ratios.
    (re.compile(r"odt_step.*:(entropy_step\d+|grad/.*)"), 1e-4),
    (re.compile(r"rl_ppo.*:(ratios|surr\d)"), 1e-4),
    # There the return token is its bias, which is 0 in the files: LayerNorm divides its gradient by sqrt(1e-5).
    (re.compile(r"odt_step.*:grad/embed_return\.bias"), 1e-3),
    # An optimizer divides gradients by their own size, and so small ones made of rounding errors come out large.
    (re.compile(r".*:\w+_after\d*/.*"), 3e-5),
    # Nowhere more so than in Adam's first step, which is the step size times the sign of all but the smallest.
    (re.compile(r"rl_.*:critic_after1/.*"), 1e-4),
)
"""Of what is ``file:key``, the last that matches."""


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
        tolerance = self._tolerance(key, expected.dtype)
        difference = np.abs(computed.astype(np.float64) - expected.astype(np.float64))
        scale = max(float(np.abs(expected).max(initial=0.0)), np.finfo(np.float64).tiny)
        error = float(difference.max(initial=0.0)) / scale
        self._report(f"{self._dtype}, stored as {expected.dtype}", f"{self._golden.name}:{key}", float(error))
        assert error <= tolerance, f"{key}: relative error {error:.2e} exceeds {tolerance:.0e}"
        self._missing.discard(key)

    def _tolerance(self, key: str, stored: np.dtype[Any]) -> float:
        """The largest error that passes."""
        if self._dtype is torch.float64:
            return STORED_AS_FLOAT32 if stored == np.float32 else STORED_AS_FLOAT64
        name = f"{self._golden.name}:{key}"
        exceptions = [bound for pattern, bound in EXCEPTIONS_IN_FLOAT32 if pattern.fullmatch(name)]
        return exceptions[-1] if exceptions else COMPUTED_IN_FLOAT32

    def skip(self, keys: Collection[str]) -> None:
        """Marks expected arrays that are not ours to compute."""
        self._missing -= set(keys)

    def assert_complete(self) -> None:
        """Fails if an expected array was neither compared nor skipped."""
        assert not self._missing, (
            f"{self._golden.name}: {len(self._missing)} not compared, such as {sorted(self._missing)[:3]}"
        )
