"""Limits that the command line, settings and results have in common."""

from typing import Final

LARGEST_SEED: Final = 2**31 - 1
"""NumPy's global generator takes 32 bits, and RLlib adds the number of an env runner."""
