"""Where the time of runs went."""

import re
from typing import Final

from vitamin.analysis.lines import content_of
from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.schema import METRICS_FILE, TIME_PREFIX, RunInfo, RunTime
from vitamin.errors import RunError

PARTS: Final = tuple(RunTime.model_fields)
# A line of metrics is not parsed for the few numbers that are wanted of it.
_NUMBER: Final = re.compile(
    rf'"{TIME_PREFIX}({"|".join(PARTS)})": ?([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[,}}]'.encode()
)


def run_time(run: RunFiles, info: RunInfo) -> RunTime | None:
    """The times of a run, from ``run.json``; of earlier versions the sums of those in ``metrics.jsonl``.

    Returns:
        None if neither tells them.
    """
    if info.time is not None:
        return info.time
    try:
        content = content_of(run, METRICS_FILE)
    except RunError:
        return None
    found = _NUMBER.findall(content, 0, content.rfind(b"\n") + 1)
    totals = dict.fromkeys(PARTS, 0.0)
    for part, seconds in found:
        totals[part.decode()] += float(seconds)
    return RunTime(**totals) if found else None
