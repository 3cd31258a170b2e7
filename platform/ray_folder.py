"""Where a private Ray keeps its sockets and logs."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from vitamin.errors import WorkerFailure
from vitamin.platform.paths import is_utf8
from vitamin.platform.stopping import cleaned_up

# The kernel's limit for a socket's path, and what Ray adds to its folder: "/session_", date and process,
# "/sockets/plasma_store".
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
_ADDED = len("/session_2026-01-31_12-00-00_123456_1234567/sockets/plasma_store")


@contextmanager
def private_ray_folder() -> Iterator[Path]:
    """A folder of this user's alone with a path that is short enough for Ray; removed after the block.

    It lies in RAY_TMPDIR or the folder for temporary files, or where these are too long, not UTF-8, or cannot be
    written, in the usual short ones.

    Raises:
        WorkerFailure: If there is none.
    """
    for parent in _parents():
        if not is_utf8(parent) or len(os.fsencode(f"{parent}/ray-12345678/s")) + _ADDED > _LONGEST_SOCKET:
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix="ray-", dir=parent))
        except OSError:
            continue
        with cleaned_up(partial(_remove, folder)):
            yield folder / "s"  # below it, for Ray opens its folder to all users
        return
    raise WorkerFailure(
        f"Ray finds no folder for its sockets among {', '.join(_parents())}: their paths are too long or not "
        "UTF-8, or they cannot be written. RAY_TMPDIR=DIR names one, of at most "
        f"{_LONGEST_SOCKET - _ADDED - len('/ray-12345678/s')} bytes."
    )


def _parents() -> list[str]:
    chosen = [os.environ.get(name) for name in ("RAY_TMPDIR", "TMPDIR")]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [str(Path(name).absolute()) for name in (*chosen, "/tmp", "/var/tmp", runtime) if name]  # noqa: S108


def _remove(folder: Path) -> None:
    """Removes a folder into which processes that are about to end may write their last lines."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
