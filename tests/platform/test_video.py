"""Videos and strips: their frames, what is left of one that is cut short, and pictures of MuJoCo."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import in_new_process, vitamin
from tests.platform.agent_runs import make_run
from tests.platform.own_environments import Painted
from vitamin.errors import EnvironmentFailure, RunError
from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_environment
from vitamin.platform.environments.rendering import choose_mujoco_renderer, draw_small, drawn, first_frame
from vitamin.platform.experiments.camera import Shot
from vitamin.platform.experiments.evaluate import evaluate_agent, load_agent
from vitamin.platform.experiments.strip import FrameChoice, StripRow, write_strip
from vitamin.platform.experiments.video import record_episode

ffmpeg = pytest.importorskip("imageio_ffmpeg")
PAINTED = "tests.platform.own_environments:Painted-v0"
STOPPED = """
import os, signal
from tests.platform.own_environments import Painted
real, drawn = Painted.render, []
def render(self):
    drawn.append(self)
    if len(drawn) == 8:
        os.kill(os.getpid(), signal.SIGTERM)
    return real(self)
Painted.render = render
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def video(file: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The properties of a video by ffmpeg, and its frames."""
    reader: Iterator[Any] = ffmpeg.read_frames(str(file))
    about = next(reader)
    width, height = about["size"]
    return about, [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]


def failing_at(monkeypatch: pytest.MonkeyPatch, frame: int, error: BaseException) -> None:
    """Has the environment fail as it is drawn for the ``frame``-th time; the first one is a trial."""
    drawn: list[object] = []

    def render(self: Painted) -> Any:
        drawn.append(self)
        if len(drawn) == frame:
            raise error
        return np.zeros((48, 256, 3), np.uint8)

    monkeypatch.setattr(Painted, "render", render)


def test_size_and_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Painted, "render", lambda self: np.full((101, 203, 4), 90, np.uint8))
    make_run(tmp_path / "run", task=PAINTED)
    agent = load_agent(tmp_path / "run")
    told: list[tuple[int, int | None, str]] = []
    value = record_episode(
        agent,
        tmp_path / "video.mp4",
        size=(100, 100),
        frames_per_second=4,
        progress=lambda *how: told.append(how),
    )
    about, frames = video(tmp_path / "video.mp4")
    assert frames[0].shape == (50, 100, 3)
    assert about["fps"] == pytest.approx(10 / 3, abs=0.01)  # every third of ten steps a second
    assert len(frames) == 5  # steps 0, 3, 6, 9, 12
    assert told[0][:2] == (1, 12)
    assert told[-1] == (12, 12, f"5 frames, return {value:.1f}")


@pytest.mark.parametrize(
    ("error", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (ValueError("torn"), EnvironmentFailure)]
)
def test_a_video_that_is_cut_short_can_be_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, raised: type[BaseException]
) -> None:
    make_run(tmp_path / "run", task=PAINTED)
    agent, said = load_agent(tmp_path / "run"), list[str]()
    for place in ("video.mp4", "video.part.mp4"):  # a video that was there before stays
        failing_at(monkeypatch, 8, error)
        with pytest.raises(raised):
            record_episode(agent, Path("video.mp4"), report=said.append)
        assert len(video(Path(place))[1]) == 6
        assert said.pop() == f"The video so far, 6 frames, is in {place}."
    assert sorted(file.name for file in tmp_path.glob("*.mp4")) == ["video.mp4", "video.part.mp4"]
    monkeypatch.undo()
    record_episode(agent, tmp_path / "video.mp4", report=said.append)
    assert len(video(tmp_path / "video.mp4")[1]) == 13
    assert said == []
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run", "video.mp4"]


def test_nothing_is_left_of_a_video_without_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / "run", task=PAINTED)
    failing_at(monkeypatch, 2, ValueError("torn"))
    with pytest.raises(EnvironmentFailure):
        record_episode(load_agent(tmp_path / "run"), tmp_path / "video.mp4", report=pytest.fail)
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_a_signal_leaves_the_video_so_far(tmp_path: Path) -> None:
    make_run(tmp_path / "run", task=PAINTED)
    search = os.pathsep.join(sys.path)
    code, out, err = in_new_process(
        "evaluate", "run", "--video", "-f:1.mp4", program=STOPPED, PYTHONPATH=search
    )
    assert (code, out) == (143, "")
    assert err.splitlines()[-2:] == ["The video so far, 6 frames, is in -f:1.mp4.", "Interrupted."]
    assert len(video(tmp_path / "-f:1.mp4")[1]) == 6


def test_a_video_that_cannot_be_written_says_so_before_the_episode(tmp_path: Path) -> None:
    make_run(tmp_path / "run", task=PAINTED)
    (tmp_path / "folder.mp4").mkdir()
    for file, reason in (
        (tmp_path / "folder.mp4", "it is a folder"),
        (tmp_path / "run" / "run.json" / "video.mp4", "Not a directory|File exists"),
        (tmp_path / f"{'f' * 249}.mp4", "File name too long"),
    ):
        with pytest.raises(RunError, match=rf"Cannot write the video .*({reason})\. Choose another file"):
            record_episode(load_agent(tmp_path / "run"), file)


def test_an_encoder_that_gives_up_ends_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / "run", task=PAINTED)
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "ffmpeg"))
    with pytest.raises(RunError, match=r"Cannot write the video .*video\.mp4: .*\. Choose another file"):
        record_episode(load_agent(tmp_path / "run"), tmp_path / "video.mp4")
    assert list(tmp_path.glob("*.mp4")) == []


def chosen(count: int, length: int, limit: int | None) -> list[int]:
    choice = FrameChoice(count)
    choice.plan(limit)
    for step in range(length + 1):
        if choice.wants(step) or step == length:
            choice.show(Shot(step, 0.0, 0.0, np.zeros((2, 2, 3), np.uint8)))
    return [step for step, _ in choice.chosen()]


@pytest.mark.parametrize(
    ("count", "length", "limit", "steps"),
    [
        (5, 1000, 1000, [0, 250, 500, 750, 1000]),
        (4, 1000, 1000, [0, 333, 667, 1000]),
        (5, 12, 1000, [0, 3, 6, 9, 12]),
        (5, 2, 1000, [0, 1, 2]),
    ],
)
def test_frames_of_a_strip(count: int, length: int, limit: int | None, steps: list[int]) -> None:
    assert chosen(count, length, limit) == steps


@pytest.mark.parametrize("length", [7, 99, 487, 5003])
@pytest.mark.parametrize("limit", [None, 10_000])
def test_frames_of_an_episode_of_any_length_lie_about_evenly(length: int, limit: int | None) -> None:
    steps = chosen(6, length, limit)
    assert (steps[0], steps[-1], len(steps)) == (0, length, 6)
    assert np.abs(np.array(steps) - np.linspace(0, length, 6)).max() <= max(0.5, length / 20)


def test_strips(tmp_path: Path) -> None:
    frames = [(step, np.full((60, 80, 3), 40 * step, np.uint8)) for step in range(3)]
    for name in ("strip.png", "strip.jpg"):
        write_strip([StripRow("first", frames), StripRow("second", frames[:2])], tmp_path / "new" / name)
        picture = Image.open(tmp_path / "new" / name).convert("L")
        assert picture.width == 3 * 160 + 2 * 4
        middle = [picture.getpixel((160 * part + 80, 22 + 100)) for part in range(3)]
        assert middle == pytest.approx([0, 40, 80], abs=4)
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["strip.jpg", "strip.png"]
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(RunError, match=r"Cannot write the picture .*folder\.png: .*\. Choose another file"):
        write_strip([StripRow("first", frames)], tmp_path / "folder.png")
    assert list(tmp_path.glob(".*")) == []


def test_the_pretrained_and_the_newest_checkpoint_below_each_other(tmp_path: Path) -> None:
    make_run(tmp_path / "run", task=PAINTED)  # pretraining takes two iterations
    both = ["--checkpoint", "pretrained", "--checkpoint", "newest"]
    answer = vitamin("evaluate", "run", *both, "--episodes", 1, "--strip", "strip.png", "--strip-frames", 3)
    assert "Frames of 2 episodes: strip.png" in answer.stdout
    assert [line.split(" (")[0] for line in answer.stdout.splitlines() if "iteration" in line] == [
        f"{PAINTED} · TD3+ODT · seed 0, iteration {iteration}" for iteration in (2, 4)
    ]
    with Image.open(tmp_path / "strip.png") as picture:
        assert picture.height == 2 * (22 + 120 + 4) - 4


def test_pretrained_checkpoint(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    assert load_agent(tmp_path / "run", checkpoint="pretrained").iteration == 2
    make_run(tmp_path / "other", iterations=(6, 8))
    message = r"no checkpoint of iteration 2, with which pretraining ends; it has 6, 8\."
    with pytest.raises(RunError, match=message):
        load_agent(tmp_path / "other", checkpoint="pretrained")


@pytest.fixture
def _renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", os.environ.get("MUJOCO_GL", "egl"))
    try:
        choose_mujoco_renderer()
    except RunError as error:
        pytest.skip(str(error))


@pytest.mark.skipif(sys.platform != "linux", reason="the renderer of other systems may need a display")
@pytest.mark.usefixtures("_renderer")
def test_video_of_mujoco(tmp_path: Path) -> None:
    make_run(tmp_path / "run", task="hopper-random-v2")
    agent = load_agent(tmp_path / "run")
    value = record_episode(agent, tmp_path / "video.mp4", size=(96, 64), frames_per_second=60)
    frames = video(tmp_path / "video.mp4")[1]
    assert frames[0].shape == (64, 96, 3)
    assert frames[-1][20:].std() > 20  # not black
    assert value == pytest.approx(evaluate_agent(agent, episodes=1).returns[0])


@pytest.mark.skipif(sys.platform != "linux", reason="the renderer of other systems may need a display")
@pytest.mark.usefixtures("_renderer")
def test_what_a_closed_environment_leaves_blackens_no_other() -> None:
    first, second = (
        make_environment(get_task("hopper-random-v2"), render_mode="rgb_array") for _ in range(2)
    )
    for environment in (first, second):
        draw_small(environment, 64, 64)
    with drawn(first):
        first_frame(first)
    with drawn(second):
        assert first_frame(second).std() > 20
        del first, environment
        gc.collect()
        assert first_frame(second).std() > 20
