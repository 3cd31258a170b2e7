"""Environments of a user's own, registered when this module is imported."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray


class Corridor(gymnasium.Env[NDArray[np.float64], NDArray[np.float32]]):
    """Float64 observations; the reward is the first action, the second is copied into the observation."""

    observation_space = Box(-10.0, 10.0, (2,), np.float64)
    action_space = Box(np.array([-1.0, 0.0], np.float32), np.array([3.0, 2.0], np.float32))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        return (
            np.array([self.np_random.uniform(), action[1]]),
            float(action[0]),
            bool(action[1] > 1.9),
            False,
            {},
        )


class Painted(Corridor):
    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def render(self) -> NDArray[np.uint8]:
        return np.zeros((48, 256, 3), np.uint8)


class Goal(Corridor):
    """Says at each step whether the goal is reached: only at the third."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        self.steps = 0
        return super().reset(seed=seed)

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return np.zeros(2), 1.0, False, False, {"success": self.steps == 3}


class Images(Corridor):
    observation_space = Box(0.0, 1.0, (4, 4))


class Unbounded(Corridor):
    action_space = Box(-np.inf, np.inf, (2,))


class Broken(Corridor):
    def __init__(self, **_: object) -> None:
        raise ValueError("broken on purpose")


class Needy(Corridor):
    def __init__(self, **_: object) -> None:
        raise gymnasium.error.DependencyNotInstalled("install it")


class Sealed(Corridor):
    """Keeps something that nothing is known of."""

    def __init__(self) -> None:
        self.world = iter(())


for environment in (Corridor, Painted, Goal, Images, Unbounded, Broken, Needy, Sealed):
    gymnasium.register(f"{environment.__name__}-v0", entry_point=environment, max_episode_steps=12)
