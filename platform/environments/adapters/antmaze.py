"""AntMaze of D4RL: Gymnasium's ant with D4RL's physics, walls, frame, goals, reward and termination.

gymnasium-robotics' AntMaze has another physics, frame, goal radius and goal noise, and does not terminate; only the
walls of it would be left. Sources: d4rl/locomotion/ant.py, maze_env.py, goal_reaching_env.py and assets/ant.xml.
"""

from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from vitamin.platform.environments.adapters.mazes import (
    WALLS,
    GoalMaze,
    add_goal_mark,
    add_wall,
    camera_above,
    cells,
)
from vitamin.platform.environments.unit_box import RawEnvironment
from vitamin.platform.tasks.task import Task

START = (1, 1)  # the cell whose center is the origin
GOALS = {"umaze": (3, 1), "medium": (6, 6), "large": (7, 9)}
_CELL = 4.0  # maze_size_scaling in d4rl/locomotion/__init__.py
_WALL_HALF_HEIGHT = 1.0  # maze_height 0.5 * 4 / 2 in maze_env.py
_START_NOISE = 0.1  # reset_model in ant.py: uniform in positions, normal in velocities
# maze_env.py adds uniform noise twice: up to 0.25 cells in _rowcol_to_xy and up to 0.125 cells in goal_sampler.
_GOAL_NOISE = (0.25 * _CELL, 0.125 * _CELL)


def make_ant_maze(task: Task, **options: Any) -> RawEnvironment:
    """The maze that ``task.env_kwargs`` names."""
    spec = EnvSpec(task.env_id, entry_point=f"{AntMaze.__module__}:{AntMaze.__qualname__}")
    return gymnasium.make(spec, **options, **task.env_kwargs)


class AntMaze(GoalMaze):
    """An ant on its way from one end of a maze to the other; an episode ends at the goal.

    Observations are x, y, the other 13 positions and 14 velocities. The origin is the start cell; x grows with the
    column and y with the row of the map.
    """

    metadata = {  # noqa: RUF012
        "render_modes": ["human", "rgb_array", "depth_array", "rgbd_tuple"],
        "render_fps": 10,
    }

    def __init__(self, maze: str, render_mode: str | None = None) -> None:
        """Build the maze.

        Args:
            maze: ``umaze``, ``medium`` or ``large``.
            render_mode: Gymnasium's.
        """
        EzPickle.__init__(self, maze, render_mode)
        middle = _center((len(WALLS[maze]) - 1) / 2, (len(WALLS[maze][0]) - 1) / 2)
        camera = camera_above(maze, _CELL, (*middle, 2 * _WALL_HALF_HEIGHT), azimuth=90.0)
        super().__init__(_model(maze), 29, frame_skip=5, render_mode=render_mode, **camera)
        self._goal_center = np.array(_center(*GOALS[maze]))

    def reset_model(self) -> NDArray[np.float64]:
        """A goal and a start, drawn anew for each episode as in D4RL's -v2 environments."""
        self.goal = self._goal_center + sum(self.np_random.uniform(0.0, width, 2) for width in _GOAL_NOISE)
        self.model.site("goal").pos[:2] = self.goal
        self.set_state(
            self.init_qpos + self.np_random.uniform(-_START_NOISE, _START_NOISE, self.model.nq),
            self.init_qvel + _START_NOISE * self.np_random.standard_normal(self.model.nv),
        )
        return self.observation()

    def step(  # type: ignore[override]  # Gymnasium's annotation is narrower than its interface
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Act for one step, 0.1 seconds; ``action`` (8,) in [-1, 1] is 30 times the torque."""
        observation, success = self.advance(action)
        return observation, float(success), success, False, {"success": success}


def _center(i: float, j: float) -> tuple[float, float]:
    """Where the center of cell (i, j) is."""
    return (j - START[1]) * _CELL, (i - START[0]) * _CELL


def _model(maze: str) -> ET.Element:
    """Gymnasium's ant.xml with D4RL's time step, contacts and torques, and with walls and goal."""
    text = (files("gymnasium.envs.mujoco") / "assets" / "ant.xml").read_text(encoding="utf-8")
    model = ET.fromstring(text)  # noqa: S314
    _part(model, "option").set("timestep", "0.02")
    _part(model, "default/geom").attrib.update(solref=".02 1", solimp=".8 .8 .01")
    for motor in model.findall("actuator/motor"):
        # D4RL has gear 1, controls in ±30 and a wrapper that scales them to ±1.
        motor.set("gear", "30")
    # Colors, which show the ant from above.
    _part(model, "asset/texture[@name='texplane']").attrib.update(rgb1="0.2 0.3 0.4", rgb2="0.1 0.2 0.3")
    _part(model, "asset/material[@name='MatPlane']").set("reflectance", "0")
    _part(model, "worldbody//geom[@name='torso_geom']").set("rgba", "0.3 0.9 0.5 1")
    _part(model, "worldbody/light").set("diffuse", "0.4 0.4 0.4")
    worldbody = _part(model, "worldbody")
    for cell in cells(maze, free=False):
        half_size = (_CELL / 2, _CELL / 2, _WALL_HALF_HEIGHT)
        add_wall(worldbody, cell, (*_center(*cell), _WALL_HALF_HEIGHT), half_size)
    add_goal_mark(worldbody, height=0.02)
    return model


def _part(model: ET.Element, path: str) -> ET.Element:
    part = model.find(path)
    if part is None:
        raise ValueError(f"Gymnasium's ant.xml has no {path}.")
    return part
