"""Callbacks with which the driver of a sweep follows Tune."""

# ruff: noqa: ARG002 (Tune decides on the arguments)

from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayActorError

from vitamin.errors import RunError
from vitamin.platform.sweeps.folder import SweepFolder
from vitamin.platform.sweeps.progress import SweepProgress, SweepReporter, TrialProgress
from vitamin.platform.sweeps.trial import MESSAGE, NOTICE, STATUS


class StopWhenQuiet(tune.Stopper):
    """Ends the experiment when it is asked to stop and the trials that were running have saved their state."""

    def __init__(self, stop_file: Path, progress: SweepProgress) -> None:
        self._stop_file, self._progress = stop_file, progress

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Trials end themselves."""
        return False

    def stop_all(self) -> bool:
        """Whether Tune shall start nothing more."""
        return self._stop_file.exists() and not self._progress.with_status("running")


class Watcher(tune.Callback):
    """Keeps the states of the trials up to date and passes on what changed."""

    def __init__(self, folder: SweepFolder, progress: SweepProgress, reporter: SweepReporter) -> None:
        self._folder, self._progress, self._reporter = folder, progress, reporter
        self._told_to_stop = False

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its callbacks for a restore, which is not used."""
        return {}

    def _state(self, trial: Any) -> TrialProgress:
        return self._progress.trials[str(trial)]

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial's process has been started; if the sweep is to stop, it ends itself before it does anything."""
        if self._folder.stop_file.exists():
            return
        state = self._state(trial)
        state.status, state.measured = "running", False
        self._reporter.changed(state)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """The trial reported a line of metrics, a notice, or its end."""
        state = self._state(trial)
        if NOTICE in result:
            self._reporter.message(f"{trial}: {result[NOTICE]}")
            return
        never_ran = state.status == "waiting"  # its process came up when the sweep was stopping already
        if STATUS in result:
            state.status, state.message = result[STATUS], result.get(MESSAGE)
        else:
            self._progress.record(str(trial), result)
        if not never_ran:
            self._reporter.changed(state)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial failed and will be started again."""
        state = self._state(trial)
        state.status = "waiting"
        self._reporter.message(f"{trial}: {self._reason(trial)} It will be started again.")
        self._reporter.changed(state)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial failed for good."""
        state = self._state(trial)
        state.status, state.message = "failed", self._reason(trial)
        self._reporter.changed(state)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Several times a second."""
        if self._folder.stop_file.exists() and not self._told_to_stop:
            self._told_to_stop = True
            self._reporter.message(
                "Stopping: running trials finish their iteration and save their state. Interrupt again to stop at once."
            )

    def _reason(self, trial: Any) -> str:
        """One line on why a trial's process failed, from its run folder if it got so far as to write it there."""
        error = _error(trial)
        if isinstance(error, RayActorError):
            return "Its process died: it was killed, or memory or its node was lost."
        try:
            info = self._folder.run_info(self._state(trial).trial)
        except RunError as damaged:
            return str(damaged)
        if info is not None and info.status == "failed" and info.message:
            return info.message
        cause = getattr(error, "cause", error)
        return f"{type(cause).__name__}: {cause}".splitlines()[0]


def _error(trial: Any) -> Any:
    file = trial.pickled_error_file
    return cloudpickle.loads(Path(file).read_bytes()) if file else None
