"""Adroit with D4RL's reward and termination, from gymnasium-robotics.

Sources: ``step`` in d4rl/hand_manipulation_suite/{door,hammer,relocate,pen}_v0.py; time limits in its ``__init__.py``.
"""

import io
from contextlib import redirect_stderr
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from vitamin.platform.environments.unit_box import RawEnvironment
from vitamin.platform.tasks.task import Task

# D4RL: reward -= 0.1 |palm - object|. gymnasium-robotics from 1.2.1 on has += (its pull request 220), so that twice
# the term has to be taken off.
_REACH_CORRECTION = 0.2
_REACHED = {
    "AdroitHandDoor-v1": ("site", "S_handle"),
    "AdroitHandHammer-v1": ("body", "Object"),
    "AdroitHandRelocate-v1": ("body", "Object"),
}
_PEN = "AdroitHandPen-v1"
# D4RL ends the episode when the pen is lower; gymnasium-robotics' never ends.
_PEN_DROPPED_BELOW = 0.075


def make_adroit(task: Task, **options: Any) -> RawEnvironment:
    """``task.env_id`` of gymnasium-robotics with D4RL's reward, termination and time limit.

    Raises:
        ImportError: If gymnasium-robotics is missing.
    """
    # Importing it registers its environments, and prints advice for users of the sign that is mended here.
    with redirect_stderr(io.StringIO()):
        import gymnasium_robotics  # type: ignore[import-untyped]  # noqa: F401

    env = gymnasium.make(task.env_id, **options, **task.env_kwargs)
    return DroppedPen(env) if task.env_id == _PEN else CorrectedReach(env, *_REACHED[task.env_id])


class CorrectedReach(gymnasium.Wrapper[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]):
    """Hammer, door or relocate with D4RL's sign of the reaching term; ``info["success"]`` is a bool."""

    def __init__(self, env: RawEnvironment, kind: str, name: str) -> None:
        """Wrap ``env``.

        Args:
            env: The environment.
            kind: ``site`` or ``body``: what the palm has to reach.
            name: Its name in the model.
        """
        super().__init__(env)
        model: Any = self.get_wrapper_attr("model")
        self._palm = int(model.site("S_grasp").id)
        self._positions = f"{kind}_xpos" if kind == "site" else "xpos"
        self._reached = int(getattr(model, kind)(name).id)

    def step(self, action: NDArray[Any]) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Act for one step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        data: Any = self.get_wrapper_attr("data")
        distance = np.linalg.norm(data.site_xpos[self._palm] - getattr(data, self._positions)[self._reached])
        info["success"] = bool(info["success"])
        return observation, float(reward) - _REACH_CORRECTION * float(distance), terminated, truncated, info


class DroppedPen(gymnasium.Wrapper[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]):
    """Pen, whose episodes end when it falls; ``info["success"]`` is a bool."""

    def __init__(self, env: RawEnvironment) -> None:
        super().__init__(env)
        self._pen = int(self.get_wrapper_attr("model").body("Object").id)

    def step(self, action: NDArray[Any]) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Act for one step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        dropped = bool(self.get_wrapper_attr("data").xpos[self._pen][2] < _PEN_DROPPED_BELOW)
        info["success"] = bool(info["success"])
        return observation, float(reward), terminated or dropped, truncated, info
