"""How much memory this machine has, for questions that are asked before it is taken."""

import os
from pathlib import Path
from typing import Final

_SYSTEM: Final = Path("/proc/meminfo")
_CGROUPS: Final = Path("/proc/self/cgroup")
_CGROUP_ROOT: Final = Path("/sys/fs/cgroup")


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container that this process is in, if that has less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _limit_files():
        try:
            limits.append(int(file.read_text(encoding="utf-8")))
        except (OSError, ValueError):  # not there; "max"
            continue
    return min(limits)


def _limit_files() -> list[Path]:
    """Where the control groups of this process, and those around them, may have their limit."""
    try:
        lines = _CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _CGROUP_ROOT / "memory" if controllers else _CGROUP_ROOT
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        path = Path(group.lstrip("/"))
        files += [root / folder / name for folder in (path, *path.parents)]
    return files


def available_memory() -> int:
    """Bytes that this process can still get; where the system does not say, all that the machine has."""
    total = machine_memory()
    try:
        fields = dict(line.split(":", 1) for line in _SYSTEM.read_text(encoding="utf-8").splitlines())
        return min(total, int(fields["MemAvailable"].split()[0]) * 1024)
    except (OSError, KeyError, ValueError):
        return total
