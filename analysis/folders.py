"""Finding run folders and sweeps below a directory."""

import os
from dataclasses import dataclass
from pathlib import Path

from vitamin.analysis.schema import EVALUATIONS_FILE, METRICS_FILE, RUN_FILE, SWEEP_FILE


@dataclass(frozen=True)
class Folders:
    """What lies at or below a directory.

    Attributes:
        runs: Run folders, sorted.
        sweeps: Folders of sweeps, sorted.
        problems: A sentence for each place that could not be looked at, and for each run without its ``run.json``.
    """

    runs: tuple[Path, ...]
    sweeps: tuple[Path, ...]
    problems: tuple[str, ...]


def find_folders(directory: Path) -> Folders:
    """Searches at any depth, but not inside run folders; follows links, and looks at each real folder once.

    What lies below ``directory`` is found there, whatever links lead to it.
    """
    runs: list[Path] = []
    sweeps: list[Path] = []
    problems: list[str] = []

    def cannot_look(error: OSError) -> None:
        problems.append(f"Cannot look into {error.filename}: {error.strerror}.")

    root = directory.resolve()
    seen: set[Path] = set()
    for name, subfolders, files in os.walk(directory, onerror=cannot_look, followlinks=True):
        folder = Path(name)
        real = folder.resolve()
        searched = real in seen
        seen.add(real)
        if not searched and RUN_FILE in files:
            runs.append(folder)
        elif not searched and {METRICS_FILE, EVALUATIONS_FILE} <= {*files}:
            problems.append(f"{folder} holds the records of a run, but no {RUN_FILE}.")
        elif not searched:
            if SWEEP_FILE in files:
                sweeps.append(folder)
            problems += _broken_links(folder, files)
            links = {name for name in subfolders if (folder / name).is_symlink()}
            elsewhere = {name for name in links if not _related((folder / name).resolve(), root)}
            subfolders[:] = [*sorted({*subfolders} - links), *sorted(elsewhere)]
            continue
        subfolders.clear()
    return Folders(tuple(sorted(runs)), tuple(sorted(sweeps)), tuple(problems))


def _related(target: Path, root: Path) -> bool:
    """Whether one of the two lies within the other."""
    return target.is_relative_to(root) or root.is_relative_to(target)


def _broken_links(folder: Path, files: list[str]) -> list[str]:
    links = [folder / name for name in sorted(files) if (folder / name).is_symlink()]
    return [
        f"{link} is a link to {link.readlink()}, which cannot be followed."
        for link in links
        if not _exists(link)
    ]


def _exists(link: Path) -> bool:
    try:
        link.stat()
    except OSError:
        return False
    return True
