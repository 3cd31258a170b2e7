"""Files that are replaced as a whole or not at all."""

import os
from pathlib import Path

from vitamin.errors import RunError


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
