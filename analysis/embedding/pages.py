"""Fills the blocks of pages from the results that they name, or says which pages are not what their results say."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vitamin.analysis.embedding.contents import make_content
from vitamin.analysis.embedding.markers import Block, parse_page
from vitamin.analysis.exports import RUNS
from vitamin.analysis.report.blocks import Figure
from vitamin.analysis.report.build import read
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.results import Results
from vitamin.errors import ReportError
from vitamin.files import per_process, replacing

_DRAWN_BY: Final = re.compile(rb"Matplotlib v([\w.+-]+)")
_TEXTS: Final = re.compile(rb"<dc:(title|description)>.*?</dc:\1>", re.DOTALL)


@dataclass(frozen=True)
class Embedded:
    """The outcome of an embedding.

    Attributes:
        blocks: How many blocks the pages have.
        changed: Files that were not what the results say: pages and pictures.
        notes: What is damaged in the results, a sentence each.
    """

    blocks: int
    changed: tuple[Path, ...]
    notes: tuple[str, ...]


def embed(pages: Iterable[Path], *, write: bool = True) -> Embedded:
    """Fills the blocks of all pages; if one cannot be filled, no file changes.

    The same results give the same bytes. A picture of another version of matplotlib stands as long as its texts do.

    Args:
        pages: Markdown files.
        write: Write what changed; else it is only found.

    Raises:
        ReportError: If a page cannot be read or written, a marker asks for what there is not, or results cannot be
            read.
    """
    making = _Making()
    for page in pages:
        making.add(page)
    changed = [path for path, content in making.files.items() if _differs(path, content)]
    if write:
        for path in changed:
            _write(path, making.files[path])
    return Embedded(making.blocks, tuple(changed), tuple(making.notes))


class _Making:
    """The files that were made so far; results are read once, and compared once for blocks with the same options."""

    def __init__(self) -> None:
        self.files: dict[Path, bytes] = {}
        self.notes: dict[str, None] = {}
        self.blocks = 0
        self._results: dict[tuple[str, ...], Results] = {}
        self._data: dict[tuple[tuple[str, ...], ReportOptions], ReportData] = {}

    def add(self, page: Path) -> None:
        try:
            with page.open(encoding="utf-8", newline="") as stream:
                text = stream.read()
        except OSError as error:
            raise ReportError(f"Cannot read {page}: {error.strerror}.") from error
        except UnicodeError as error:
            raise ReportError(f"{page} is not UTF-8, so it is no page to fill.") from error
        try:
            parsed = parse_page(text)
        except ReportError as error:
            raise ReportError(f"{page}, {error}") from error
        if not parsed.blocks:
            raise ReportError(
                f"{page} has no block to fill, such as `<!-- results: results/halfcheetah scores -->`."
            )
        contents = []
        for block in parsed.blocks:
            try:
                content = make_content(block, self._data_of(page, block))
                for name, figure in content.pictures.items():
                    self._draw(page.parent / name, figure)
            except ReportError as error:
                raise ReportError(f"{page}, line {block.line}: {error}") from error
            contents.append(content.text)
        self.files[page] = parsed.filled(contents).encode()
        self.blocks += len(contents)

    def _data_of(self, page: Path, block: Block) -> ReportData:
        places = tuple(_place(page.parent, source) for source in block.sources)
        if places not in self._results:
            self._results[places] = read(*places)
            self.notes |= dict.fromkeys((*self._results[places].warnings, *self._results[places].damages))
        key = places, block.options
        if key not in self._data:
            self._data[key] = ReportData(self._results[places], block.options)
        return self._data[key]

    def _draw(self, path: Path, figure: Figure) -> None:
        from vitamin.analysis.plots import draw

        with tempfile.TemporaryDirectory() as folder:
            (drawn,) = draw(replace(figure, name="picture"), Path(folder), (path.suffix,))
            content = drawn.read_bytes()
        path = Path(os.path.normpath(path))
        if self.files.setdefault(path, content) != content:
            raise ReportError(f"{path} is the picture of another block too, which shows something else.")


def _place(folder: Path, source: str) -> str:
    """A source, seen from the page's folder; the name of an export stands for its files."""
    if "://" in source:
        return source
    path = folder / source
    export = path.with_name(f"{path.name}{RUNS}") if path.name else path
    return str(export if export.is_file() and not path.exists() else path)


def _differs(path: Path, content: bytes) -> bool:
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ReportError(f"Cannot read {path}: {error.strerror}.") from error
    return before != content and not _is_redrawn(before, content)


def _is_redrawn(before: bytes, content: bytes) -> bool:
    """Whether these are pictures of two versions of matplotlib, which say the same."""
    versions = [_DRAWN_BY.search(each) for each in (before, content)]
    if not all(versions) or len({version[1] for version in versions if version}) == 1:
        return False
    return _texts(before) == _texts(content) != []


def _texts(picture: bytes) -> list[bytes]:
    return [match[0] for match in _TEXTS.finditer(picture) if not _DRAWN_BY.search(match[0])]


def _write(path: Path, content: bytes) -> None:
    """Replaces the file, which may be reached by a link: it is the old one or the new one at any moment."""
    target = path.resolve()
    try:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, per_process(target)) as new:
            new.write_bytes(content)
            if target.exists():
                shutil.copymode(target, new)
    except OSError as error:
        raise ReportError(f"Cannot write {path}: {error.strerror}.") from error
