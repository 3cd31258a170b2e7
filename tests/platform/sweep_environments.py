"""An environment that fails, registered when this module is imported: a task by the name of ``MODULE:BurntOut-v0``."""

from typing import Any

import gymnasium
from gymnasium.envs.classic_control import PendulumEnv

NAME = "tests.platform.sweep_environments:BurntOut-v0"


class BurntOut(PendulumEnv):
    """Pendulum whose motor gives up."""

    def step(self, u: Any) -> Any:
        raise OSError("the motor burnt out")


gymnasium.register("BurntOut-v0", entry_point=BurntOut, max_episode_steps=200)
