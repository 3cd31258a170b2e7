"""Frames of episodes side by side, as one small picture."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitamin.errors import RunError
from vitamin.files import replacing
from vitamin.platform.environments.rendering import Frame
from vitamin.platform.experiments.camera import Shot

if TYPE_CHECKING:
    from PIL.Image import Image

_HEIGHT = 120  # of a frame, pixels
_GAP = 4
_HEADING = 22  # height of a row's heading
_FONT_SIZE = 14
_COLORS = 256
_SPARE = 4  # frames kept for each one that will be shown


class FrameChoice:
    """A viewer that keeps few frames of an episode, from which ``count`` (2 or more) at equal distances are chosen."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._planned: set[int] = set()
        self._every = 1
        self._frames: dict[int, Frame] = {}

    def plan(self, limit: int | None) -> None:
        """Has an episode that lasts to its time limit, if there is one, in steps, shown at exact fractions of it."""
        if limit is not None:
            self._planned = {round(step) for step in np.linspace(0, limit, self._count)}

    def wants(self, step: int) -> bool:
        """Whether the frame after this step may be chosen."""
        return step % self._every == 0 or step in self._planned

    def show(self, shot: Shot) -> None:
        """Keeps the frame; of too many, every second one is forgotten."""
        self._frames[shot.step] = shot.frame
        while len(self._frames) > _SPARE * self._count + len(self._planned):
            self._every *= 2
            self._frames = {step: frame for step, frame in self._frames.items() if self.wants(step)}

    def chosen(self) -> list[tuple[int, Frame]]:
        """Steps and frames, from the first to the last one; fewer if the episode was shorter."""
        steps = np.array(sorted(self._frames))
        wanted = np.linspace(0, steps[-1], self._count)  # (count,)
        nearest = np.abs(wanted[:, None] - steps).argmin(axis=1)
        return [(step, self._frames[step]) for step in steps[np.unique(nearest)].tolist()]


@dataclass(frozen=True)
class StripRow:
    """The frames of one episode.

    Attributes:
        heading: What stands above them.
        frames: Steps and pictures.
    """

    heading: str
    frames: Sequence[tuple[int, Frame]]


def _small(frame: Frame) -> "Image":
    from PIL import Image

    image = Image.fromarray(frame)
    return image.resize(
        (max(1, round(image.width * _HEIGHT / image.height)), _HEIGHT), Image.Resampling.LANCZOS
    )


def write_strip(rows: Sequence[StripRow], file: Path) -> None:
    """Writes rows of frames, one below the other, as a picture of the kind that the name of ``file`` ends with.

    Raises:
        RunError: If it cannot be written; a picture that was there is kept.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_FONT_SIZE)
    pictures = [[(step, _small(frame)) for step, frame in row.frames] for row in rows]
    widths = [sum(picture.width + _GAP for _, picture in row) - _GAP for row in pictures]
    strip = Image.new("RGB", (max(widths), len(rows) * (_HEADING + _HEIGHT + _GAP) - _GAP), "white")
    draw = ImageDraw.Draw(strip)
    for number, row in enumerate(rows):
        top, left = number * (_HEADING + _HEIGHT + _GAP), 0
        draw.text((2, top + _HEADING // 2), row.heading, fill="black", font=font, anchor="lm")
        for step, picture in pictures[number]:
            strip.paste(picture, (left, top + _HEADING))
            draw.text(
                (left + 5, top + _HEADING + 3),
                f"step {step}",
                fill="white",
                stroke_width=2,
                stroke_fill="black",
                font=font,
            )
            left += picture.width + _GAP
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Pillow takes the format from the suffix.
        with replacing(file, file.with_name(f".{file.stem}.tmp{file.suffix}")) as new:
            if file.suffix == ".png":
                strip.quantize(_COLORS).save(new, optimize=True)
            else:
                strip.save(new, quality=85, optimize=True)
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise RunError(
            f"Cannot write the picture {file}: {reason}. Choose another file for --strip."
        ) from error
