"""From a name to a task: the registry first, then any Gymnasium environment."""

import re
from functools import cache

from vitamin.errors import TaskError, nearest
from vitamin.platform.tasks.minari import is_minari
from vitamin.platform.tasks.registry_files import registered_tasks, suites, task_names
from vitamin.platform.tasks.schema import SuiteFile
from vitamin.platform.tasks.task import Task


def get_task(name: str) -> Task:
    """The registered task, or the Gymnasium environment, called ``name``.

    A Gymnasium environment needs one-dimensional Box observations, one-dimensional Box actions of floating point
    numbers with bounds, and a time limit, without which an episode, and with it a run, might never end.
    Its task has no dataset, no reference scores and no settings of its own.

    Behind ``minari:ID`` is the environment that the Minari dataset says it was recorded in, with that dataset.

    Raises:
        TaskError: If nothing has this name (names the nearest; of another version of a task, says how it
            differs), or the environment cannot be made or is of another kind.
        DatasetError: If a Minari dataset is not here or cannot be read.
    """
    if is_minari(name):
        # Data and environments take half a second to import, and registered tasks do not need them.
        from vitamin.platform.catalog.minari_task import minari_task

        return minari_task(name)
    task = registered_tasks().get(name)
    if task is not None:
        return task
    _refuse_other_version(name)
    _refuse_other_dataset(name)
    return _gymnasium_task(name)


def _refuse_other_version(name: str) -> None:
    """Raises if ``name`` is a version of a registered task that we know, but do not have."""
    base, _, version = name.rpartition("-")
    for suite in suites():
        ours = [task for task in _tasks_in(suite) if re.sub(r"-v\d+$", "", task) == base]
        if ours and version in suite.other_versions:
            raise TaskError(
                f"There is no {name} here, only {' and '.join(ours)}, and results on it are not comparable:"
                f" -{version} is {suite.other_versions[version]}."
            )


def _refuse_other_dataset(name: str) -> None:
    """Raises if ``name`` is published data of a registered environment that no task is for."""
    base, _, version = name.rpartition("-")
    for suite in suites():
        for key, environment in suite.environments.items():
            ours = [task for task in environment.tasks if task.endswith(f"-{version}")]
            if ours and base in {f"{key}-{kind}" for kind in suite.other_datasets}:
                raise TaskError(
                    f"{name} is data of D4RL's, but no task of the paper's, and not registered. To train on its file"
                    f" in the same environment: vitamin train {ours[0]} --data FILE"
                )


def _tasks_in(suite: SuiteFile) -> list[str]:
    return [name for environment in suite.environments.values() for name in environment.tasks]


@cache
def _gymnasium_task(name: str) -> Task:
    from vitamin.platform.environments import described_task, known_environments

    choices = known_environments()
    if ":" not in name and name not in choices:
        suggestion = nearest(name, dict.fromkeys([*task_names(), *choices]))
        raise TaskError(
            f"Unknown task {name!r}.{suggestion} `vitamin tasks` lists the tasks;"
            " any Gymnasium environment id works too."
        )
    return described_task(name, "gymnasium", name)
