"""Bringing a task's dataset into the cache: from its URL, or from a file of the user's."""

import logging
import os
import shutil
from pathlib import Path

from vitamin.errors import DatasetError
from vitamin.platform.datasets.cache import cached_path, how_to_get, install, locked
from vitamin.platform.datasets.download import DownloadFailed, Progress, download
from vitamin.platform.datasets.loading import load_dataset
from vitamin.platform.datasets.provenance import (
    FETCHED,
    FOUND,
    IMPORTED,
    describe,
    fingerprint,
    is_fetched,
    read_record,
    verify,
)
from vitamin.platform.datasets.sources import source_path
from vitamin.platform.tasks.minari import check_may_replace, is_minari, minari_id
from vitamin.platform.tasks.task import Task

logger = logging.getLogger(__name__)


def fetch_dataset(task: Task, *, force: bool = False, progress: Progress | None = None) -> Path:
    """The task's published file in the cache: downloaded if it is not there, its checksum verified if it is.

    A copy that the d4rl package has downloaded is taken instead of downloading. Safe against other processes that
    fetch the same file: they wait for each other.

    Args:
        task: The task.
        force: Download again whatever is there.
        progress: Told about received bytes.

    Raises:
        DatasetError: If the task has no published file, it cannot be downloaded (says which file, from where
            and where to put it by hand), what arrives is no usable dataset, or the file that is here has
            changed or was not downloaded.
    """
    if task.dataset_url is None:
        raise DatasetError(how_to_get(task))
    path = cached_path(task)
    if path.is_file() and not force:
        verify(path, thorough=True)
        _check_fetched(path)
        return path
    with locked(path):
        if path.is_file() and not force:
            return path
        if not force and _take_from_d4rl(task, path):
            return path
        part = path.with_name(path.name + ".part")
        try:
            download(task.dataset_url, part, progress)
        except DownloadFailed as error:
            raise DatasetError(
                f"Cannot download {path.name} from {task.dataset_url}: {error}.\n"
                f"Get it elsewhere and put it at {path},\n"
                f"or run `vitamin data import FILE --task {task.name}`."
            ) from None
        _check_arrived(part, task)
        install(part, path, describe(part, f"{FETCHED}{task.dataset_url}"))
    return path


def import_dataset(source: str | Path, task: Task, *, force: bool = False) -> Path:
    """Copy ``source`` into the cache as the task's dataset, after checking that it is one.

    Args:
        source: A file in D4RL's layout, or ``minari:ID``.
        task: The task it belongs to.
        force: Replace another file that is there.

    Raises:
        DatasetError: If the file does not fit the task, another one is there, the copy cannot be written, or a
            Minari dataset is known to differ from the task's published one.
    """
    if is_minari(source):
        check_may_replace(minari_id(source), task)
    source = source_path(source)
    load_dataset(source, task)
    path = cached_path(task)
    with locked(path):
        if path.is_file() and path.samefile(source):
            return path
        if path.is_file() and not force:
            if fingerprint(path) == fingerprint(source):
                return path
            raise DatasetError(f"{path} exists and is another file. Add --force to replace it.")
        part = path.with_name(path.name + ".import")
        try:
            shutil.copyfile(source, part)
            install(part, path, describe(part, f"{IMPORTED}{source.resolve()}"))
        except OSError as error:
            raise DatasetError(f"Cannot copy {source} to {path}: {error.strerror}.") from None
        finally:
            part.unlink(missing_ok=True)
    return path


def _check_fetched(path: Path) -> None:
    known = read_record(path)
    if not is_fetched(known):
        origin = known.origin if known is not None else FOUND
        raise DatasetError(
            f"{path} is there, but it is not known to be the published file: it was {origin}."
            " Add --force to replace it by a download."
        )


def _take_from_d4rl(task: Task, path: Path) -> bool:
    """Copy the file from where the d4rl package keeps its downloads under the same names, if a whole one is there."""
    folder = Path(os.environ.get("D4RL_DATASET_DIR", Path.home() / ".d4rl" / "datasets"))
    copy, part = folder / path.name, path.with_name(path.name + ".import")
    if not copy.is_file():
        return False
    try:
        load_dataset(copy, task)
        shutil.copyfile(copy, part)
    except (DatasetError, OSError) as error:
        part.unlink(missing_ok=True)
        logger.warning("The d4rl package's copy %s is not used: %s", copy, error)
        return False
    install(part, path, describe(part, f"{FETCHED}{task.dataset_url} by the d4rl package"))
    return True


def _check_arrived(part: Path, task: Task) -> None:
    try:
        load_dataset(part, task)
    except DatasetError as error:
        part.unlink()
        raise DatasetError(
            f"What {task.dataset_url} sent is no dataset of {task.name} and was deleted: {error}"
        ) from None
