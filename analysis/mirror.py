"""Copies of the small files of run folders that lie in an object store."""

import re
import shutil
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

from vitamin.analysis.exports.layout import EVALUATIONS, RUNS
from vitamin.analysis.schema import (
    CHECKPOINTS_FOLDER,
    CONFIG_FILE,
    EVALUATIONS_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    RUN_FILE,
    SWEEP_FILE,
    TENSORBOARD_FOLDER,
)
from vitamin.errors import ReportError

_COPIED: Final = frozenset({RUN_FILE, MANIFEST_FILE, CONFIG_FILE, METRICS_FILE, EVALUATIONS_FILE, SWEEP_FILE})
_NOT_SEARCHED: Final = frozenset({CHECKPOINTS_FOLDER, TENSORBOARD_FOLDER, "", ".", ".."})
_AT_ONCE: Final = 16
_LONGEST_REASON: Final = 300


class Mirror:
    """A temporary folder, which is deleted with this object.

    Attributes:
        root: The folder.
    """

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="vitamin-")).resolve()
        self._removal = weakref.finalize(self, shutil.rmtree, self.root, ignore_errors=True)

    def remove(self) -> None:
        """Deletes the folder now."""
        self._removal()


def without_secrets(uri: str) -> str:
    """The URI without a user's name and password, and without options of the connection."""
    return re.sub(r"://[^/?#]*@", "://", uri).partition("?")[0]


def open_mirror(uri: str) -> Mirror:
    """Copies ``run.json``, ``config.yaml``, records, ``sweep.json`` and exports that lie below the URI.

    PyArrow's file systems are tried first, then those of fsspec.

    Args:
        uri: Such as ``s3://bucket/results``, ``gs://…``, or what a package for fsspec adds; or that of an export.

    Raises:
        ReportError: If it cannot be listed or copied: a wrong name, no permission, a package that is missing.
    """
    mirror = Mirror()
    try:
        store, top = _file_system(uri)
        if top.endswith(RUNS):
            files = [top, top.removesuffix(RUNS) + EVALUATIONS]
            top = top.rpartition("/")[0]
        else:
            files = [path for path in sorted(_files(store, top)) if _is_copied(_below(path, top))]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for path, content in zip(files, pool.map(partial(_read, store), files), strict=True):
                if content is not None:
                    _write(mirror.root / _below(path, top), content)
    except Exception as error:  # each library of a store has errors of its own
        raise ReportError(
            f"Cannot read {without_secrets(uri)}: {_reason(error, uri)} Check the URI and your access to it."
        ) from error
    return mirror


def _file_system(uri: str) -> tuple[Any, str]:
    """A file system as fsspec defines it, and the path of the URI in it."""
    import fsspec
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow import ArrowInvalid, ArrowNotImplementedError
    from pyarrow.fs import FileSystem

    try:
        store, path = FileSystem.from_uri(uri)
    except (ArrowInvalid, ArrowNotImplementedError):  # not one of PyArrow's
        plain, path = fsspec.core.url_to_fs(uri)
        return plain, path
    return ArrowFSWrapper(store), path


def _files(store: Any, top: str) -> list[str]:
    """All files below a path; in one listing where the store can do that."""
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import FileSelector, FileType

    if isinstance(store, ArrowFSWrapper):
        found = store.fs.get_file_info(FileSelector(top, recursive=True))
        return [info.path for info in found if info.type == FileType.File]
    return list(store.find(top))


def _is_copied(below: PurePosixPath) -> bool:
    return (below.name in _COPIED or below.name.endswith((RUNS, EVALUATIONS))) and _NOT_SEARCHED.isdisjoint(
        below.parts
    )


def _read(store: Any, path: str) -> bytes | None:
    """The content of a file; None if it went away since it was listed."""
    try:
        return bytes(store.cat_file(path))
    except FileNotFoundError:
        return None


def _below(path: str, top: str) -> PurePosixPath:
    return PurePosixPath(path.strip("/")).relative_to(top.strip("/"))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _reason(error: Exception, uri: str) -> str:
    text = " ".join(str(error).split()).replace(uri, without_secrets(uri))[:_LONGEST_REASON]
    return f"{text or type(error).__name__}".rstrip(".") + "."
