"""Adapters: what makes Gymnasium's environments behave as D4RL's, under the names that the registry uses.

An adapter takes a task and the keyword arguments of ``gymnasium.make`` that every environment gets, and returns the
environment with D4RL's observations, rewards, terminations, goals and time limit. docs/tasks.md says what differs.
"""

from collections.abc import Callable, Mapping

from vitamin.platform.environments.adapters.adroit import make_adroit
from vitamin.platform.environments.adapters.antmaze import make_ant_maze
from vitamin.platform.environments.adapters.maze2d import make_maze2d
from vitamin.platform.environments.adapters.padded import make_padded
from vitamin.platform.environments.unit_box import RawEnvironment

ADAPTERS: Mapping[str, Callable[..., RawEnvironment]] = {
    "padded": make_padded,
    "adroit": make_adroit,
    "antmaze": make_ant_maze,
    "maze2d": make_maze2d,
}

__all__ = ["ADAPTERS"]
