"""Processes that are gone before one of their file operations, as by `kill -9`."""

import os
import sys
from collections.abc import Callable

# What CPython tells audit hooks of before it does it.
_FILE_OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}


def dies_before(operation: int, work: Callable[[], object]) -> bool:
    """Does the work in a process that is gone before its nth file operation; False if it came to its end."""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, arguments: object) -> None:
            nonlocal count
            if event in _FILE_OPERATIONS:
                count += 1
                if count == operation:
                    os._exit(9)

        sys.addaudithook(hook)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
