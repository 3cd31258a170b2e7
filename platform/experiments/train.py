"""The loop of a run: train, write down, save, and stop cleanly whatever happens."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vitamin.algorithms.methods import get_method
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.analysis.manifest import damage
from vitamin.analysis.schema import PRETRAIN, DatasetInfo, RunInfo, Status
from vitamin.errors import Diverged, RunError, VitaminError
from vitamin.platform.datasets import (
    dataset_label,
    dataset_path,
    dataset_warnings,
    fingerprint,
)
from vitamin.platform.environments import check_restorable, probe_environment
from vitamin.platform.experiments.build import algorithm_config, reference_scores
from vitamin.platform.experiments.checkpoints import (
    changed_at_rest,
    list_checkpoints,
    newest_checkpoint,
    remove_checkpoints_after,
)
from vitamin.platform.experiments.offline_data import OfflineData
from vitamin.platform.experiments.records import Records
from vitamin.platform.experiments.reporter import Reporter
from vitamin.platform.experiments.run_folder import RunFolder
from vitamin.platform.experiments.same_run import check_same_run, finished_run
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.paths import check_utf8
from vitamin.platform.ray_session import ray_session
from vitamin.platform.stopping import first_signal, signal_name
from vitamin.platform.tasks.extras import require_extra

# Where iterations are slow a checkpoint comes earlier than after checkpoint_interval of them.
_LONGEST_UNSAVED_S = 600.0


class _StopRequest:
    """Made by the first SIGINT or SIGTERM of the training, or by ``asked``; a second signal interrupts at once."""

    def __init__(self, asked: Callable[[], bool], report: Callable[[str], None]) -> None:
        self._asked, self._report = asked, report
        self._signalled = False

    @property
    def requested(self) -> bool:
        """Whether the run is to end after the running iteration."""
        self._signalled = self._signalled or self._asked()
        return self._signalled

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes the first signal inside the block for a request; a second one interrupts at once."""
        with first_signal(self._signal):
            yield

    def _signal(self) -> None:
        self._signalled = True
        self._report("Stopping after this iteration. Again to stop at once.")


def train(
    spec: ExperimentSpec,
    out: Path,
    *,
    resume: bool = False,
    reporter: Reporter | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
    warnings_told: bool = False,
) -> RunInfo:
    """Runs an experiment in the folder ``out``, or continues it there from its newest whole checkpoint.

    SIGINT, SIGTERM, or ``stop_asked`` (for runs outside a main thread, which gets no signals) end it after the running
    iteration with a checkpoint; before the first one signals are the caller's. A start that fails leaves a run that is
    in the folder as it was.

    A finished run goes on if ``spec`` asks for more online steps, to the weights of a run that had them from its start;
    the evaluation at its earlier end, which that run need not have, stays in the results.

    Warnings about data and environment, and notes on the data, are reported unless they are ``warnings_told``, as by a
    sweep.

    Returns:
        The final content of ``run.json``; its status is ``stopped`` if the run was.

    Raises:
        VitaminError: Whatever ended the run; it is written to ``run.json`` first.
    """
    reporter = reporter or Reporter()
    out = out.resolve()
    task = spec.scored_task()
    spec.check_capacity()
    notices = probe_environment(task)
    if get_method(spec.method).groups:
        check_restorable(task)
    require_extra(task)
    data = dataset_path(task, spec.data).resolve()
    check_utf8((data, out), RunError)
    digest = fingerprint(data)
    check_same_run(out, spec, data, digest, resume=resume)
    offline = OfflineData(data, task)
    spec = spec.with_data(lambda: offline.read().trajectories)
    if resume and (done := finished_run(out, spec)):
        reporter.message(f"{out} is finished already.")
        if damaged := damage(changed_at_rest(out)):
            reporter.message(f"{damaged} To make the run again, choose another --out.")
        return done
    stop = _StopRequest(stop_asked, reporter.message)
    with RunFolder(out, spec, resume=resume) as folder:
        dataset = offline.read()  # finds defects before Ray and all processes are started
        warnings, notes = dataset.warnings, dataset.notes
        del dataset  # the learner frees its arrays
        if spec.num_learners:
            offline.forget()  # these read it in their own processes
        for warning in (
            (*notices, *dataset_warnings(data, task, warnings, notes)) if not warnings_told else ()
        ):
            reporter.message(warning)
        cpus = 1 + spec.num_env_runners + spec.num_learners
        gpus = max(1, spec.num_learners) * spec.num_gpus_per_learner
        with ray_session(cpus, gpus), ExitStack() as stack:
            algorithm = algorithm_config(spec, offline).build_algo()
            stack.callback(algorithm.stop)
            algorithm.dispatcher.on_notice, algorithm.dispatcher.told = reporter.message, set(notices)
            if resume:
                _restore(algorithm, folder, reporter)
            info = DatasetInfo(
                path=str(data),
                fingerprint=digest,
                trajectories=algorithm.data["trajectories"],
                steps=algorithm.data["steps"],
                label=dataset_label(data),
                doubts=warnings,
                notes=notes,
            )
            stack.enter_context(stop.listening())  # before, there is nothing to save: a signal ends the start
            folder.start(task, info, reference_scores(task))
            return _Loop(spec, folder, algorithm, reporter, stop).run()


def _restore(algorithm: OfflineToOnline, folder: RunFolder, reporter: Reporter) -> None:
    """Takes up the newest whole checkpoint, if there is one; if none of several is whole, the run begins anew."""
    newest = newest_checkpoint(folder.checkpoints, reporter.message)
    if newest is not None:
        try:
            algorithm.restore_from_path(newest)
        except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(
                f"{newest} does not hold the state of this run ({type(error).__name__}: {error}). "
                "Remove it to go on from the one before it."
            ) from error
        reporter.message(f"Resuming after iteration {algorithm.progress.iteration}.")
    elif folder.has_lost_checkpoints:
        folder.begin_anew()
    else:
        folder.notes.clear()  # an earlier start has left nothing
    for note in folder.notes:
        reporter.message(note)


class _Loop:
    def __init__(
        self,
        spec: ExperimentSpec,
        folder: RunFolder,
        algorithm: OfflineToOnline,
        reporter: Reporter,
        stop: _StopRequest,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.algorithm = algorithm
        self.reporter = reporter
        self.stop = stop
        self.task = spec.scored_task()
        self.start = time.monotonic() - folder.info.wall_time_s
        self.saved = time.monotonic()
        algorithm.on_updates = reporter.updates

    def run(self) -> RunInfo:
        try:
            records = self._records()
            stopping = self.stop.requested
            while not self.algorithm.finished and not stopping:
                stopping = self._iterate(records)
        except Diverged as error:
            self._end("diverged", str(error))
            raise
        except VitaminError as error:
            self._end("failed", str(error))
            raise
        except KeyboardInterrupt:
            saved = list_checkpoints(self.folder.checkpoints)
            again = f"goes on after iteration {int(saved[-1].name)}" if saved else "begins again"
            self._end("stopped", f"{self._stopped()} within an iteration; `--resume` {again}")
            raise
        except BaseException as error:
            self._end("failed", f"{type(error).__name__}: {error}")
            raise
        if self.algorithm.finished:
            self.folder.seal()
            self._end("finished", None)
        else:
            self._end("stopped", f"{self._stopped()}; `--resume` continues it")
            self.reporter.message("Stopped; the state is saved. Continue with --resume.")
        return self.folder.info

    def _records(self) -> Records:
        """The records up to the iteration that the algorithm is at; what came after it is removed."""
        iteration = self.algorithm.progress.iteration
        remove_checkpoints_after(self.folder.checkpoints, iteration)
        records = self.folder.open_at(iteration)
        for loss in records.losses:
            self.reporter.message(loss)
            self.folder.note(loss)
        return records

    def _iterate(self, records: Records) -> bool:
        """Runs an iteration; True if it was saved because the run is to stop."""
        algorithm = self.algorithm
        algorithm.train()
        records.add(algorithm.record, algorithm.evaluation, self.task)
        iteration, pretrained = algorithm.progress.iteration, algorithm.schedule.pretrain_iterations
        due = (
            iteration % self.spec.checkpoint_interval == 0
            or iteration == pretrained
            or time.monotonic() - self.saved > _LONGEST_UNSAVED_S
        )
        stopping = self.stop.requested
        if due or algorithm.finished or stopping:
            self.folder.save(iteration, algorithm.save_to_path, pretrained=pretrained)
            self.saved = time.monotonic()
            self.folder.set_status("running", None, time.monotonic() - self.start)
        self.reporter.iteration(algorithm.record, algorithm.hyperparameters)
        return stopping

    def _stopped(self) -> str:
        """By what the run was stopped, and how far it has come."""
        progress, settings = self.algorithm.progress, self.algorithm.hyperparameters
        done, total, what = (
            (progress.gradient_updates, settings.pretrain_updates, "pretraining updates")
            if self.algorithm.phase == PRETRAIN
            else (progress.env_steps, settings.online_steps, "online steps")
        )
        by = f" by {name}" if (name := signal_name()) else ""
        position = f"{done:,} of {total:,}".replace(",", " ")
        return f"stopped{by} at {position} {what}"

    def _end(self, status: Status, message: str | None) -> None:
        try:
            self.folder.set_status(status, message, time.monotonic() - self.start)
        except VitaminError as error:  # a full disk must not hide the reason of the end
            self.reporter.message(str(error))
