"""The directory that holds the datasets of all tasks, and what may be done in it."""

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vitamin.errors import DatasetError
from vitamin.files import put_in_place
from vitamin.platform.datasets.policies import POLICIES
from vitamin.platform.datasets.provenance import Provenance, write_record
from vitamin.platform.tasks.task import Task

logger = logging.getLogger(__name__)
ENVIRONMENT_VARIABLE = "VITAMIN_DATA_DIR"


def cache_directory() -> Path:
    """``$VITAMIN_DATA_DIR``, else ``vitamin/datasets`` in the user's cache directory.

    Raises:
        DatasetError: If the user has no home.
    """
    try:
        if chosen := os.environ.get(ENVIRONMENT_VARIABLE):
            return Path(chosen).expanduser()
        base = os.environ.get("XDG_CACHE_HOME")
        return (Path(base) if base else Path.home() / ".cache") / "vitamin" / "datasets"
    except RuntimeError as error:
        reason = str(error).rstrip(".")
        raise DatasetError(f"{reason}: {ENVIRONMENT_VARIABLE} sets a directory for datasets.") from error


def cached_path(task: Task) -> Path:
    """Where the task's file lies, or would lie, in the cache."""
    name = task.dataset_file or f"{re.sub(r'[^A-Za-z0-9._-]+', '-', task.name)}.hdf5"
    return cache_directory() / name


def how_to_get(task: Task) -> str:
    """Instructions for a missing file: which file, from where, and where to put it by hand."""
    if task.dataset_url is None:
        return (
            f"{task.name} has no published dataset."
            f" `vitamin data collect {task.name} --policy random --steps 10000` makes one,"
            f" `vitamin data import FILE --task {task.name}` takes yours."
        )
    steps = "" if task.dataset_kind == "medium-replay" else " --steps 100000"
    stand_in = (
        f"\n`vitamin data collect {task.name}{steps}` makes a stand-in."
        if task.dataset_kind in POLICIES
        else ""
    )
    return (
        f"`vitamin data fetch {task.name}` downloads {task.dataset_url}\n"
        f"By hand: put {task.dataset_file} there, or run `vitamin data import FILE --task {task.name}`.{stand_in}"
    )


def make_directory(path: Path) -> None:
    """Make the directory that ``path`` is to lie in, and see that a file can be written there.

    Raises:
        DatasetError: If that is not possible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _not_writable(path, error) from None


def make_way(path: Path, *, force: bool) -> None:
    """Make the directory of a new file, and see that nothing is in its place.

    Args:
        path: The file.
        force: Whether a file may be there, which is then replaced.

    Raises:
        DatasetError: If a directory is there, or a file without ``force``, or nothing can be written there.
    """
    make_directory(path)
    if path.is_dir():
        raise DatasetError(f"{path} is a directory: name a file in it.")
    if path.exists() and not force:
        raise DatasetError(f"{path} exists. Add --force to replace it, or name another file.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the right to write ``path``; a second process waits here. Makes the directory.

    Raises:
        DatasetError: If the directory cannot be written to.
    """
    make_directory(path)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.warning("Waiting for another process that is writing %s.", path)
            lock.acquire()
    except OSError as error:
        raise _not_writable(path, error) from None
    try:
        yield
    finally:
        lock.release()


def install(part: Path, path: Path, provenance: Provenance) -> None:
    """Move a finished file to its place, its record first, so that no file is ever there without one.

    Raises:
        DatasetError: If one of them cannot be written.
    """
    try:
        write_record(path, provenance)
        put_in_place(part, path)
    except OSError as error:
        raise _not_writable(path, error) from None


def _not_writable(path: Path, error: OSError) -> DatasetError:
    in_cache = path.parent == cache_directory()
    advice = f" {ENVIRONMENT_VARIABLE} sets another directory for datasets." if in_cache else ""
    return DatasetError(f"Cannot write in {path.parent}: {error.strerror}.{advice}")
