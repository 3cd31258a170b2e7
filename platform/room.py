"""How much memory there is, for questions that are asked before it is taken."""

import os
from contextlib import suppress
from pathlib import Path

from vitamin.errors import SettingsError

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of a container, in both versions of Linux's control groups."""


def memory_bytes() -> int | None:
    """Memory of this machine, or of its container if that has less; None if the system does not say."""
    found = []
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it is "max"
            found.append(int(file.read_text()))
    return min(found, default=None)


def require_memory(needed: int, what: str) -> None:
    """Checks that there is memory for ``needed`` bytes.

    Args:
        needed: In bytes.
        what: What they are for, as the subject of a sentence in the plural.

    Raises:
        SettingsError: If there is not.
    """
    there = memory_bytes()
    if there is not None and needed > there:
        raise SettingsError(
            f"{what} take {needed / 1e9:,.1f} GB of memory, of which this machine has {there / 1e9:,.1f} GB."
            " Ask for fewer."
        )
