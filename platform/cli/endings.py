"""How commands end: what a user caused in one sentence, what nobody foresaw in one too, with its traceback in a file.

Imports little but the standard library, for it also speaks for imports that fail.
"""

import errno
import os
import shlex
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TextIO

from vitamin.errors import VitaminError
from vitamin.platform.stopping import exit_code

FAILED = 1
BUG = 70
"""EX_SOFTWARE of sysexits.h."""
DEBUG = "VITAMIN_DEBUG"

_ADVICE = {
    errno.ENOSPC: "Free some space, or write elsewhere.",
    errno.EDQUOT: "Free some space, or write elsewhere.",
    errno.EROFS: "Write elsewhere.",
    errno.EIO: "Check the disk.",
    errno.EMFILE: "`ulimit -n` sets how many files a process may hold open.",
    errno.ENFILE: "The machine holds too many files open.",
}
_LONGEST_REASON = 200


def end(error: BaseException) -> int:
    """Says on standard error why a command ended, and returns its exit code.

    Raises:
        BaseException: The error itself, if it is a bug and ``VITAMIN_DEBUG`` is set.
    """
    if isinstance(error, VitaminError):
        return _fail(str(error))
    if isinstance(error, KeyboardInterrupt):
        say("Interrupted.")
        return exit_code()
    if _is_out_of_memory(error):
        return _fail(
            "Out of memory. Use a smaller model or batch, fewer processes (env runners, learners, trials at once), "
            "or a larger machine."
        )
    if isinstance(error, OSError):
        if error.errno == errno.EPIPE:  # whoever read the output has gone: nobody listens
            return FAILED
        if (
            error.filename is not None
        ):  # of a path that a user named; what is written asks first and says more
            return _fail(f"{error.filename}: {error.strerror}.")
        if error.errno in _ADVICE:
            return _fail(f"{error.strerror}. {_ADVICE[error.errno]}")
    if os.environ.get(DEBUG):
        raise error
    return _bug(error)


def say(text: str) -> None:
    """Prints on standard error, if there is one."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def flush() -> int:
    """Writes out what was printed; the exit code if that fails, else 0.

    A reader that has gone (``vitamin tasks | head``) is no error.
    """
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            _silence(stream)
        except OSError as error:
            _silence(stream)
            code = end(error)
        except ValueError:  # closed
            continue
    return code


def catch_threads() -> None:
    """Says in a sentence what a thread raised, or a destructor, with the traceback in a file as for commands."""
    if os.environ.get(DEBUG):
        return
    threading.excepthook = lambda given: _aside(given.exc_type, given.exc_value, given.exc_traceback)
    sys.unraisablehook = lambda given: _aside(given.exc_type, given.exc_value, given.exc_traceback)


def _aside(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if sys.is_finalizing() or issubclass(kind, SystemExit | KeyboardInterrupt | BrokenPipeError):
        return
    _bug((error or kind()).with_traceback(trace), "Something failed beside the command, which goes on")


def _silence(stream: TextIO) -> None:
    """Sends the rest to nowhere, so that the interpreter does not try again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(message: str) -> int:
    is_terminal = sys.stderr is not None and sys.stderr.isatty() and "NO_COLOR" not in os.environ
    say(f"\033[31m\033[1merror:\033[0m {message}" if is_terminal else f"error: {message}")
    return FAILED


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether memory did not suffice; torch and Ray have errors of their own for that."""
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )


def _bug(error: BaseException, what: str = "This is a bug") -> int:
    reason = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
    if len(reason) > _LONGEST_REASON:
        reason = f"{reason[:_LONGEST_REASON]}..."
    log = _write_log(error)
    where = (
        f"the log with the traceback is in {log}"
        if log is not None
        else f"no folder takes a log, {DEBUG}=1 shows the traceback"
    )
    _fail(f"{what} ({reason}); {where}.")
    return BUG


def _write_log(error: BaseException) -> Path | None:
    """Writes command line, versions and traceback to a new file in the first folder that takes it."""
    text = "\n".join(
        [
            f"command: {shlex.join(sys.argv)}",
            f"folder: {_or_reason(os.getcwd)}",
            f"versions: {_or_reason(_versions)}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    for folder in _log_folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(".log", f"{name}-", folder)
            os.close(descriptor)
            Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
            return Path(path)
    return None


def _log_folders() -> list[Path]:
    """The user's folder for logs (XDG's state folder), else that for temporary files."""
    folders = []
    with suppress(RuntimeError):  # no home
        base = os.environ.get("XDG_STATE_HOME")
        folders.append((Path(base) if base else Path.home() / ".local" / "state") / "vitamin")
    with suppress(OSError):
        folders.append(Path(tempfile.gettempdir()))
    return folders


def _versions() -> str:
    from vitamin.platform.experiments.versions import versions

    return ", ".join(f"{name} {number}" for name, number in versions().items())


def _or_reason(describe: Callable[[], str]) -> str:
    """The text that ``describe`` gives; where it fails, as in a damaged installation, the log says so and goes on."""
    try:
        return describe()
    except Exception as error:  # noqa: BLE001
        return f"unknown ({error})"
