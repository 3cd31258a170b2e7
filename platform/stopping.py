"""SIGINT and SIGTERM: what they end, how soon, and with which exit code."""

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 4.0
_OTHERS = 128
"""Shells report a process that a signal ended as this and the signal's number."""

_first: int | None = None
_temporary: set[Path] = set()


def exit_code() -> int:
    """What a process that was stopped ends with: 130 after SIGINT, 143 after SIGTERM."""
    return _OTHERS + (_first or signal.SIGINT)


def forget() -> None:
    """Forgets signals of an earlier command in this process."""
    global _first  # noqa: PLW0603
    _first = None


def end_on_signals() -> None:
    """Lets SIGINT and SIGTERM end this process: by a KeyboardInterrupt, and by force if it still runs 4 s later.

    A call into a library may hold the main thread for longer, or lose the exception.
    """
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    _guard.start()


def ignore_signals() -> None:
    """Lets a process that is at its end anyway get there."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def first_signal(handle: Callable[[], object]) -> Iterator[None]:
    """Calls ``handle`` at the first signal inside the block; a second one interrupts at once.

    A no-op outside the main thread, where Python allows no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    forget()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def once(number: int, frame: FrameType | None) -> None:
        if _first is not None:
            _interrupt(number, frame)
        _note(number)
        with suppress(RuntimeError):  # the signal came while the same stream was being written
            handle()

    try:
        _guard.tolerated = 1
        for number in _SIGNALS:
            signal.signal(number, once)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _guard.tolerated = 0


@contextmanager
def removed_at_end(folder: Path) -> Iterator[None]:
    """Removes a folder after the block, and where a signal ends the process inside it."""
    _temporary.add(folder)
    try:
        yield
    finally:
        _remove(folder)
        _temporary.discard(folder)


def _note(number: int) -> None:
    global _first  # noqa: PLW0603
    _first = _first or number


def _interrupt(number: int, _: FrameType | None) -> None:
    _note(number)
    raise KeyboardInterrupt


def _remove(folder: Path) -> None:
    """Removes a folder into which processes that are about to end may write their last lines."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


class _Guard:
    """A thread that is told of signals even while the main thread is held up in a library.

    Attributes:
        tolerated: How many signals to come leave the process running.
    """

    def __init__(self) -> None:
        self.tolerated = 0
        self._reading = -1

    def start(self) -> None:
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            number = os.read(self._reading, 1)[0]
            if number not in _SIGNALS:
                continue
            if self.tolerated:
                self.tolerated -= 1
                continue
            time.sleep(_PATIENCE_S)
            for folder in tuple(_temporary):
                shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError, ValueError):
                sys.stderr.write("Interrupted.\n")
            os._exit(_OTHERS + (_first or number))


_guard = _Guard()
