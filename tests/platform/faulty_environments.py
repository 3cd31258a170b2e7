"""Pendulums with a fault that shows after some episodes of a process: tasks by the name of ``MODULE:NAME-v0``."""

import os
import time
from typing import Any, ClassVar

import gymnasium
import numpy as np
import ray
from gymnasium.envs.classic_control import PendulumEnv


class Faulty(PendulumEnv):
    """Counts the episodes of all its instances in this process."""

    episodes: ClassVar[int] = 0
    healthy_episodes: ClassVar[int] = 6

    def reset(self, **arguments: Any) -> Any:
        type(self).episodes += 1
        return super().reset(**arguments)

    def step(self, u: Any) -> Any:
        return super().step(u) if self.episodes <= self.healthy_episodes else self.fault(u)

    def fault(self, u: Any) -> Any:
        raise NotImplementedError


class Raising(Faulty):
    def fault(self, u: Any) -> Any:
        raise ValueError("the joint came off")


class NotANumber(Faulty):
    def fault(self, u: Any) -> Any:
        observation, *rest = PendulumEnv.step(self, u)
        return observation * np.nan, *rest


class Hanging(Faulty):
    def fault(self, u: Any) -> Any:
        time.sleep(3600)


def in_env_runner() -> bool:
    return ray.is_initialized() and bool(ray.get_runtime_context().get_actor_id())


class Crashing(Faulty):
    """Not in the driver, which tries environments out."""

    healthy_episodes: ClassVar[int] = 0

    def fault(self, u: Any) -> Any:
        if in_env_runner():
            os._exit(1)
        return PendulumEnv.step(self, u)


class DriverOnly(PendulumEnv):
    """Can be made in the driver, but not where env runners are."""

    def __init__(self, **arguments: Any) -> None:
        if in_env_runner():
            raise ValueError("no licence on this machine")
        super().__init__(**arguments)


for environment in (Raising, NotANumber, Hanging, Crashing, DriverOnly):
    gymnasium.register(f"{environment.__name__}-v0", entry_point=environment, max_episode_steps=200)
