"""How much memory there is for a dataset."""

import os
from pathlib import Path

_SYSTEM = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that this process can still get, of the machine's and of its container's; None if nothing tells."""
    known = [bytes_ for bytes_ in (_of_system(), _of_container()) if bytes_ is not None]
    return min(known, default=None)


def _of_system() -> int | None:
    try:
        fields = dict(line.split(":", 1) for line in _SYSTEM.read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container() -> int | None:
    """The limit alone: what is in use there includes caches that can be dropped."""
    try:
        return int((_CONTAINER / "memory.max").read_text())  # "max": no limit
    except (OSError, ValueError):
        return None
