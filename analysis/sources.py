"""Where results lie: folders of this machine, URIs of stores, of which the small files are copied, and exports."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from vitamin.analysis.exports import EVALUATIONS, RUNS, export_name, is_export
from vitamin.analysis.exports.reading import ExportedRun
from vitamin.analysis.exports.unpacking import Unpacked, unpack
from vitamin.analysis.mirror import Mirror, open_mirror, without_secrets
from vitamin.errors import ReportError

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True)
class Source:
    """A place with results.

    Attributes:
        shown: What it is called in messages and frames: as it was given, less secrets.
        root: Its folder on this machine, of a URI a copy's, of an export that of its runs.
        prefix: What the keys of its runs begin with; empty if there is no other source.
        mirror: The copy, which is deleted when nothing holds this any more; None of a folder of this machine.
        unpacked: The runs of an export; None of all else.
    """

    shown: str
    root: Path
    prefix: str = ""
    mirror: Mirror | None = None
    unpacked: Unpacked | None = None

    def key(self, folder: Path) -> str:
        """The key of a folder at or below the root; what of its name is no text is spelled."""
        return spelled(PurePosixPath(self.prefix, folder.relative_to(self.root).as_posix()).as_posix())

    def home(self, folder: Path) -> str:
        """Where a run is found: its folder, or the file of the export that it is in."""
        return self.place(folder) if self.unpacked is None else spelled(self.shown)

    def exported(self, folder: Path) -> ExportedRun | None:
        """The run of an export whose folder it is; None of all else."""
        if self.unpacked is None:
            return None
        return self.unpacked.runs[folder.relative_to(self.root).as_posix()]

    def place(self, folder: Path) -> str:
        """The name of the folder."""
        if self.shown == str(self.root):
            return spelled(str(folder))
        below = folder.relative_to(self.root).as_posix()
        return self.shown if below == "." else spelled(f"{self.shown.rstrip('/')}/{below}")

    def told(self, text: str) -> str:
        """A message with the places that the user knows."""
        root = str(self.root)
        return spelled(text if root == self.shown else text.replace(root, self.shown.rstrip("/")))

    def identity(self, folder: Path) -> str:
        """A key of a folder, the same by whichever way it is found."""
        return str(folder.resolve()) if self.mirror is None else self.place(folder)


def spelled(text: str) -> str:
    """The text; parts of a file's name that are no text become escapes, as frames and files hold text only."""
    return text.encode(errors="backslashreplace").decode()


def unused(name: str, taken: Container[str]) -> str:
    """The name, with a number if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def open_sources(given: Sequence[str | Path]) -> tuple[Source, ...]:
    """The sources, ready to be read.

    Raises:
        ReportError: If there is none, or one cannot be read.
    """
    if not given:
        raise ReportError("There is nothing to read. Give the folder that holds your runs, or several.")
    opened = [_opened(source) for source in given]
    if len(opened) == 1:
        return tuple(opened)
    taken: set[str] = set()
    named = []
    for source in opened:
        prefix = unused(_name(source), taken)
        taken.add(prefix)
        named.append(replace(source, prefix=prefix))
    return tuple(named)


def open_export(source: Source, file: Path) -> Source:
    """The runs of an export below a source.

    Raises:
        ReportError: If it cannot be read.
    """
    shown = source.place(file)
    unpacked = unpack(file, shown)
    prefix = PurePosixPath(source.key(file)).with_name(export_name(file.name)).as_posix()
    return Source(shown, unpacked.mirror.root, prefix, unpacked.mirror, unpacked)


def _opened(given: str | Path) -> Source:
    if isinstance(given, str) and _URI.match(given):
        shown = without_secrets(given)
        parts = urlsplit(given)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            return _checked(Source(shown, Path(url2pathname(parts.path))))
        mirror = open_mirror(given)
        if is_export(shown):
            return _of_file(shown, mirror.root / PurePosixPath(shown).name)
        return Source(shown, mirror.root, mirror=mirror)
    return _checked(Source(str(Path(given)), Path(given)))


def _of_file(shown: str, file: Path) -> Source:
    unpacked = unpack(file, shown)
    return Source(shown, unpacked.mirror.root, mirror=unpacked.mirror, unpacked=unpacked)


def _checked(source: Source) -> Source:
    if is_export(source.root.name) and not source.root.is_dir():
        return _of_file(source.shown, source.root)
    try:
        is_folder = source.root.is_dir()
    except (OSError, ValueError) as error:  # such as a name that is too long, or no name of a file
        raise ReportError(
            f"Cannot read {source.shown}: {getattr(error, 'strerror', None) or error}."
        ) from error
    if not is_folder:
        raise ReportError(
            f"{source.shown} is not a directory. Give the folder that holds your runs{_export_meant(source.root)}."
        )
    return source


def _export_meant(path: Path) -> str:
    """The export that a file, or the name of one, belongs to."""
    name = path.name.removesuffix(EVALUATIONS)
    if name and (export := path.with_name(f"{name}{RUNS}")).is_file():
        return f", or the export {spelled(str(export))}"
    return f", or FILE{RUNS} that `vitamin export` wrote" if path.suffix == ".csv" else ""


def _name(source: Source) -> str:
    """The last part of its path, as it was given."""
    if source.unpacked is not None:
        return export_name(source.shown) or "root"
    if source.mirror is None:
        name = source.root.absolute().name
        return (source.root.resolve().name if name in ("", "..") else name) or "root"
    return PurePosixPath(source.shown.partition("://")[2]).name or "root"
