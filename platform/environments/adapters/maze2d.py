"""Maze2D of D4RL: a point mass in a maze.

gymnasium-robotics' PointMaze has another frame, starts, goals and goal radius; only the walls and the model of the
point mass, both short, would be left of it. Source, also of the model's numbers: d4rl/pointmaze/maze_model.py.
"""

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

GOALS = {"open": (2, 3), "umaze": (1, 1), "medium": (6, 6), "large": (7, 9)}
# The position (0, 0) lies at (1.2, 1.2) of the model, and the wall of cell (i, j) at (i + 1, j + 1): in positions, a
# cell is centered at (i - 0.2, j - 0.2). Starts and goals are (i, j) all the same.
_ORIGIN = 1.2
_WALL_OFFSET = 1.0
_WALL_HALF_SIZE = (0.5, 0.5, 0.2)
_MAX_SPEED = 5.0  # clip_velocity
_START_NOISE = 0.1  # reset_model: uniform in position, normal in velocity
_POINT_MASS = f"""
<mujoco model="maze2d">
  <compiler inertiafromgeom="true" angle="radian"/>
  <option timestep="0.01" gravity="0 0 0" iterations="20" integrator="Euler"/>
  <default>
    <joint damping="1"/>
    <geom friction=".5 .1 .1" density="1000" margin="0.002" condim="1" contype="2" conaffinity="1"/>
  </default>
  <asset>
    <texture name="ground" type="2d" builtin="checker" rgb1=".2 .3 .4" rgb2=".1 .2 .3" width="100" height="100"/>
    <material name="ground" texture="ground" texrepeat="20 20"/>
  </asset>
  <visual>
    <headlight ambient=".4 .4 .4" diffuse=".8 .8 .8" specular=".1 .1 .1"/>
    <map znear=".01"/>
  </visual>
  <worldbody>
    <geom name="ground" type="plane" pos="0 0 -0.1" size="40 40 .25" contype="1" conaffinity="0" material="ground"/>
    <body name="point" pos="{_ORIGIN} {_ORIGIN} 0">
      <geom name="point" type="sphere" size="0.1" contype="1"/>
      <site name="point" size="0.2" rgba=".3 .9 .5 1"/>
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="y" type="slide" axis="0 1 0"/>
    </body>
  </worldbody>
  <actuator>
    <motor joint="x" ctrlrange="-1 1" ctrllimited="true" gear="100"/>
    <motor joint="y" ctrlrange="-1 1" ctrllimited="true" gear="100"/>
  </actuator>
</mujoco>
"""


def make_maze2d(task: Task, **options: Any) -> RawEnvironment:
    """The maze that ``task.env_kwargs`` names."""
    spec = EnvSpec(task.env_id, entry_point=f"{Maze2D.__module__}:{Maze2D.__qualname__}")
    return gymnasium.make(spec, **options, **task.env_kwargs)


class Maze2D(GoalMaze):
    """A point mass that has to be at the goal; an episode ends with the time limit only.

    Observations are position and velocity, (2,) each; the position of cell (i, j) is about (i, j).
    """

    metadata = {  # noqa: RUF012
        "render_modes": ["human", "rgb_array", "depth_array", "rgbd_tuple"],
        "render_fps": 100,
    }

    def __init__(self, maze: str, render_mode: str | None = None) -> None:
        """Build the maze.

        Args:
            maze: ``open``, ``umaze``, ``medium`` or ``large``.
            render_mode: Gymnasium's.
        """
        EzPickle.__init__(self, maze, render_mode)
        rows, columns = len(WALLS[maze]), len(WALLS[maze][0])
        middle = (_WALL_OFFSET + (rows - 1) / 2, _WALL_OFFSET + (columns - 1) / 2, _WALL_HALF_SIZE[2])
        camera = camera_above(maze, 1.0, middle, azimuth=180.0)
        super().__init__(_model(maze), 4, frame_skip=1, render_mode=render_mode, **camera)
        self.goal = np.array(GOALS[maze], float)
        self.model.site("goal").pos[:2] = self.goal + _ORIGIN
        self._starts = np.array(cells(maze, free=True), float)

    def reset_model(self) -> NDArray[np.float64]:
        """A start in any free cell, the goal's included."""
        start = self._starts[self.np_random.integers(len(self._starts))]
        self.set_state(
            start + self.np_random.uniform(-_START_NOISE, _START_NOISE, 2),
            _START_NOISE * self.np_random.standard_normal(2),
        )
        return self.observation()

    def step(  # type: ignore[override]  # Gymnasium's annotation is narrower than its interface
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Act for one step, 0.01 seconds; ``action`` (2,) is a force, clipped to [-1, 1]."""
        np.clip(self.data.qvel, -_MAX_SPEED, _MAX_SPEED, out=self.data.qvel)
        observation, success = self.advance(np.clip(action, -1.0, 1.0))
        return observation, float(success), False, False, {"success": success}


def _model(maze: str) -> ET.Element:
    model = ET.fromstring(_POINT_MASS)  # noqa: S314
    worldbody = model.find("worldbody")
    assert worldbody is not None
    for i, j in cells(maze, free=False):
        add_wall(worldbody, (i, j), (i + _WALL_OFFSET, j + _WALL_OFFSET, 0.0), _WALL_HALF_SIZE)
    add_goal_mark(worldbody, height=-0.09)
    return model
