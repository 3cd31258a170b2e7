"""How fast a run goes and how long it still needs, from the records of its iterations."""

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from vitamin.algorithms.hyperparameters import Hyperparameters

_WINDOW = 20

Record = Mapping[str, Any]


class _Sample(NamedTuple):
    phase: str
    updates: int
    env_steps: int
    seconds: float
    evaluation_seconds: float


class Pace:
    """Takes the lines of metrics.jsonl one by one; what cannot be told yet is None, never NaN or infinite.

    Attributes:
        updates_per_second: Actor updates in the last iteration, per second spent updating.
        steps_per_second: Environment steps in the last iteration, per second spent rolling out.
        seconds_left: Estimate for the rest of both phases.
    """

    def __init__(self) -> None:
        self.updates_per_second: float | None = None
        self.steps_per_second: float | None = None
        self.seconds_left: float | None = None
        self._samples: deque[_Sample] = deque(maxlen=_WINDOW)
        self._previous: Record | None = None
        self._evaluation_seconds: float | None = None
        self._seconds_per_evaluation_step: float | None = None

    def update(self, record: Record, settings: Hyperparameters) -> None:
        """Takes the record of the iteration that has just ended."""
        sample = self._sample(record, settings)
        if self._samples and self._samples[-1].phase != sample.phase:
            self._samples.clear()
        self._samples.append(sample)
        self._previous = record
        self.updates_per_second = _rate(sample.updates, record.get("time/update_s"))
        self.steps_per_second = _rate(sample.env_steps, record.get("time/sample_s"))
        if "evaluation/length_mean" in record:
            self._evaluation_seconds = sample.evaluation_seconds
            steps = settings.eval_episodes * record["evaluation/length_mean"]
            self._seconds_per_evaluation_step = sample.evaluation_seconds / steps if steps else None
        if sample.phase == "online":
            self.seconds_left = self._online_left(record, settings)
        else:
            self.seconds_left = self._both_left(record, settings)

    def _sample(self, record: Record, settings: Hyperparameters) -> _Sample:
        """Differences to the record before; the first one after a resume has none and is estimated."""
        updates, env_steps = record["gradient_updates"], record["env_steps"]
        if self._previous is not None:
            updates -= self._previous["gradient_updates"]
            env_steps -= self._previous["env_steps"]
        elif record["iteration"] > 1:
            online = record["phase"] == "online"
            env_steps = _steps_per_iteration(record.get("rollout/length_mean", 0), settings) if online else 0
            updates = settings.pretrain_updates_per_iteration
            if online:
                updates = round(_online_updates(record, settings, env_steps, iterations=1))
        return _Sample(
            record["phase"],
            updates,
            env_steps,
            record["time/iteration_s"],
            record.get("time/evaluate_s", 0.0),
        )

    def _online_left(self, record: Record, settings: Hyperparameters) -> float | None:
        done = sum(sample.env_steps for sample in self._samples)
        seconds = sum(sample.seconds for sample in self._samples)
        return max(0, settings.online_steps - record["env_steps"]) * seconds / done if done else None

    def _both_left(self, record: Record, settings: Hyperparameters) -> float | None:
        """The online phase is taken to update as fast, and to roll out as fast as the last evaluation did."""
        done = sum(sample.updates for sample in self._samples)
        if not done:
            return None
        per_update = sum(sample.seconds - sample.evaluation_seconds for sample in self._samples) / done
        length = record.get("evaluation/length_mean", record["replay/steps"] / record["replay/trajectories"])
        iterations = settings.online_steps / max(1, _steps_per_iteration(length, settings))
        online = _online_updates(record, settings, settings.online_steps, iterations)
        updates = settings.pretrain_updates - record["gradient_updates"] + online
        seconds: float = updates * per_update
        if self._evaluation_seconds is not None:
            seconds += iterations / settings.eval_interval * self._evaluation_seconds
        if self._seconds_per_evaluation_step is not None:
            seconds += settings.online_steps * self._seconds_per_evaluation_step
        return seconds


def _online_updates(record: Record, settings: Hyperparameters, env_steps: float, iterations: float) -> float:
    """Actor updates that go with ``env_steps`` environment steps in ``iterations`` iterations."""
    if not settings.update_to_data_ratio:
        return iterations * settings.updates_per_iteration
    critic_updates = settings.update_to_data_ratio * env_steps
    return critic_updates / settings.actor_update_interval if "loss/critic" in record else critic_updates


def format_seconds(seconds: float) -> str:
    """A duration in words, such as "40 s", "12 min", "3 h 05 min" or "2 d 04 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours:02d} h"


def _steps_per_iteration(length: float, settings: Hyperparameters) -> int:
    return round(max(settings.min_env_steps_per_iteration, settings.envs_per_unit * length))


def _rate(count: int, seconds: float | None) -> float | None:
    return count / seconds if count > 0 and seconds else None
