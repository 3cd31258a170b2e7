"""Text files that are appended to."""

import hashlib
import os
from pathlib import Path

from vitamin.analysis.manifest import FileState
from vitamin.files import write_text


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
