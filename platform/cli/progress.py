"""Watching a run: a live display at a terminal, lines in a log."""

import time
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.text import Text

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.platform.cli.display import Display
from vitamin.platform.cli.pace import Pace, Record, format_seconds
from vitamin.platform.experiments.reporter import Reporter

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_UPDATES = 30.0
_LOSSES = ("loss/supervised", "loss/rl", "loss/critic", "q/mean", "policy/entropy")


class RunReporter(Display, Reporter):
    """Shows messages only."""


class LineReporter(RunReporter):
    """A line for every evaluation, and for other iterations one every few seconds, with the last evaluation."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.message(title)
        self._pace = Pace()
        self._evaluation: Record = {}
        self._last_line = time.monotonic()

    def updates(self, done: int, total: int) -> None:
        """Prints how far a long iteration has come, twice a minute."""
        now = time.monotonic()
        if done < total and now - self._last_line >= _SECONDS_BETWEEN_UPDATES:
            self._last_line = now
            self.message(_updating(done, total))

    def iteration(self, record: dict[str, Any], settings: Hyperparameters) -> None:
        """Prints the iteration, if it is time to."""
        self._pace.update(record, settings)
        now = time.monotonic()
        evaluated = "evaluation/return_mean" in record
        if evaluated:
            self._evaluation = record
        if evaluated or record["iteration"] == 1 or now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            parts = [
                f"iteration {record['iteration']}",
                _position(record, settings),
                *evaluation_parts(self._evaluation),
                *pace_parts(self._pace),
                *loss_parts(record),
            ]
            self.message("  ".join(parts))


class LiveReporter(RunReporter):
    """A display that is redrawn in place."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        super().__init__(console)
        self._title = title
        self._pace = Pace()
        self._updated = time.monotonic()
        self._record: Record | None = None
        self._evaluation: Record = {}
        self._updating = ""
        self._bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            console=self.console,
        )
        self._pretrain = self._bars.add_task("pretrain", total=None, unit="updates")
        self._online = self._bars.add_task("online", total=None, unit="environment steps")
        self._spinner = Spinner("dots", "starting Ray, loading data")
        self.live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4)

    def updates(self, done: int, total: int) -> None:
        """Shows how far the iteration has come."""
        self._updating = _updating(done, total) if done < total else ""
        if self._record is None and self._updating:
            self._spinner.update(text=self._updating)

    def iteration(self, record: dict[str, Any], settings: Hyperparameters) -> None:
        """Updates the display."""
        self._pace.update(record, settings)
        self._updated = time.monotonic()
        if "evaluation/return_mean" in record:
            self._evaluation = record
        done = min(record["gradient_updates"], settings.pretrain_updates)
        self._bars.update(self._pretrain, completed=done, total=settings.pretrain_updates)
        self._bars.update(self._online, completed=record["env_steps"], total=settings.online_steps)
        self._record = record

    def render(self) -> RenderableType:
        """The display as it is now."""
        title = Text(self._title, style="bold")
        if self._record is None:
            return Group(title, self._spinner)
        parts = [
            *evaluation_parts(self._evaluation),
            *pace_parts(self._pace, time.monotonic() - self._updated),
            *([self._updating] if self._updating else []),
        ]
        lines: list[RenderableType] = [
            title,
            self._bars,
            Text("  ".join(parts)),
            Text("  ".join(loss_parts(self._record)), style="dim"),
        ]
        return Group(*lines)


def open_reporter(title: str, *, quiet: bool) -> RunReporter:
    """The reporter that suits where standard error goes."""
    if quiet:
        return RunReporter()
    return LiveReporter(title) if Console(stderr=True).is_terminal else LineReporter(title)


def evaluation_parts(record: Record) -> list[str]:
    """Score and return of an evaluation, if the record has one."""
    if "evaluation/return_mean" not in record:
        return []
    parts = [f"return {record['evaluation/return_mean']:.1f} ± {record['evaluation/return_std']:.1f}"]
    if "evaluation/normalized_score" in record:
        parts.insert(0, f"score {record['evaluation/normalized_score']:.1f}")
    return parts


def pace_parts(pace: Pace, elapsed: float = 0.0) -> list[str]:
    """Speeds and time left, as far as they are known; they were measured ``elapsed`` seconds ago."""
    parts = []
    if pace.updates_per_second is not None:
        parts.append(f"{_rounded(pace.updates_per_second)} updates/s")
    if pace.steps_per_second is not None:
        parts.append(f"{_rounded(pace.steps_per_second)} steps/s")
    if pace.seconds_left:
        parts.append(f"{format_seconds(max(0.0, pace.seconds_left - elapsed))} left")
    return parts


def loss_parts(record: Record) -> list[str]:
    """The losses that the method has."""
    return [f"{name.removeprefix('loss/')} {record[name]:.4g}" for name in _LOSSES if name in record]


def _updating(done: int, total: int) -> str:
    return f"{done}/{total} actor updates of this iteration"


def _position(record: Record, settings: Hyperparameters) -> str:
    if record["phase"] == "online":
        return f"online {record['env_steps']}/{settings.online_steps} steps"
    return f"pretrain {record['gradient_updates']}/{settings.pretrain_updates} updates"


def _rounded(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
