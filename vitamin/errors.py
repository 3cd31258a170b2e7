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


def nearest(name: str, choices: Iterable[str]) -> str:
    """A sentence that suggests the closest of ``choices``, with a leading space; empty if none is close."""
    matches = difflib.get_close_matches(name, list(choices), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(matches)}?" if matches else ""
