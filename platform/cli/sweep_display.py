"""Watching a sweep: a live table at a terminal, lines in a log."""

import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vitamin.platform.cli.display import Display
from vitamin.platform.cli.pace import format_seconds
from vitamin.platform.sweeps import SweepProgress, TrialProgress, TrialStatus

_SECONDS_BETWEEN_LINES = 10.0
_STATUSES: tuple[TrialStatus, ...] = ("finished", "running", "waiting", "stopped", "diverged", "failed")


class SweepDisplay(Display):
    """Shows messages only."""

    def __init__(self) -> None:
        super().__init__(Console(stderr=True, highlight=False, soft_wrap=True))
        self.progress: SweepProgress | None = None

    def started(self, progress: SweepProgress) -> None:
        """The sweep starts from this state, which is updated in place from now on."""
        self.progress = progress

    def changed(self, trial: TrialProgress) -> None:
        """A trial made an iteration, or its status changed."""


class LineDisplay(SweepDisplay):
    """A line when a trial's status changes, and one every few seconds for each running trial."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.message(title)
        self._last: dict[str, tuple[str, float]] = {}

    def started(self, progress: SweepProgress) -> None:
        """Prints how many trials there are, and how many are done already."""
        super().started(progress)
        self.message(summary(progress))

    def changed(self, trial: TrialProgress) -> None:
        """Prints the trial, if it is time to."""
        assert self.progress is not None
        status, printed = self._last.get(trial.trial.name, ("", 0.0))
        if trial.status == status and time.monotonic() - printed < _SECONDS_BETWEEN_LINES:
            return
        self._last[trial.trial.name] = trial.status, time.monotonic()
        parts = [trial.trial.name, trial.status, position(trial), score(trial), trial.message or ""]
        if trial.status != status:
            parts.append(f"[{summary(self.progress)}]")
        self.message("  ".join(part for part in parts if part))


class LiveDisplay(SweepDisplay):
    """A table of the running trials that is redrawn in place."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._started: dict[str, float] = {}
        self.live = Live(get_renderable=self.render, console=self.console, refresh_per_second=2)

    def changed(self, trial: TrialProgress) -> None:
        """Leaves a line above the table for each trial that ends."""
        if trial.ended:
            parts = [trial.trial.name, trial.status, score(trial), trial.message or ""]
            self.message("  ".join(part for part in parts if part))

    def render(self) -> RenderableType:
        """The display as it is now."""
        title = Text(self._title, style="bold")
        if self.progress is None or not self.progress.with_status("running"):
            return Group(title, Text("starting" if self.progress is None else summary(self.progress)))
        table = Table("trial", "phase", "position", "last evaluation", header_style="bold")
        for trial in self.progress.with_status("running"):
            table.add_row(trial.trial.name, trial.phase or "starting", position(trial), score(trial))
        return Group(title, table, Text(summary(self.progress)))


def open_display(title: str, *, quiet: bool) -> SweepDisplay:
    """The display that suits where standard error goes."""
    if quiet:
        return SweepDisplay()
    return LiveDisplay(title) if Console(stderr=True).is_terminal else LineDisplay(title)


def summary(progress: SweepProgress) -> str:
    """In one line, "6 trials: 2 finished, 1 running, 3 waiting · 12 min left"."""
    counts = [f"{len(found)} {status}" for status in _STATUSES if (found := progress.with_status(status))]
    seconds = progress.seconds_left()
    left = f" · {format_seconds(seconds)} left" if seconds else ""
    return f"{count(len(progress.trials))}: {', '.join(counts)}{left}"


def count(trials: int) -> str:
    """A number with its noun: "1 trial", "2 trials"."""
    return f"{trials} trial{'' if trials == 1 else 's'}"


def position(trial: TrialProgress) -> str:
    """How far it is in its phase: "1,200/5,000 updates" or "8,000/50,000 steps"; empty before it starts."""
    updates, steps = trial.trial.budget
    if trial.phase is None:
        return ""
    if trial.phase == "pretrain":
        return f"{trial.updates:,}/{updates:,} updates"
    return f"{trial.env_steps:,}/{steps:,} steps"


def score(trial: TrialProgress) -> str:
    """The last evaluation: "score 57.3", or "return -290.1" without reference scores; empty before the first."""
    if trial.normalized_score is not None:
        return f"score {trial.normalized_score:.1f}"
    return "" if trial.episode_return is None else f"return {trial.episode_return:.1f}"
