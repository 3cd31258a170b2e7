"""Errors that a user's input or a run's circumstances cause; the command line prints them without a traceback."""

import difflib
from collections.abc import Iterable


class VitaminError(Exception):
    """Base of all expected failures. The message says what is wrong and what to do."""


class TaskError(VitaminError):
    """Unknown task, or a task that does not fit what it is used with."""


class DatasetError(VitaminError):
    """A dataset is missing, damaged, or does not fit its task."""


class SettingsError(VitaminError):
    """A hyperparameter, preset, method or command-line value is unknown or ill-typed."""


class RunError(VitaminError):
    """A run folder or checkpoint is missing, damaged, in use, or belongs to another run."""


class EnvironmentFailure(VitaminError):
    """An environment raised, or returned values that are not finite."""


class WorkerFailure(VitaminError):
    """Env runners or learners died and could not be replaced."""


class Diverged(VitaminError):
    """A loss or a parameter became NaN or infinite."""


class ReportError(VitaminError):
    """There is nothing to report on, or results cannot be read."""


class SweepError(VitaminError):
    """A sweep specification is wrong, or trials failed."""


_LONGEST_SHOWN = 80


def shown(value: object) -> str:
    """A value as a message shows it: on one line, cut where it is long."""
    try:
        text = repr(value)
    except (
        ValueError,
        RecursionError,
    ):  # an integer of more digits than Python prints; what is nested too deeply
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def nearest(name: str, choices: Iterable[str]) -> str:
    """A sentence that suggests the closest of ``choices``, with a leading space; empty if none is close.

    Neither case nor punctuation counts, so that "TD3+ODT" is td3_odt.
    """
    plain: dict[str, list[str]] = {}
    for choice in choices:
        plain.setdefault(_plain(choice), []).append(choice)
    wanted = _plain(name)
    close = [wanted] if wanted in plain else difflib.get_close_matches(wanted, plain, n=3, cutoff=0.5)
    matches = [choice for key in close for choice in plain[key]][:3]
    return f" Did you mean {' or '.join(matches)}?" if matches else ""


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
