"""SIGINT and SIGTERM: what they end, how soon, and with which exit code."""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 3.5
_OTHERS = 128
"""Shells report a process that a signal ended as this and the signal's number."""

_first: int | None = None
_soon = False
_clean_ups: list[Callable[[], object]] = []


def exit_code() -> int:
    """The exit code of a process that was stopped: 130 after SIGINT, 143 after SIGTERM."""
    return _OTHERS + (_first or signal.SIGINT)


def signal_name() -> str | None:
    """The signal that the process was told to stop by, such as SIGTERM; None if there was none."""
    return None if _first is None else signal.Signals(_first).name


def forget() -> None:
    """Forgets signals of an earlier command in this process."""
    global _first  # noqa: PLW0603
    _first = None


def end_on_signals() -> None:
    """Lets SIGINT and SIGTERM end this process: by a KeyboardInterrupt, and by force if it goes on for 3.5 s.

    A call into a library may hold the main thread for longer, or lose the exception.
    """
    atexit.register(_skip_the_rest)  # handlers run in reverse order
    _guard.start()
    for number in _SIGNALS:
        signal.signal(number, _interrupt)


def leave_signals_to_parent() -> None:
    """Ignores SIGINT, which a terminal sends to all processes of a command; SIGTERM ends this one at once.

    For a process that computes for another one, which ends it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def end_process(code: int | str | None) -> NoReturn:
    """Ends this process, undisturbed by more signals."""
    global _soon  # noqa: PLW0603
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _soon = code == exit_code()
    sys.exit(code)


def _skip_the_rest() -> None:
    """Ends the process at its last exit handler if it was told to by a signal: libraries take seconds to take down."""
    if _soon:
        os._exit(exit_code())


@contextmanager
def first_signal(handle: Callable[[], object]) -> Iterator[None]:
    """Calls ``handle`` at the first signal inside the block; a second one interrupts at once.

    A no-op outside the main thread, where Python allows no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    forget()

    def once(number: int, frame: FrameType | None) -> None:
        if _first is not None:
            _interrupt(number, frame)
        _note(number)
        with suppress(RuntimeError):  # the signal came while the same stream was being written
            handle()

    with handlers_kept():
        try:
            _guard.tolerated = 1
            for number in _SIGNALS:
                signal.signal(number, once)
            yield
        finally:
            _guard.tolerated = 0


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Sets the handlers of the signals anew after a block in which a library sets its own, in Python or below."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that was not set from Python cannot be
                signal.signal(number, handler)


@contextmanager
def cleaned_up(clean_up: Callable[[], object]) -> Iterator[None]:
    """Calls ``clean_up`` after the block, and before a signal ends the process by force inside it."""
    _clean_ups.append(clean_up)
    try:
        yield
    finally:
        clean_up()
        _clean_ups.remove(clean_up)


def _note(number: int) -> None:
    global _first  # noqa: PLW0603
    _first = _first or number


def _interrupt(number: int, _: FrameType | None) -> None:
    _note(number)
    signal.alarm(
        0
    )  # while Ray starts, its own handler asks for an abort in three seconds before it calls this one
    raise KeyboardInterrupt


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
            for clean_up in reversed(_clean_ups):
                with suppress(Exception):
                    clean_up()
            with suppress(OSError, ValueError):
                shown = "\033[?25h" if sys.stderr.isatty() else ""  # the cursor, which a live display hides
                sys.stderr.write(f"{shown}Interrupted.\n")
            os._exit(_OTHERS + (_first or number))


_guard = _Guard()
