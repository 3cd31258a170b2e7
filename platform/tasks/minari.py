"""Names of Minari datasets, ``minari:mujoco/hopper/medium-v0``, and what is known of the public ones."""

import os
import re
from pathlib import Path

from vitamin.errors import DatasetError
from vitamin.platform.tasks.registry_files import minari_file
from vitamin.platform.tasks.schema import MinariFamily
from vitamin.platform.tasks.task import Task

PREFIX = "minari:"
_ID = re.compile(
    r"(?:[-\w](?:[-\w]|/(?!/))*[-\w]/)?[-\w]+-v\d+", re.ASCII
)  # a namespace has two letters or more


def is_minari(source: str | Path) -> bool:
    """Whether ``source`` names a Minari dataset."""
    return str(source).startswith(PREFIX)


def absolute_source(source: str | Path) -> str:
    """A data file or a Minari dataset, as it means the same in every working directory."""
    return str(source) if is_minari(source) else str(Path(source).expanduser().absolute())


def minari_id(source: str | Path) -> str:
    """The id behind the prefix.

    Raises:
        DatasetError: If it is none.
    """
    name = str(source).removeprefix(PREFIX)
    if not _ID.fullmatch(name):
        raise DatasetError(
            f"{source} names no Minari dataset: {name!r} is not of the form (NAMESPACE/)NAME-vN with two"
            f" letters or more in a namespace, as in {PREFIX}mujoco/hopper/medium-v0."
        )
    return name


def minari_folder() -> Path:
    """Where Minari keeps its datasets: ``$MINARI_DATASETS_PATH``, else ``~/.minari/datasets``."""
    chosen = os.environ.get("MINARI_DATASETS_PATH")
    return Path(chosen) if chosen is not None else Path.home() / ".minari" / "datasets"


def family_of(name: str) -> MinariFamily | None:
    """The family of the dataset with the id ``name``, None if it has none."""
    return next((family for family in minari_file().families if name.startswith(family.prefix)), None)


def counterpart(task: Task) -> tuple[str, MinariFamily] | None:
    """The id of the public dataset whose name is nearest to the task's, and how it differs from D4RL's."""
    for family in minari_file().families:
        if task.name in family.tasks:
            return family.tasks[task.name], family
    return None


def minari_label(name: str) -> str:
    """The name of a dataset with this id in run folders and reports."""
    family = family_of(name)
    return f"Minari {name}" + (f", not D4RL's data: {family.summary}" if family is not None else "")


def check_may_replace(name: str, task: Task) -> None:
    """Refuse a dataset that is known to differ from the published one as that task's dataset.

    Raises:
        DatasetError: With the difference.
    """
    family = family_of(name)
    if family is not None and task.dataset_url is not None:
        raise DatasetError(
            f"Minari's {name} is not the dataset of {task.name}: {family.reason}.\n"
            f"To train on it all the same, name it: `vitamin train {task.name} --data {PREFIX}{name}`;"
            f" `vitamin data fetch {task.name}` brings the published file."
        )
