"""Files that are replaced as a whole or not at all, and files that grow."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from vitamin.analysis.manifest import FileState
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


class GrowingFile:
    """A text file that begins with ``text`` and is appended to; knows the digest of what was written.

    Raises:
        OSError: From the methods, if it cannot be written.
        RunError: If it cannot be begun.
    """

    def __init__(self, file: Path, text: str) -> None:
        write_text(file, text)
        self._stream = file.open("a", encoding="utf-8", newline="")
        self._digest = hashlib.sha256(text.encode())
        self._size = len(text.encode())

    @property
    def state(self) -> FileState:
        """All that was written so far."""
        return FileState(size=self._size, sha256=self._digest.hexdigest())

    def append(self, text: str) -> None:
        """Appends the text; a kill of this process does not take it back."""
        self._stream.write(text)
        self._stream.flush()
        self._digest.update(text.encode())
        self._size += len(text.encode())

    def sync(self) -> None:
        """Makes everything reach the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()
