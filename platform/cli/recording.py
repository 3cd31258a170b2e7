"""Videos and strips of `vitamin evaluate`: their options, and making them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from vitamin.platform.cli.endings import say

if TYPE_CHECKING:
    from vitamin.platform.experiments.evaluate import Agent

SIZE = "320x240"
_SMALLEST, _LARGEST = 64, 4096  # pixels
_PICTURES = (".png", ".jpg", ".jpeg")


class Pictures(NamedTuple):
    """The pictures to make of an episode.

    Attributes:
        video: The video, if one is asked for.
        strip: The picture with frames of it, likewise.
        size: Width and height of the video, pixels.
        frames_per_second: Of the video, at most.
        frames: Of the strip.
    """

    video: Path | None
    strip: Path | None
    size: tuple[int, int]
    frames_per_second: int
    frames: int

    def check(self, checkpoints: int) -> None:
        """Checks names and combinations.

        Raises:
            BadParameter: If one is wrong.
        """
        if self.video is not None and self.video.suffix != ".mp4":
            raise typer.BadParameter(f"--video writes .mp4 files, not {self.video.name}.")
        if self.video is not None and checkpoints > 1:
            raise typer.BadParameter("--video records one --checkpoint; --strip shows several.")
        if self.strip is not None and self.strip.suffix not in _PICTURES:
            raise typer.BadParameter(f"--strip writes .png and .jpg files, not {self.strip.name}.")


def parse_size(text: str) -> tuple[int, int]:
    """Width and height out of ``WIDTHxHEIGHT``.

    Raises:
        BadParameter: If it is something else, or out of bounds.
    """
    if match := re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", text, re.ASCII):
        width, height = map(int, match.groups())
        if all(_SMALLEST <= pixels <= _LARGEST for pixels in (width, height)):
            return width, height
    raise typer.BadParameter(
        f"--video-size is WIDTHxHEIGHT in pixels, each {_SMALLEST} to {_LARGEST}, such as {SIZE}; not {text!r}."
    )


def make_pictures(
    agents: "Sequence[Agent]", pictures: Pictures, *, seed: int, target_return: float | None
) -> None:
    """Plays an episode of each agent, and makes the video and the strip that are asked for."""
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.experiments.strip import FrameChoice, StripRow, write_strip
    from vitamin.platform.experiments.video import record_episode

    rows = []
    for agent in agents:
        choice = None if pictures.strip is None else FrameChoice(pictures.frames)
        with progress_display("Video" if pictures.video else "Strip") as progress:
            value = record_episode(
                agent,
                pictures.video,
                seed=seed,
                target_return=target_return,
                size=pictures.size,
                frames_per_second=pictures.frames_per_second,
                choice=choice,
                progress=progress,
                report=say,
            )
        if pictures.video is not None:
            print(f"Video of an episode with return {value:.1f}: {pictures.video}")
        if choice is not None:
            rows.append(StripRow(_heading(agent, value), choice.chosen()))
    if pictures.strip is not None:
        write_strip(rows, pictures.strip)
        print(f"Frames of {'an episode' if len(rows) == 1 else f'{len(rows)} episodes'}: {pictures.strip}")


def _heading(agent: "Agent", value: float) -> str:
    from vitamin.algorithms.methods import METHODS

    steps = f"after {agent.env_steps:,} online steps".replace(",", " ") if agent.env_steps else "pretrained"
    return f"{METHODS[agent.spec.method].label} {steps}: return {value:.0f}"
