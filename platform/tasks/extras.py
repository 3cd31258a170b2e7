"""Optional dependencies that tasks need."""

from importlib.util import find_spec

from vitamin.errors import TaskError
from vitamin.platform.tasks.task import Task

_MODULES = {"robotics": "gymnasium_robotics"}


def is_installed(extra: str) -> bool:
    """Whether the packages of an extra that a task names are here."""
    return find_spec(_MODULES[extra]) is not None


def require_extra(task: Task) -> None:
    """Checks that what a task needs is installed, before processes are started for it.

    Raises:
        TaskError: If it is not, with the command that installs it.
    """
    if task.extra is not None and not is_installed(task.extra):
        raise TaskError(
            f"The environment {task.env_id} needs a package that is missing: {install_command(task.extra)}"
        )


def install_command(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "vitamin[{extra}]"'
