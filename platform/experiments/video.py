"""Videos of episodes, drawn off-screen."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from vitamin.algorithms.randomness import Stream, global_generators
from vitamin.errors import RunError, TaskError
from vitamin.platform.environments import make_environment, probe_environment
from vitamin.platform.environments.rendering import (
    Frame,
    choose_mujoco_renderer,
    draw_small,
    drawn,
    first_frame,
    uses_mujoco,
)
from vitamin.platform.experiments.camera import Camera, Shot, Viewer
from vitamin.platform.experiments.evaluate import Agent, check_sizes
from vitamin.platform.experiments.strip import FrameChoice
from vitamin.platform.experiments.video_file import check_encoder, video_file
from vitamin.platform.tasks import Task

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

SIZE = 320, 240
FRAMES_PER_SECOND = 20
_USUAL_RATE = 30.0  # of an environment that does not say how fast it is
_LINES = 20  # of text that would fit above each other
_SMALLEST_LETTERS = 12  # pixels


def record_episode(
    agent: Agent,
    file: Path | None,
    *,
    seed: int = 0,
    target_return: float | None = None,
    size: tuple[int, int] = SIZE,
    frames_per_second: int = FRAMES_PER_SECOND,
    choice: FrameChoice | None = None,
    progress: Callable[[int, int | None, str], None] = lambda *_: None,
    report: Callable[[str], None] = lambda _: None,
) -> float:
    """Records one episode of the agent as an mp4 video, with step, return and return-to-go, if the policy looks at it.

    The video is as fast as the environment says that it is; of a fast one it shows every n-th step.

    Args:
        agent: The policy.
        file: The video; None makes none.
        seed: Key of the episode.
        target_return: Return-to-go at the start, in scaled-reward units; by default ``eval_target_return``.
        size: Width and height that frames fit into, pixels; those of MuJoCo are of this size.
        frames_per_second: Of the video, at most.
        choice: Is shown frames of the same episode, for a strip.
        progress: Called with the steps done, those after which the episode ends at the latest, if that is known, and
            how it goes, in words.
        report: Told in a sentence where a video lies that was cut short.

    Returns:
        The return of the episode.

    Raises:
        EnvironmentFailure: If the environment raises or returns values that are not finite.
        RunError: If the extra ``video`` or a renderer is missing, or the file cannot be written.
        SettingsError: If the policy does not look at target returns and one is given.
    """
    agent.check_target_return(target_return)
    if file is not None:
        check_encoder()
    probe_environment(agent.task)
    with _drawn_environment(agent.task, seed) as environment:
        check_sizes(agent, environment)
        if uses_mujoco(environment):
            choose_mujoco_renderer()
            draw_small(environment, *size)
        first_frame(environment)  # says what is missing before the episode begins
        limit = agent.task.max_episode_steps or getattr(environment.spec, "max_episode_steps", None)
        viewers: list[Viewer] = []
        video: _Video | None = None

        def tell(step: int, total: float, ended: bool) -> None:
            frames = "" if video is None else f"{video.frames} frames, "
            progress(step, step if ended else limit, f"{frames}return {total:.1f}")

        with ExitStack() as stack:
            if file is not None:
                own_rate = float(environment.metadata.get("render_fps") or _USUAL_RATE)
                stride = math.ceil(own_rate / frames_per_second)
                add = stack.enter_context(video_file(file, own_rate / stride, report))
                viewers.append(video := _Video(add, stride, _caption(agent, target_return)))
            if choice is not None:
                choice.plan(limit)
                viewers.append(choice)
            camera = Camera(environment, viewers, agent.hyperparameters.reward_delay, size, tell)
            trajectories = agent.rollout([camera], seed=seed, unit=0, target_return=target_return)
    return float(trajectories.returns[0])


class _Video:
    """A viewer that adds every ``stride``-th step to a video."""

    def __init__(self, add: Callable[[Frame], None], stride: int, caption: Callable[[Shot], str]) -> None:
        self._add, self._stride, self._caption = add, stride, caption
        self.frames = 0

    def wants(self, step: int) -> bool:
        return step % self._stride == 0

    def show(self, shot: Shot) -> None:
        from PIL import Image, ImageDraw

        image = Image.fromarray(shot.frame)
        letters = max(_SMALLEST_LETTERS, image.height // _LINES)
        draw = ImageDraw.Draw(image)
        draw.rectangle(
            (0, 0, image.width, 3 * letters // 2), fill="black"
        )  # an outline of letters takes longer
        draw.text((6, letters // 4), self._caption(shot), fill="white", font=_font(letters))
        self._add(np.asarray(image))
        self.frames += 1


@cache
def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)


@contextmanager
def _drawn_environment(task: Task, seed: int) -> Iterator[gymnasium.Env[Any, Any]]:
    try:
        with global_generators(seed, Stream.ENVIRONMENTS, 0):
            environment = make_environment(task, render_mode="rgb_array")
    except TaskError as error:
        raise RunError(f"{task.name} cannot be recorded. {error}") from error
    with drawn(environment):
        yield environment


def _caption(agent: Agent, target_return: float | None) -> Callable[[Shot], str]:
    settings = agent.hyperparameters
    target = settings.eval_target_return if target_return is None else target_return

    def caption(shot: Shot) -> str:
        words = f"step {shot.step}   return {shot.total:.1f}"
        if agent.blind_to_returns is not None:
            return words
        to_go = target - (shot.received + shot.step * settings.reward_shift) / settings.reward_divisor
        return f"{words}   return-to-go {to_go:.1f}"

    return caption
