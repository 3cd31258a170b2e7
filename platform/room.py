"""Refusing what does not fit into memory, before it is taken."""

from vitamin.errors import SettingsError
from vitamin.machine import machine_memory


def require_memory(needed: int, what: str) -> None:
    """Checks that the machine has memory for ``needed`` bytes.

    Args:
        needed: In bytes.
        what: What they are for, as the subject of a sentence in the plural.

    Raises:
        SettingsError: If it has not.
    """
    there = machine_memory()
    if needed > there:
        raise SettingsError(
            f"{what} take {needed / 1e9:,.1f} GB of memory, of which this machine has {there / 1e9:,.1f} GB."
            " Ask for fewer."
        )
