import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import in_new_process, vitamin
from vitamin.errors import RunError
from vitamin.platform.environments import gallery
from vitamin.platform.environments.rendering import choose_mujoco_renderer
from vitamin.platform.tasks import task_names
from vitamin.platform.tasks.registry_files import suites


class Page(HTMLParser):
    """The attributes of all tags of a page, and its text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"

    def images(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == "img"]


@pytest.fixture(autouse=True, scope="module")
def renderer() -> None:
    try:
        choose_mujoco_renderer()
    except RunError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_every_environment_is_drawn_once(tmp_path: Path) -> None:
    from PIL import Image

    pytest.importorskip("pygame")
    folder = tmp_path / "new" / "gallery"
    answer = vitamin("tasks", "--render", folder)
    blocks = [
        (f"{suite.suite} {name}", block) for suite in suites() for name, block in suite.environments.items()
    ]
    assert f"{len(blocks)} of {len(blocks)} environments drawn: {folder / 'index.html'}" in answer.stdout
    page = Page(folder / "index.html")
    images = page.images()
    assert len(images) == len(blocks)
    pictures = {image["src"]: np.asarray(Image.open(folder / str(image["src"]))) for image in images}
    assert len({picture.tobytes() for picture in pictures.values()}) == len(blocks)
    for (title, block), image in zip(blocks, images, strict=True):
        assert title in str(image["alt"])
        assert block.env_id in str(image["alt"])
        height, width, channels = pictures[image["src"]].shape
        assert (str(width), str(height), channels) == (image["width"], image["height"], 3)
        assert pictures[image["src"]].std() > 5  # something is on it
        assert f"{block.env_id}: S {block.observation_size}, A {block.action_size}" in page.text
    lines = page.text.split("\n")
    assert all(lines.count(name) == 1 for name in task_names())
    assert not [attributes for _, attributes in page.tags if "http" in str(attributes)]  # works offline
    assert {file.name for file in folder.iterdir()} == {"index.html", *pictures}


@pytest.mark.parametrize("name", ["umaze", "large"])
def test_mazes_are_seen_whole_with_start_and_goal(name: str) -> None:
    """AntMaze: the goal is a red disc in the upper half of the picture, the start in the lower left."""
    from vitamin.platform.catalog import get_task
    from vitamin.platform.environments import make_environment
    from vitamin.platform.environments.rendering import first_frame

    task = get_task({"umaze": "antmaze-umaze-v2", "large": "antmaze-large-play-v2"}[name])
    frame = first_frame(make_environment(task, render_mode="rgb_array")).astype(int)
    red, green, blue = frame[..., 0], frame[..., 1], frame[..., 2]
    goal_rows = np.nonzero((red > 150) & (green < 110) & (blue < 110))[0]
    assert len(goal_rows) > 50
    assert goal_rows.mean() < frame.shape[0] / 2
    rows, columns = np.nonzero((green > red + 40) & (green > blue + 20))
    assert len(rows) > 5
    assert rows.mean() > frame.shape[0] * 0.6
    assert columns.mean() < frame.shape[1] * 0.4
    border = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    assert (border[:, 0] > border[:, 2] + 30).all()  # the outer walls go all around


def test_a_missing_extra_is_said_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium_robotics", None)
    chosen = [("adroit door", ("door-human-v1",)), ("maze2d umaze", ("maze2d-umaze-v1",))]
    monkeypatch.setattr(gallery, "_environments", lambda: iter(chosen))
    answer = vitamin("tasks", "--render", tmp_path)
    assert re.findall(r"Not drawn: (\w+ \w+)\.", answer.stdout) == ["adroit door"]
    assert "1 of 2 environments drawn" in answer.stdout
    page = Page(tmp_path / "index.html")
    assert "Not drawn. The environment AdroitHandDoor-v1 needs a package that is missing" in page.text
    assert 'pip install "vitamin[robotics]"' in page.text
    assert [image["src"] for image in page.images()] == ["maze2d-umaze.png"]


def test_without_a_renderer_one_message_says_what_is_needed(tmp_path: Path) -> None:
    answer = in_new_process("tasks", "--render", tmp_path / "gallery", MUJOCO_GL="nonsense")
    assert answer.code == 1
    assert answer.stderr.startswith("error: No renderer for MuJoCo: MUJOCO_GL=nonsense does not work here.")
    assert "apt-get install libegl1 libgl1 (MUJOCO_GL=egl) or libosmesa6 (MUJOCO_GL=osmesa)" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "gallery").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "_environments", lambda: iter(()))
    (tmp_path / "file").write_text("")
    answer = vitamin("tasks", "--render", tmp_path / "file", code=1)
    assert "Cannot write the gallery" in answer.stderr


def test_a_task_and_render_exclude_each_other(tmp_path: Path) -> None:
    assert "leave TASK out" in vitamin("tasks", "hopper-medium-v2", "--render", tmp_path, code=2).stderr
