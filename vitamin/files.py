"""Files that are replaced as a whole or not at all, even if the process is killed or the power fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vitamin.errors import RunError


def temporary_name(name: str) -> str:
    """Name under which a file's new content is written before it takes the file's place."""
    return f".{name}.tmp"


def sync(path: Path) -> None:
    """Makes a file's content, or a folder's list of names, reach the disk.

    Raises:
        OSError: If it does not.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(new: Path, file: Path) -> None:
    """Moves ``new``, a file or folder on the same file system, to ``file`` when it has reached the disk.

    Of a folder, the files in it are to be synced before.

    Without that order a power cut can leave an empty file under the final name.

    Raises:
        OSError: If it cannot be synced or moved.
    """
    sync(new)
    new.replace(file)


def per_process(file: Path) -> Path:
    """A path beside ``file`` that no other process writes to, for files that several may write at once."""
    return file.with_name(f"{file.name}.{os.getpid()}.part")


@contextmanager
def replacing(file: Path, temporary: Path | None = None) -> Iterator[Path]:
    """A path to write the new content of ``file`` to; it takes the file's place after the block.

    If the block fails, the old content is kept and the new one removed.

    Args:
        file: The file to replace; need not exist.
        temporary: Where the new content is written, on the same file system; by default the `temporary_name` beside the
            file, which two processes at once must not use: `per_process` is for these.

    Raises:
        OSError: If the content cannot be synced or moved.
    """
    new = temporary or file.with_name(temporary_name(file.name))
    try:
        yield new
        put_in_place(new, file)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def write_text(file: Path, text: str) -> None:
    """Replaces the content of ``file`` by ``text`` as UTF-8.

    Raises:
        RunError: If it cannot be written; the old content is kept.
    """
    try:
        with replacing(file) as new:
            new.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"Cannot write {file}: {error.strerror}. Check the folder's permissions and free space."
        ) from error
