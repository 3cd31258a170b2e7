"""How far a sweep is: the state of each trial, and how long the rest will take."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from vitamin.analysis.schema import ONLINE, PRETRAIN, Phase
from vitamin.platform.sweeps.plan import Plan, Trial

TrialStatus = Literal["waiting", "running", "finished", "failed", "diverged", "stopped"]


@dataclass
class TrialProgress:
    """State of one trial.

    Attributes:
        phase: Phase of the last iteration, None before the first.
        updates: Actor updates so far.
        env_steps: Online environment steps so far.
        episode_return: Mean return of the last evaluation.
        normalized_score: Its mean normalized score, if the task has reference scores.
        message: Why it failed or diverged.
        measured: Whether it has made an iteration since it was last started.
    """

    trial: Trial
    status: TrialStatus = "waiting"
    phase: Phase | None = None
    updates: int = 0
    env_steps: int = 0
    episode_return: float | None = None
    normalized_score: float | None = None
    message: str | None = None
    measured: bool = False

    @property
    def ended(self) -> bool:
        """Whether it will not run any more."""
        return self.status not in ("waiting", "running")

    def take(self, record: Mapping[str, Any]) -> None:
        """Moves to the position of a line of metrics.jsonl."""
        self.phase, self.updates, self.env_steps = (
            record["phase"],
            record["gradient_updates"],
            record["env_steps"],
        )
        self.episode_return = record.get("evaluation/return_mean", self.episode_return)
        self.normalized_score = record.get("evaluation/normalized_score", self.normalized_score)

    def remaining(self) -> dict[Phase, int]:
        """Actor updates left of the pretraining phase, and environment steps left of the online phase."""
        updates, steps = self.trial.budget
        left = 0 if self.phase == ONLINE else max(0, updates - self.updates)
        return {PRETRAIN: left, ONLINE: max(0, steps - self.env_steps)}


@dataclass
class _Rate:
    seconds: float = 0.0
    units: int = 0


@dataclass
class SweepProgress:
    """States of all trials, by name, and the speed of each method in each phase."""

    trials: dict[str, TrialProgress]
    _rates: dict[tuple[str, Phase], _Rate] = field(default_factory=lambda: defaultdict(_Rate))

    @classmethod
    def of(cls, plan: Plan) -> "SweepProgress":
        """Before a sweep starts: all trials wait."""
        return cls({trial.name: TrialProgress(trial) for trial in plan.trials})

    def with_status(self, *statuses: TrialStatus) -> list[TrialProgress]:
        """Trials in one of these states."""
        return [trial for trial in self.trials.values() if trial.status in statuses]

    def record(self, name: str, record: Mapping[str, Any]) -> None:
        """Takes a line of metrics.jsonl of the trial called ``name``."""
        trial = self.trials[name]
        phase: Phase = record["phase"]
        # Where a trial that is resumed starts from is not known: its checkpoint may be older than its last line.
        if trial.measured or record["iteration"] == 1:
            before, after = (
                (trial.updates, record["gradient_updates"])
                if phase == PRETRAIN
                else (trial.env_steps, record["env_steps"])
            )
            rate = self._rates[trial.trial.experiment.method, phase]
            rate.seconds += record["time/iteration_s"]
            rate.units += after - before
        trial.take(record)
        trial.measured = True

    def seconds_left(self) -> float | None:
        """Estimated seconds until the last trial ends; None as long as a phase has not been seen at all.

        A method that has not been seen in a phase is taken to be as fast as the others are.
        """
        running, waiting = self.with_status("running"), self.with_status("waiting")
        seconds = [self._seconds(trial) for trial in running + waiting]
        known = [value for value in seconds if value is not None]
        if len(known) < len(seconds):
            return None
        return max([sum(known) / max(1, len(running)), *known[: len(running)]], default=0.0)

    def _seconds(self, trial: TrialProgress) -> float | None:
        total = 0.0
        for phase, units in trial.remaining().items():
            if not units:
                continue
            rate = self._rate(trial.trial.experiment.method, phase)
            if rate is None:
                return None
            total += rate * units
        return total

    def _rate(self, method: str, phase: Phase) -> float | None:
        own = self._rates[method, phase]
        if own.units:
            return own.seconds / own.units
        others = [rate for (_, of_phase), rate in self._rates.items() if of_phase == phase and rate.units]
        return sum(rate.seconds for rate in others) / sum(rate.units for rate in others) if others else None


class SweepReporter(Protocol):
    """Whoever watches a sweep."""

    def message(self, text: str) -> None:
        """Something that the user should know."""

    def started(self, progress: SweepProgress) -> None:
        """The sweep starts from this state, which is updated in place from now on."""

    def changed(self, trial: TrialProgress) -> None:
        """A trial made an iteration, or its status changed."""
