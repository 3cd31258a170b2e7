"""Finding run folders and sweeps below a directory, which may be written to meanwhile."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vitamin.analysis.exports import is_export
from vitamin.analysis.schema import EVALUATIONS_FILE, METRICS_FILE, RUN_FILE, SWEEP_FILE

REPORT_FOLDER: Final = "report"
"""Where `vitamin report` writes to, in the folder that it reports on; its page is called so too."""


@dataclass(frozen=True)
class Folders:
    """The runs, sweeps and exports at or below a directory.

    Attributes:
        runs: Run folders, sorted.
        sweeps: Folders of sweeps, sorted.
        problems: A sentence for each place that could not be looked at, and for each run without its ``run.json``.
        exports: Files of exports' runs, sorted.
    """

    runs: tuple[Path, ...]
    sweeps: tuple[Path, ...]
    problems: tuple[str, ...]
    exports: tuple[Path, ...] = ()


def find_folders(directory: Path) -> Folders:
    """Searches at any depth, as `walk` does, but not inside run folders."""
    runs: list[Path] = []
    sweeps: list[Path] = []
    problems: list[str] = []
    exports: list[Path] = []
    for folder, subfolders, files in walk(directory, problems.append):
        if folder.name == REPORT_FOLDER and any(name.startswith(f"{REPORT_FOLDER}.") for name in files):
            subfolders.clear()  # what `vitamin report` made of the runs
            continue
        if RUN_FILE in files:
            runs.append(folder)
            subfolders.clear()
        elif {METRICS_FILE, EVALUATIONS_FILE} <= {*files}:
            problems.append(f"{folder} holds the records of a run, but no {RUN_FILE}.")
            subfolders.clear()
        elif SWEEP_FILE in files:
            sweeps.append(folder)
        exports += (folder / name for name in files if is_export(name) and RUN_FILE not in files)
    return Folders(tuple(sorted(runs)), tuple(sorted(sweeps)), tuple(problems), tuple(sorted(exports)))


def walk(directory: Path, report: Callable[[str], object]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As `os.walk` from the top, but follows links, and looks at each real folder once.

    What lies below ``directory`` is found there, whatever links lead to it.

    Args:
        directory: Where to start.
        report: Called with a sentence for each folder or link that cannot be followed.
    """
    root = directory.resolve()
    seen: set[Path] = set()

    def refused(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # it went away since it was listed
            report(f"Cannot look into {error.filename}: {error.strerror}.")

    for name, subfolders, files in os.walk(directory, onerror=refused, followlinks=True):
        folder = Path(name)
        real = folder.resolve()
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        links = {name for name in subfolders if (folder / name).is_symlink()}
        elsewhere = {name for name in links if not _related((folder / name).resolve(), root)}
        subfolders[:] = [*sorted({*subfolders} - links), *sorted(elsewhere)]
        for link in (folder / name for name in sorted(files)):
            if link.is_symlink() and not _exists(link):
                report(f"{link} is a link to {link.readlink()}, which cannot be followed.")
        yield folder, subfolders, files


def _related(target: Path, root: Path) -> bool:
    """Whether one of the two lies within the other."""
    return target.is_relative_to(root) or root.is_relative_to(target)


def _exists(link: Path) -> bool:
    try:
        link.stat()
    except OSError:
        return False
    return True
