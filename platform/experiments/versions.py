"""The origin of a result: versions of packages, the commit of the source tree, and the machine."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from vitamin import __version__
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.analysis.schema import MachineInfo


def versions() -> dict[str, str]:
    """Versions of everything that can change a result."""
    packages = ("torch", "ray", "numpy", "gymnasium", "mujoco")
    python = ".".join(str(part) for part in sys.version_info[:3])
    return {"vitamin": __version__, "python": python} | {name: version(name) for name in packages}


def machine(settings: Hyperparameters) -> MachineInfo:
    """Facts about the machine on which the last bits of a result depend."""
    return MachineInfo(
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        learner_threads=settings.learner_threads,
        rollout_threads=settings.rollout_threads,
    )


def commit(file: Path = Path(__file__)) -> str | None:
    """The git commit that holds ``file``, with ``-dirty`` after it if tracked files were changed since.

    None if no repository tracks the file: a package that is installed inside another project's repository is not of
    that project's commit.
    """
    file = file.resolve()
    git = ["git", "-C", str(file.parent)]
    try:
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", file.name], capture_output=True, check=True, timeout=10
        )
        answer = subprocess.run(
            [*git, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
