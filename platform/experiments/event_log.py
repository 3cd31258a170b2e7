"""TensorBoard events of a run, written by the caller.

tensorboardX's SummaryWriter hands them to a thread, which a full disk ends, leaving whoever adds or closes waiting.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

_SECONDS_BETWEEN_FLUSHES = 10.0


class EventLog:
    """A new event file in ``folder``.

    Args:
        folder: TensorBoard's folder of the run; made if it is missing.
        first_step: Events of this and later steps, which an interrupted part of the run has left, are to be hidden.

    Raises:
        OSError: From here and from the methods, if the file cannot be written.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(folder / "events"), f".{os.getpid()}")
        self._flushed = time.monotonic()
        self._write(first_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """Adds the values of a step."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(step, summary=Summary(value=values))
        if time.monotonic() - self._flushed > _SECONDS_BETWEEN_FLUSHES:
            self.flush()

    def flush(self) -> None:
        """Makes everything reach the disk."""
        self._writer.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._writer.close()

    def _write(self, step: int, **content: SessionLog | Summary) -> None:
        self._writer.write_event(Event(wall_time=time.time(), step=step, **content))
