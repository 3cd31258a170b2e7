"""Pictures of an episode while it is played."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np

from vitamin.algorithms.data.delayed_rewards import reward_received
from vitamin.algorithms.setting_types import RewardDelay
from vitamin.platform.environments.rendering import Frame


@dataclass(frozen=True)
class Shot:
    """A picture of an episode.

    Attributes:
        step: Steps done.
        total: Sum of their rewards.
        received: Their sum as the policy has received it, with the delay if there is one.
        frame: (height, width, 3), both even.
    """

    step: int
    total: float
    received: float
    frame: Frame


class Viewer(Protocol):
    """Whoever looks at an episode."""

    def wants(self, step: int) -> bool:
        """Whether to draw it after this step; after the last one it is drawn anyway."""

    def show(self, shot: Shot) -> None:
        """Takes the picture."""


class Camera(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Draws the steps of an episode that one of the viewers wants.

    Args:
        environment: The one that is drawn.
        viewers: Who looks.
        delay: Of the rewards that `Shot.received` counts.
        size: Width and height that pictures fit into, pixels.
        progress: Called after each step with the steps, the sum of their rewards, and whether the episode has ended.
    """

    def __init__(
        self,
        environment: gymnasium.Env[Any, Any],
        viewers: Sequence[Viewer],
        delay: RewardDelay,
        size: tuple[int, int],
        progress: Callable[[int, float, bool], None],
    ) -> None:
        super().__init__(environment)
        self._viewers, self._delay, self._size, self._progress = viewers, delay, size, progress
        self._shape: tuple[int, int] | None = None
        self._rewards: list[float] = []
        self._total = self._received = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Draws what the episode begins with."""
        first = self.env.reset(seed=seed, options=options)
        self._rewards, self._total, self._received = [], 0.0, 0.0
        self._draw(ended=False)
        return first

    def step(self, action: Any) -> Any:
        """One step, and a picture if somebody wants it or the episode ends."""
        result = self.env.step(action)
        self._rewards.append(float(result[1]))
        self._total += self._rewards[-1]
        ended = bool(result[2] or result[3])
        self._received += float(
            reward_received(np.asarray(self._rewards, np.float32), self._delay, ended=ended)
        )
        self._draw(ended=ended)
        self._progress(len(self._rewards), self._total, ended)
        return result

    def _draw(self, *, ended: bool) -> None:
        step = len(self._rewards)
        if viewers := [viewer for viewer in self._viewers if ended or viewer.wants(step)]:
            frame = self._fitted(np.asarray(self.env.render()))
            shot = Shot(step, self._total, self._received, frame)
            for viewer in viewers:
                viewer.show(shot)

    def _fitted(self, frame: Frame) -> Frame:
        """In colour, and in one size for all: even numbers of pixels, as videos need."""
        from PIL import Image

        image = Image.fromarray(frame).convert("RGB")
        if self._shape is None:
            scale = min(1.0, *(most / own for most, own in zip(self._size, image.size, strict=True)))
            width, height = (max(2, round(scale * own / 2) * 2) for own in image.size)
            self._shape = width, height
        return np.asarray(image if image.size == self._shape else image.resize(self._shape))
