"""Filming an episode off-screen."""

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from vitamin.algorithms.delayed_rewards import RewardDelay, reward_paid
from vitamin.algorithms.randomness import Stream, global_generators
from vitamin.errors import RunError, TaskError
from vitamin.platform.environments import make_environment, probe_environment
from vitamin.platform.environments.rendering import Frame, choose_mujoco_renderer, first_frame, uses_mujoco
from vitamin.platform.experiments.evaluate import Agent, check_sizes
from vitamin.platform.tasks import Task

_FRAMES_PER_SECOND = 60


def film_episode(agent: Agent, file: Path, *, seed: int = 0, target_return: float | None = None) -> float:
    """Films one episode of the agent as an mp4 file, with step, return and return-to-go, if the policy looks at it.

    Returns:
        The return of the episode.

    Raises:
        RunError: If the extra ``video`` or a renderer is missing, or the file cannot be written.
        SettingsError: If the policy does not look at target returns and one is given.
    """
    agent.check_target_return(target_return)
    _check_encoder()
    temporary = file.with_name(f".{file.stem}.tmp.mp4")
    probe_environment(agent.task)
    with global_generators(seed, Stream.ENVIRONMENTS, 0):
        drawn = _drawn_environment(agent.task)
    with closing(drawn) as environment:
        check_sizes(agent, environment)
        if uses_mujoco(environment):
            choose_mujoco_renderer()
        first_frame(environment)  # says what is missing before the episode begins
        settings = agent.hyperparameters
        target = settings.eval_target_return if target_return is None else target_return

        def caption(step: int, total: float, paid: float) -> str:
            to_go = target - (paid + step * settings.reward_shift) / settings.reward_divisor
            words = f"step {step}   return {total:.1f}"
            return words if agent.blind_to_returns is not None else f"{words}   return-to-go {to_go:.1f}"

        rate = float(environment.metadata.get("render_fps", 30))
        stride = math.ceil(rate / _FRAMES_PER_SECOND)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with closing(_open_writer(temporary, rate / stride)) as writer:
                camera = _Camera(environment, writer.append_data, caption, stride, settings.reward_delay)
                trajectories = agent.rollout([camera], seed=seed, unit=0, target_return=target)
            temporary.replace(file)
        except OSError as error:
            raise RunError(
                f"Cannot write the film {file}: {error}. Choose another file for --video."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
    return float(trajectories.returns[0])


def _drawn_environment(task: Task) -> gymnasium.Env[Any, Any]:
    try:
        return make_environment(task, render_mode="rgb_array")
    except TaskError as error:
        raise RunError(f"{task.name} cannot be filmed. {error}") from error


class _Camera(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Takes a picture every ``stride`` steps of an episode."""

    def __init__(
        self,
        environment: gymnasium.Env[Any, Any],
        keep: Callable[[Frame], object],
        caption: Callable[[int, float, float], str],
        stride: int,
        delay: RewardDelay,
    ) -> None:
        super().__init__(environment)
        self.keep, self.caption, self.stride, self.delay = keep, caption, stride, delay
        self.rewards: list[float] = []
        self.paid = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begins the film."""
        first = self.env.reset(seed=seed, options=options)
        self.rewards, self.paid = [], 0.0
        self._shoot()
        return first

    def step(self, action: Any) -> Any:
        """One step, and a picture if it is time for one or the episode ends."""
        result = self.env.step(action)
        self.rewards.append(float(result[1]))
        ended = bool(result[2] or result[3])
        self.paid += float(reward_paid(np.asarray(self.rewards, np.float32), self.delay, ended=ended))
        if len(self.rewards) % self.stride == 0 or ended:
            self._shoot()
        return result

    def _shoot(self) -> None:
        self.keep(
            _write_on(
                np.asarray(self.env.render()), self.caption(len(self.rewards), sum(self.rewards), self.paid)
            )
        )


def _write_on(frame: Frame, text: str) -> Frame:
    from PIL import Image, ImageDraw

    image = Image.fromarray(frame)
    ImageDraw.Draw(image).text((8, 6), text, fill="white", stroke_width=2, stroke_fill="black", font_size=16)
    return np.asarray(image)


def _open_writer(file: Path, rate: float) -> Any:
    import imageio.v2

    # libx264 with yuv420p needs even sizes, not imageio's multiples of 16.
    return imageio.v2.get_writer(file, fps=rate, macro_block_size=2, ffmpeg_log_level="error")


def _check_encoder() -> None:
    try:
        import imageio.v2  # noqa: F401
        import imageio_ffmpeg  # type: ignore[import-untyped]  # noqa: F401
        import PIL  # noqa: F401
    except ImportError as error:
        raise RunError(f"A film needs the package {error.name}: pip install 'vitamin[video]'") from error
