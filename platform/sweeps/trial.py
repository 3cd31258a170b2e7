"""The function that Ray Tune runs in the process of a trial: `train`, the same as for a single run."""

from pathlib import Path
from typing import Any

from ray import tune

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.errors import Diverged, VitaminError, WorkerFailure
from vitamin.platform.experiments.reporter import Reporter
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.train import train
from vitamin.platform.sweeps.folder import SweepFolder
from vitamin.platform.sweeps.plan import Trial

STATUS, MESSAGE, NOTICE = "vitamin/status", "vitamin/message", "vitamin/notice"


def trial_config(trial: Trial, folder: SweepFolder) -> dict[str, Any]:
    """The argument of `run_trial`, made of plain values."""
    return {
        "name": trial.name,
        "experiment": trial.experiment.model_dump(mode="json"),
        "folder": str(folder.run_folder(trial)),
        "stop_file": str(folder.stop_file),
    }


def run_trial(config: dict[str, Any]) -> dict[str, Any]:
    """Starts or continues a run, and reports each line of its metrics to Tune.

    Returns:
        How it ended: a diverged or failed run is a result too. What another attempt may mend, a dead worker or a
        lost node, is raised instead, so that Tune makes that attempt.
    """
    spec = ExperimentSpec.create(**config["trial"]["experiment"])
    stop_file = Path(config["trial"]["stop_file"])
    if stop_file.exists():
        return {STATUS: "stopped"}
    try:
        info = train(
            spec,
            Path(config["trial"]["folder"]),
            resume=True,
            reporter=_TuneReporter(stop_file),
            stop_asked=stop_file.exists,
            warnings_told=True,
        )
    except WorkerFailure:
        raise
    except VitaminError as error:
        return {STATUS: "diverged" if isinstance(error, Diverged) else "failed", MESSAGE: str(error)}
    return {STATUS: "finished" if info.status == "finished" else "stopped"}


class _TuneReporter(Reporter):
    """Hands what a run says to Tune, which passes it to the driver of the sweep."""

    def __init__(self, stop_file: Path) -> None:
        self._stop_file = stop_file

    def message(self, text: str) -> None:
        if not self._stop_file.exists():  # then the driver has said for all trials that they stop
            tune.report({NOTICE: text})

    def iteration(self, record: dict[str, Any], settings: Hyperparameters) -> None:  # noqa: ARG002
        tune.report(record)
