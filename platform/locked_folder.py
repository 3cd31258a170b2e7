"""A folder that one process at a time writes to."""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vitamin.errors import VitaminError

LOCK_FILE = ".lock"


class LockedFolder:
    """A folder with a lock file in it, for the length of a run or sweep.

    Args:
        path: The folder.
        failure: Class of the errors.
        writer: What else may hold the lock, as messages call it.
    """

    def __init__(self, path: Path, failure: type[VitaminError], writer: str) -> None:
        self.path = path
        self._failure = failure
        self._writer = writer
        self._lock = FileLock(path / LOCK_FILE)
        self._lock_was_there = False
        self._made: list[Path] = []

    def acquire(self) -> None:
        """Makes the folder and those above it, and locks it.

        Raises:
            VitaminError: Of the class ``failure``, if it cannot be written or another process holds the lock.
        """
        self._lock_was_there = (self.path / LOCK_FILE).exists()
        try:
            self._made = _make_folders(self.path)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise self._failure(f"{self.path} is being written by another {self._writer}.") from error
        except (OSError, NotImplementedError) as error:  # the second where the file system has no locks
            raise self.unwritable(error) from error

    def unwritable(self, error: Exception) -> VitaminError:
        """The error that says why the folder cannot be written."""
        reason = getattr(error, "strerror", None) or error
        return self._failure(f"Cannot write to {self.path}: {reason}. Choose another --out.")

    def release(self) -> None:
        """Lets another process have the folder."""
        self._lock.release()

    def remove_what_was_made(self) -> None:
        """Removes the folders that `acquire` has made, as far as nothing but the lock is in them."""
        if self._made:
            (self.path / LOCK_FILE).unlink(missing_ok=True)
            with suppress(OSError):
                for folder in self._made:
                    folder.rmdir()

    def give_up(self) -> None:
        """Leaves the folder as it was before `acquire`, for a start that has failed, and lets go of it."""
        if not self._lock_was_there:
            (self.path / LOCK_FILE).unlink(missing_ok=True)
        self.remove_what_was_made()
        self.release()


def _make_folders(path: Path) -> list[Path]:
    """Makes a folder and those above it; returns the ones that were not there, the deepest first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return missing
