"""Optional dependencies that tasks need."""

from importlib.util import find_spec

_MODULES = {"robotics": "gymnasium_robotics"}


def is_installed(extra: str) -> bool:
    """Whether the packages of an extra that a task names are here."""
    return find_spec(_MODULES[extra]) is not None


def install_command(extra: str) -> str:
    """What installs an extra."""
    return f'pip install "vitamin[{extra}]"'
