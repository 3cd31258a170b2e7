"""Environments with the mistakes that people make first, registered when this module is imported."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

FLOAT32 = np.finfo(np.float32)
Step = tuple[Any, Any, Any, Any, Any]


class Sound(gymnasium.Env[Any, Any]):
    """A walk that the first action pushes; the base of the others."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (2,), np.float32)
    at = np.zeros(2)
    steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.at, self.steps = self.np_random.uniform(-1, 1, 2), 0
        return self.at.astype(np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        self.at = self.at + 0.1 * action[0]
        return self.changed((self.at.astype(np.float32), -float(np.abs(self.at).sum()), False, False, {}))

    def changed(self, step: Step) -> Any:
        return step


class OldReset(Sound):
    def reset(self) -> Any:  # type: ignore[override]
        return np.zeros(2, np.float32)


class NoOptions(Sound):
    def reset(self, seed: int | None = None) -> Any:  # type: ignore[override]
        return np.zeros(2, np.float32), {}


class NoInfo(Sound):
    def reset(self, **arguments: Any) -> Any:
        return super().reset(**arguments)[0]


class FourValues(Sound):
    def changed(self, step: Step) -> Any:
        return (*step[:3], step[4])


class RaisesAtReset(Sound):
    def reset(self, **_: Any) -> Any:
        raise KeyError("licence")


class RaisesAtStep(Sound):
    def changed(self, step: Step) -> Any:
        raise ValueError("the joint\ncame off")


class RaisesAtClose(Sound):
    def close(self) -> None:
        raise RuntimeError("the window is gone")


class NotFinite(Sound):
    """At its seventh step."""

    def changed(self, step: Step) -> Any:
        return (step[0] * (np.nan if self.steps == 7 else 1), *step[1:])


class InfiniteReward(Sound):
    """In float32, at its seventh step."""

    def changed(self, step: Step) -> Any:
        return (step[0], 1e39 if self.steps == 7 else 0.0, *step[2:])


class RewardArray(Sound):
    def changed(self, step: Step) -> Any:
        return (step[0], np.array([1.0]), *step[2:])


class RewardMatrix(Sound):
    def changed(self, step: Step) -> Any:
        return (step[0], np.zeros((1, 2)), *step[2:])


class TextFlag(Sound):
    def changed(self, step: Step) -> Any:
        return (*step[:2], "False", *step[3:])


class NoneInfo(Sound):
    def changed(self, step: Step) -> Any:
        return (*step[:4], None)


class TextSuccess(Sound):
    def changed(self, step: Step) -> Any:
        return (*step[:4], {"success": "False"})


class NaNSuccess(Sound):
    def changed(self, step: Step) -> Any:
        return (*step[:4], {"is_success": np.nan})


class LateSuccess(Sound):
    """Says None until the last step of an episode."""

    def changed(self, step: Step) -> Any:
        return (*step[:4], {"success": True if self.steps == 20 else None})


class Scales(Sound):
    """Scales the action that it gets, and goes on writing to the observation that it gave."""

    def reset(self, **arguments: Any) -> Any:
        self.shown = super().reset(**arguments)[0]
        return self.shown, {}

    def step(self, action: NDArray[Any]) -> Any:
        _, *rest = super().step(action)
        action *= 0.1
        self.shown[:] = self.at
        return self.shown, *rest


class Unseeded(Sound):
    def __init__(self) -> None:
        self.own = np.random.default_rng()

    def reset(self, **arguments: Any) -> Any:
        self.at, self.steps = self.own.uniform(-1, 1, 2), 0
        return self.at.astype(np.float32), {}


class Draws(Sound):
    """Draws from NumPy's global generator: where it is when it is made, and where episodes start."""

    def __init__(self) -> None:
        self.corner = np.random.uniform(-1, 1, 2)  # noqa: NPY002 (the mistake)

    def reset(self, **arguments: Any) -> Any:
        super().reset(**arguments)
        self.at = self.corner + np.random.uniform(-1, 1, 2)  # noqa: NPY002
        return self.at.astype(np.float32), {}


class Locked(Sound):
    """An arm whose second joint is locked, where float32 cannot say exactly; looks at what it gets."""

    action_space = Box(np.array([-0.1, 0.3]), np.array([0.7, 0.3]), dtype=np.float64)

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        return super().step(action)


class Integers(Sound):
    action_space = Box(0, 5, (2,), np.int32)


class NoActions(Sound):
    action_space = Box(-1.0, 1.0, (0,), np.float32)


class NoObservations(Sound):
    observation_space = Box(-1.0, 1.0, (0,), np.float32)


class Quitting(Sound):
    def step(self, action: Any) -> Any:
        raise SystemExit(3)


class HalfBounded(Sound):
    action_space = Box(np.array([-1.0, -1.0], np.float32), np.array([1.0, np.inf], np.float32))


class FloatBounds(Sound):
    action_space = Box(FLOAT32.min, FLOAT32.max, (2,), np.float32)


class HugeBounds(Sound):
    action_space = Box(np.array([-1.0, -1.0], np.float32), np.array([1.0, 1e30], np.float32))


for environment in (Sound, *Sound.__subclasses__()):
    gymnasium.register(f"{environment.__name__}-v0", entry_point=environment, max_episode_steps=20)
