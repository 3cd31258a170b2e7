"""One function on many arguments, in as many processes as there are cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from typing import Final, TypeVar

from vitamin.platform.figures.files import Progress
from vitamin.platform.stopping import leave_signals_to_parent

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_WORTH_PROCESSES: Final = 12
"""Calls for which processes that first load torch pay."""


def in_processes(
    function: Callable[[Argument], Result], arguments: Sequence[Argument], progress: Progress
) -> list[Result]:
    """The function of each argument, in their order; computed in this process if they are few.

    Args:
        function: Can be pickled; its result depends on the argument alone.
        arguments: Can be pickled.
        progress: Called with (done, total).
    """
    workers = min(_cores(), len(arguments))
    if workers == 1 or len(arguments) < _WORTH_PROCESSES:
        results = []
        for argument in arguments:
            results.append(function(argument))
            progress(len(results), len(arguments))
        return results
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=leave_signals_to_parent) as pool:
        try:
            futures = [pool.submit(function, argument) for argument in arguments]
            for done, _ in enumerate(as_completed(futures), start=1):
                progress(done, len(arguments))
            return [future.result() for future in futures]
        except KeyboardInterrupt:  # do not wait for the arguments that are left
            for process in active_children():
                process.terminate()
            raise


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
