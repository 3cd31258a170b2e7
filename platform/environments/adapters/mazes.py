"""The mazes of D4RL, and what AntMaze and Maze2D have in common.

Cell (i, j) is row i, column j of a map; ``#`` is a wall. AntMaze and Maze2D share the medium and the large maze.
Sources: U_MAZE_TEST, BIG_MAZE_TEST and HARDEST_MAZE_TEST in d4rl/locomotion/maze_env.py; OPEN, U_MAZE, MEDIUM_MAZE and
LARGE_MAZE in d4rl/pointmaze/maze_model.py.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from gymnasium.envs.mujoco.mujoco_env import MujocoEnv
from gymnasium.spaces import Box
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

WALLS: Mapping[str, tuple[str, ...]] = {
    "open": (
        "#######",
        "#     #",
        "#     #",
        "#     #",
        "#######",
    ),
    "umaze": (
        "#####",
        "#   #",
        "### #",
        "#   #",
        "#####",
    ),
    "medium": (
        "########",
        "#  ##  #",
        "#  #   #",
        "##   ###",
        "#  #   #",
        "# #  # #",
        "#   #  #",
        "########",
    ),
    "large": (
        "############",
        "#    #     #",
        "# ## # # # #",
        "#      #   #",
        "# #### ### #",
        "#  # #     #",
        "## # # # ###",
        "#  #   #   #",
        "############",
    ),
}

# D4RL's sparse reward, in AntMaze (goal_reaching_env.py) and Maze2D (maze_model.py) alike.
GOAL_RADIUS = 0.5

_FRAME_HEIGHT = 480
_FIELD_OF_VIEW = math.radians(45)  # MuJoCo's, vertical


def cells(maze: str, *, free: bool) -> list[tuple[int, int]]:
    """The free cells of a maze, or its walls, row by row."""
    return [
        (i, j) for i, row in enumerate(WALLS[maze]) for j, cell in enumerate(row) if (cell != "#") == free
    ]


def add_wall(
    worldbody: ET.Element,
    cell: tuple[int, int],
    center: tuple[float, ...],
    half_size: tuple[float, ...],
) -> None:
    """Adds the box of a wall cell to a model, as wide as the cell."""
    ET.SubElement(
        worldbody,
        "geom",
        name=f"wall_{cell[0]}_{cell[1]}",
        type="box",
        pos=_numbers(center),
        size=_numbers(half_size),
        contype="1",
        conaffinity="1",
        rgba="0.7 0.5 0.3 1",
    )


def add_goal_mark(worldbody: ET.Element, height: float) -> None:
    """Adds a disc where the reward is paid, which touches nothing, called ``goal``."""
    ET.SubElement(
        worldbody,
        "site",
        name="goal",
        type="cylinder",
        size=_numbers((GOAL_RADIUS, 0.01)),
        pos=_numbers((0, 0, height)),
        rgba="0.9 0.1 0.1 0.7",
    )


def camera_above(maze: str, cell_size: float, lookat: tuple[float, ...], azimuth: float) -> dict[str, Any]:
    """Options of Gymnasium's ``MujocoEnv`` that show a whole maze from above.

    Args:
        maze: Its name.
        cell_size: Width of a cell.
        lookat: Center of the maze, at the height of its walls.
        azimuth: Direction that is up in the picture, in degrees from the x-axis.
    """
    rows, columns = len(WALLS[maze]), len(WALLS[maze][0])
    return {
        "width": 16 * round(_FRAME_HEIGHT * columns / rows / 16),
        "height": _FRAME_HEIGHT,
        "camera_id": -1,
        "default_camera_config": {
            "lookat": np.array(lookat),
            "distance": rows * cell_size / 2 / math.tan(_FIELD_OF_VIEW / 2),
            "azimuth": azimuth,
            "elevation": -90.0,
        },
    }


class GoalMaze(MujocoEnv, EzPickle):
    """A MuJoCo model in a maze with a goal (2,), at which D4RL's sparse reward is 1; elsewhere it is 0.

    Observations are the model's positions and velocities; the first two are compared with the goal.
    """

    goal: NDArray[np.float64]

    def __init__(self, model: ET.Element, size: int, *, frame_skip: int, **options: Any) -> None:
        """Build it.

        Args:
            model: The model, with walls and `add_goal_mark`'s disc.
            size: How many numbers an observation has.
            frame_skip: Physics steps in a step.
            **options: Further ones of Gymnasium's ``MujocoEnv``.
        """
        with TemporaryDirectory(prefix="vitamin-maze-") as folder:
            # Gymnasium loads models from files only.
            file = Path(folder) / "model.xml"
            ET.ElementTree(model).write(file)
            observations = Box(-np.inf, np.inf, (size,), np.float64)
            super().__init__(str(file), frame_skip, observations, **options)

    def advance(self, action: NDArray[Any]) -> tuple[NDArray[np.float64], bool]:
        """Simulates one step; the observation, and whether it is at the goal."""
        self.do_simulation(action, self.frame_skip)
        if self.render_mode == "human":
            self.render()
        observation = self.observation()
        return observation, bool(np.linalg.norm(observation[:2] - self.goal) <= GOAL_RADIUS)

    def observation(self) -> NDArray[np.float64]:
        """Positions and velocities."""
        return np.concatenate([self.data.qpos, self.data.qvel])

    def _get_reset_info(self) -> dict[str, Any]:
        return {"goal": self.goal.copy()}


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)
