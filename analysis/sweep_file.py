"""The list of trials in ``sweep.json``, for whoever reads it."""

import json
import re
from pathlib import Path
from typing import Any, Final

from vitamin.analysis.schema import SWEEP_FILE
from vitamin.errors import RunError

# What names of trials are made of; each is the name of a folder in that of the sweep, never a path out of it.
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.,=+-]{0,254}", re.ASCII)


def read_trials(sweep: Path) -> dict[str, dict[str, Any]]:
    """The entries of a sweep's trials, by name; of an entry nothing but its name is checked.

    Raises:
        RunError: If ``sweep.json`` cannot be read, or holds no such list.
    """
    file = sweep / SWEEP_FILE
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["trials"]
        trials = {entry["name"]: entry for entry in entries}
    except OSError as error:
        raise RunError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{file} is damaged: it holds no list of trials.") from error
    for name, entry in trials.items():
        if not isinstance(entry, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
            raise RunError(f"{file} is damaged: {name!a:.60} is not the name of a trial.")
    return trials
