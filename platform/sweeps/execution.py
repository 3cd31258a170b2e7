"""Running a plan with Ray Tune.

Tune schedules the trials, restarts those whose process died, and carries their metrics. Its own restore is not used:
the run folders are the truth. ``run.json`` says which trials are done, and `train` continues the others from their
checkpoints, bit for bit, whether this process was stopped, killed, or never saw its Ray again. Tune's record of the
experiment, in contrast, is written every now and then, belongs to one specification and one version of Ray, and would
have to agree with the folders after every crash.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import tune

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.errors import DatasetError, EnvironmentFailure, SweepError, TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import dataset_path, load_dataset
from vitamin.platform.environments import probe_environment
from vitamin.platform.paths import check_utf8
from vitamin.platform.ray_session import keep_logs, ray_session, sends_to_logs
from vitamin.platform.stopping import first_signal
from vitamin.platform.sweeps.folder import SweepFolder
from vitamin.platform.sweeps.plan import Plan, Trial
from vitamin.platform.sweeps.progress import SweepProgress, SweepReporter
from vitamin.platform.sweeps.resources import total, trial_resources
from vitamin.platform.sweeps.trial import run_trial, trial_config
from vitamin.platform.sweeps.watching import StopWhenQuiet, Watcher

_QUIET_TUNE = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # a run folder has its own metrics and TensorBoard files
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Tune's would end the trials without a checkpoint
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # the new one prints a banner whatever the verbosity
}


def read_data(plan: Plan) -> Plan:
    """The plan with the settings that are left to the data; reads those of every task before anything starts.

    Raises:
        SweepError: If a file is missing or is no dataset of its task.
    """
    trials = {trial.name: trial for trial in plan.trials}
    for task in plan.spec.tasks:
        try:
            file = dataset_path(get_task(task), plan.spec.data.get(task))
            check_utf8((file,), DatasetError)
            data = load_dataset(file, get_task(task))
        except DatasetError as error:
            raise SweepError(f"{task}: {error}") from error
        trials |= {
            name: _with_data(trial, data) for name, trial in trials.items() if trial.experiment.task == task
        }
    return Plan(plan.spec, tuple(trials.values()))


def _probe(plan: Plan) -> list[str]:
    """Notices about the environments, which are tried out; a sentence each."""
    notices = list[str]()
    for task in plan.spec.tasks:
        try:
            notices += [f"{task}: {notice}" for notice in probe_environment(get_task(task))]
        except (EnvironmentFailure, TaskError) as error:
            raise SweepError(f"{task}: {error}") from error
    return notices


def _with_data(trial: Trial, data: Trajectories) -> Trial:
    return Trial(trial.name, trial.experiment.with_data(lambda: data))


def run_sweep(plan: Plan, out: Path, reporter: SweepReporter, *, resume: bool = False) -> SweepProgress:
    """Runs all trials of the plan that are not done yet, each in its run folder below ``out``.

    A trial that fails does not stop the others. SIGINT and SIGTERM end all running trials after their iteration with a
    checkpoint; a second signal interrupts at once.

    Returns:
        The final states; trials that a signal kept from ending are ``stopped``.

    Raises:
        SweepError: If data is missing or damaged, an environment fails, or the folder cannot be used.
        WorkerFailure: If Ray cannot be reached or has not enough resources for one trial.
    """
    check_utf8((out,), SweepError)
    notices = _probe(plan)
    plan = read_data(plan)
    with SweepFolder(out, plan, resume=resume) as folder:
        for notice in notices:
            reporter.message(notice)
        progress = folder.progress()
        reporter.started(progress)
        for notice in folder.notices:
            reporter.message(notice)
        waiting = progress.with_status("waiting")
        if waiting:
            request = trial_resources(waiting[0].trial)
            at_once = min(plan.spec.resources.max_concurrent or 1, len(waiting))
            with ray_session(total(request, "CPU"), total(request, "GPU"), at_once=at_once):
                _run(folder, progress, reporter, request)
                if any(sends_to_logs(state.message or "") for state in progress.with_status("failed")):
                    reporter.message(keep_logs())
    for trial in progress.with_status("waiting", "running"):
        trial.status = "stopped"
    return progress


def _run(
    folder: SweepFolder, progress: SweepProgress, reporter: SweepReporter, request: tune.PlacementGroupFactory
) -> None:
    spec = folder.plan.spec
    watcher = Watcher(folder, progress, reporter)
    configs = [trial_config(state.trial, folder) for state in progress.with_status("waiting")]
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failed trials are reported in one line each
    with _environment(_QUIET_TUNE), _stop_on_signal(folder.stop_file):
        tuner = tune.Tuner(
            tune.with_resources(run_trial, request),
            param_space={"trial": tune.grid_search(configs)},
            tune_config=tune.TuneConfig(
                max_concurrent_trials=spec.resources.max_concurrent,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name=spec.name,
                storage_path=str(folder.tune_folder),
                failure_config=tune.FailureConfig(max_failures=spec.retries),
                callbacks=[watcher],
                stop=StopWhenQuiet(folder.stop_file, progress),
                verbose=0,
            ),
        )
        tuner.fit()


def _name(trial: Any) -> str:
    return str(trial.config["trial"]["name"])


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _stop_on_signal(stop_file: Path) -> Iterator[None]:
    """The first SIGINT or SIGTERM asks the trials to end, the second one interrupts."""
    try:
        with first_signal(stop_file.touch):
            yield
    finally:
        stop_file.unlink(missing_ok=True)
