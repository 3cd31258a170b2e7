"""A page with a picture of every registered environment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from vitamin.errors import RunError, TaskError
from vitamin.platform.environments.make import make_environment
from vitamin.platform.environments.rendering import Frame, choose_mujoco_renderer, drawn, first_frame
from vitamin.platform.tasks.registry_files import registered_tasks, suites
from vitamin.platform.tasks.task import Task

PAGE: Final = "index.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Exhibit:
    """One environment of the gallery.

    Attributes:
        title: Suite and environment.
        tasks: The tasks that are played in it.
        task: One of them, for the environment's facts.
        image: Name of the picture's file; None if it could not be drawn.
        width: Of the picture, in pixels.
        height: Likewise.
        reason: Why there is no picture.
    """

    title: str
    tasks: tuple[str, ...]
    task: Task
    image: str | None
    width: int = 0
    height: int = 0
    reason: str = ""


def render_gallery(folder: Path, progress: Callable[[int, int | None], None]) -> tuple[Exhibit, ...]:
    """Draws every registered environment after a reset with seed 0 and writes the page on them.

    Environments whose packages are missing are listed with the reason in place of a picture.

    Args:
        folder: Where ``index.html`` and the pictures go; made if it does not exist.
        progress: Called with (done, total).

    Raises:
        RunError: If MuJoCo has no renderer, or the folder cannot be written.
    """
    choose_mujoco_renderer()
    environments = list(_environments())
    exhibits = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for done, (title, tasks) in enumerate(environments, start=1):
            exhibits.append(_exhibit(folder, title, tasks))
            progress(done, len(environments))
        (folder / PAGE).write_text(_page(exhibits), encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"Cannot write the gallery to {folder}: {error.strerror}. Choose another folder for --render."
        ) from error
    return tuple(exhibits)


def _environments() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Title and tasks of each environment of the registry."""
    for suite in suites():
        for name, block in suite.environments.items():
            yield f"{suite.suite} {name}", tuple(block.tasks)


def _exhibit(folder: Path, title: str, tasks: tuple[str, ...]) -> Exhibit:
    task = registered_tasks()[tasks[0]]
    try:
        with drawn(make_environment(task, render_mode="rgb_array")) as environment:
            frame = first_frame(environment)
    except (TaskError, RunError) as error:
        return Exhibit(title, tasks, task, image=None, reason=str(error))
    image = f"{title.replace(' ', '-')}.png"
    _write(frame, folder / image)
    height, width, _ = frame.shape
    return Exhibit(title, tasks, task, image, width, height)


def _write(frame: Frame, file: Path) -> None:
    from PIL import Image  # Matplotlib needs it, so it is there

    Image.fromarray(frame).save(file, optimize=True)


def _page(exhibits: list[Exhibit]) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("gallery.html.j2").render(exhibits=exhibits)
