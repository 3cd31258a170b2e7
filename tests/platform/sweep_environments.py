"""An environment that fails, registered when this module is imported: a task by the name of ``MODULE:BurntOut-v0``."""

from typing import Any

import gymnasium
from gymnasium.envs.classic_control import PendulumEnv

NAME = "tests.platform.sweep_environments:BurntOut-v0"


class BurntOut(PendulumEnv):
    """Pendulum whose motor gives up in the third step, after everybody has looked at the first."""

    def reset(self, **arguments: Any) -> Any:
        self.steps = 0
        return super().reset(**arguments)

    def step(self, u: Any) -> Any:
        self.steps += 1
        if self.steps == 3:
            raise OSError("the motor burnt out")
        return super().step(u)


gymnasium.register("BurntOut-v0", entry_point=BurntOut, max_episode_steps=200)
