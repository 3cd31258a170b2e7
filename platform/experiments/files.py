"""Files that are replaced as a whole or not at all, and the folders they lie in."""

import os
from contextlib import suppress
from pathlib import Path

from vitamin.errors import RunError


def make_folders(path: Path) -> list[Path]:
    """Makes a folder and those above it; returns the ones that were not there, the deepest first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return missing


def remove_empty(folders: list[Path]) -> None:
    """Removes folders as far as they are empty, from the first one on."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def temporary_name(name: str) -> str:
    """Name under which a file's new content is written before it takes the file's place."""
    return f".{name}.tmp"


def write_text(file: Path, text: str) -> None:
    """Replaces the content of ``file``; after a kill or a power cut it is the old one or the new one.

    Raises:
        RunError: If it cannot be written; the old content is kept.
    """
    temporary = file.with_name(temporary_name(file.name))
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunError(
            f"Cannot write {file}: {error.strerror}. Check the folder's permissions and free space."
        ) from error
