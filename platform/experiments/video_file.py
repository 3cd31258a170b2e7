"""An mp4 file that is written frame by frame, and holds the frames so far whatever ends the writing."""

import errno
import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from vitamin.errors import RunError
from vitamin.files import put_in_place
from vitamin.platform.environments.rendering import Frame
from vitamin.platform.stopping import cleaned_up

_FRAMES_AHEAD = 16  # that the encoder may lag behind
_KEY_FRAME_SECONDS = 2
# In pieces, each of which can be played as soon as it is written.
_PIECES = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")
# In one, with its index at the start, as players like it best.
_WHOLE = ("-c", "copy", "-movflags", "+faststart")


def check_encoder() -> None:
    """Looks for the packages that videos need.

    Raises:
        RunError: If one is missing.
    """
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped]
        import PIL  # noqa: F401

        imageio_ffmpeg.get_ffmpeg_exe()
    except ImportError as error:
        raise RunError(f"A video needs the package {error.name}: pip install 'vitamin[video]'") from error
    except RuntimeError as error:
        raise RunError(f"A video needs ffmpeg: {error}") from error


@contextmanager
def video_file(file: Path, rate: float, report: Callable[[str], None]) -> Iterator[Callable[[Frame], None]]:
    """A function that adds a frame, (height, width, 3) with even sizes, to a video of ``rate`` frames a second.

    While it is written, it lies beside ``file`` as ``NAME.part.mp4``. It takes the place of ``file`` after the block;
    if an exception or a signal ends the block, only where there was no video before. ``report`` is told in a sentence
    where a video that was cut short lies.

    Raises:
        RunError: If the file cannot be written.
    """
    video = _VideoFile(file, rate, report)
    with cleaned_up(video.cut):
        yield video.add
        video.finish()


class _VideoFile:
    """A video that is being written, by a thread that no KeyboardInterrupt reaches."""

    def __init__(self, file: Path, rate: float, report: Callable[[str], None]) -> None:
        self._file, self._rate, self._report = file, rate, report
        self._part = file.with_name(f"{file.stem}.part.mp4")
        self._path = self._part.absolute()  # ffmpeg takes other names for options or protocols
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self._encoder: Any = None
        self._ending = threading.Lock()
        self._ended = False
        try:
            if file.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            file.parent.mkdir(parents=True, exist_ok=True)
            self._part.open("wb").close()
        except OSError as error:
            raise self._unwritable(error.strerror) from error

    def add(self, frame: Frame) -> None:
        self._waiting.append(self._thread.submit(self._encode, np.ascontiguousarray(frame)))
        if len(self._waiting) > _FRAMES_AHEAD:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Ends a video that is complete."""
        for frame in self._waiting:
            frame.result()
        with self._ending:
            self._close()
            self._settle(self._file)

    def cut(self) -> None:
        """Ends the video wherever it is, unless it was ended before."""
        with self._ending:
            if self._ended:
                return
            self._close()
            if frames := self._frames():
                place = self._part if self._file.exists() else self._file
                self._settle(place)
                self._report(f"The video so far, {frames} frame{'s' * (frames > 1)}, is in {place}.")
            else:
                self._part.unlink(missing_ok=True)
                self._ended = True

    def _encode(self, frame: Frame) -> None:
        import imageio_ffmpeg

        try:
            if self._encoder is None:
                height, width = frame.shape[:2]
                self._encoder = imageio_ffmpeg.write_frames(
                    self._path,
                    (width, height),
                    fps=self._rate,
                    macro_block_size=2,
                    ffmpeg_log_level="error",
                    output_params=[
                        "-preset",
                        "veryfast",
                        "-g",
                        str(round(_KEY_FRAME_SECONDS * self._rate)),
                        *_PIECES,
                    ],
                )
                self._encoder.send(None)
            self._encoder.send(frame)
        # A program that is no ffmpeg lists no encoders, an IndexError there; StopIteration is of one that has ended.
        except (OSError, IndexError, StopIteration) as error:
            raise self._unwritable(self._reason()) from error

    def _close(self) -> None:
        """Has the encoder write what it holds, and waits for it."""
        if self._encoder is not None:
            self._thread.submit(self._encoder.close).result()

    def _settle(self, place: Path) -> None:
        """Puts the video in its place, of one piece if that can be written."""
        from imageio_ffmpeg import get_ffmpeg_exe

        whole = self._path.with_name(f".{self._path.stem}.tmp.mp4")
        command = [get_ffmpeg_exe(), "-y", "-v", "quiet", "-i", self._path, *_WHOLE, whole]
        try:
            # In a session of its own, so that Ctrl-C does not reach it.
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, start_new_session=True)
            put_in_place(whole, self._part)
        except (OSError, subprocess.CalledProcessError):
            whole.unlink(missing_ok=True)
        try:
            put_in_place(self._part, place)
        except OSError as error:
            raise self._unwritable(error.strerror) from error
        self._ended = True
        self._thread.shutdown()

    def _frames(self) -> int:
        """How many frames can be played."""
        import imageio_ffmpeg

        with suppress(OSError, RuntimeError):
            return int(imageio_ffmpeg.count_frames_and_secs(self._path)[0] or 0)
        return 0

    def _reason(self) -> str:
        with suppress(OSError):
            if not shutil.disk_usage(self._part.parent).free:
                return os.strerror(errno.ENOSPC)
        return "the encoder gave up"

    def _unwritable(self, reason: str | None) -> RunError:
        return RunError(f"Cannot write the video {self._file}: {reason}. Choose another file for --video.")
