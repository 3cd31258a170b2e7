"""Suites of tasks, and the order in which tables and pictures show tasks."""

import re
from collections.abc import Iterable
from typing import Final

SUITES: Final = ("mujoco", "adroit", "antmaze", "maze2d", "other")
PAPER_TASKS: Final = (
    *(
        f"{environment}-{data}-v2"
        for environment in ("hopper", "halfcheetah", "walker2d", "ant")
        for data in ("medium", "medium-replay", "random")
    ),
    *(
        f"{environment}-{data}-v1"
        for environment in ("pen", "hammer", "door", "relocate")
        for data in ("expert", "cloned", "human")
    ),
    *(
        f"antmaze-{maze}-v2"
        for maze in (
            "umaze",
            "umaze-diverse",
            "medium-play",
            "medium-diverse",
            "large-play",
            "large-diverse",
        )
    ),
)
"""The tasks of the paper's Tables 1 to 3, in their order."""

# D4RL's names: environment, data, version.
_NAMES: Final = {
    "mujoco": re.compile(r"(hopper|halfcheetah|walker2d|ant)-(random|medium|expert|full)(-\w+)*-v\d+"),
    "adroit": re.compile(r"(pen|hammer|door|relocate)-(human|cloned|expert)-v\d+"),
    "antmaze": re.compile(r"antmaze-.+-v\d+"),
    "maze2d": re.compile(r"maze2d-.+-v\d+"),
}


def suite_of(task: str) -> str:
    """The suite of a task, one of ``SUITES``, by D4RL's naming; ``other`` for any other task."""
    return next((suite for suite, name in _NAMES.items() if name.fullmatch(task)), "other")


def sort_tasks(tasks: Iterable[str]) -> list[str]:
    """Distinct tasks: the paper's in its order, then the rest by suite and name, numbers by their value."""

    def order(task: str) -> tuple[object, ...]:
        if task in PAPER_TASKS:
            return 0, PAPER_TASKS.index(task)
        return 1, SUITES.index(suite_of(task)), _natural(task)

    return sorted(set(tasks), key=order)


def _natural(task: str) -> list[tuple[int, int, str]]:
    """Parts of a name that compare as people count: v2 before v10."""
    parts = re.findall(r"\d+|\D+", task)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part.casefold()) for part in parts]
