"""Which numbers are seeds, wherever one is given."""

from vitamin.errors import SettingsError

LARGEST_SEED = 2**31 - 1
"""NumPy's global generator takes 32 bits: RLlib seeds it with the sum of the seed and a process's number."""


def check_seed(seed: int) -> None:
    """Checks a seed that was given from Python.

    Raises:
        SettingsError: If it is out of range.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise SettingsError(f"A seed is an integer from 0 to {LARGEST_SEED}, which this one is not.")
