"""The driver's reactions to Tune's calls, in particular while it stops."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle

from vitamin.platform.sweeps import SweepFolder, SweepProgress, SweepSpec, TrialProgress, make_plan
from vitamin.platform.sweeps.trial import NOTICE, STATUS
from vitamin.platform.sweeps.watching import StopWhenQuiet, Watcher

FIRST, SECOND = "odt-Pendulum-v1-seed0", "odt-Pendulum-v1-seed1"


class Recorder:
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.statuses: list[tuple[str, str]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def started(self, progress: SweepProgress) -> None:
        pass

    def changed(self, trial: TrialProgress) -> None:
        self.statuses.append((trial.trial.name, trial.status))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SweepFolder]:
    plan = make_plan(SweepSpec(name="s", tasks=["Pendulum-v1"], methods=["odt"], seeds=[0, 1], preset="tiny"))
    with SweepFolder(tmp_path, plan, resume=False) as opened:
        yield opened


def call(watcher: Watcher, event: str, trial: str, **arguments: Any) -> None:
    getattr(watcher, event)(iteration=0, trials=[], trial=trial, **arguments)


def test_a_sweep_ends_when_it_is_asked_to_and_the_running_trials_have_saved(folder: SweepFolder) -> None:
    progress, reporter = folder.progress(), Recorder()
    watcher, stopper = Watcher(folder, progress, reporter), StopWhenQuiet(folder.stop_file, progress)
    call(watcher, "on_trial_start", FIRST)
    watcher.on_step_end(0, [])
    assert not stopper.stop_all()

    folder.stop_file.touch()
    for _ in range(2):
        watcher.on_step_end(0, [])
    assert len(reporter.messages) == 1
    assert reporter.messages[0].startswith("Stopping")
    assert not stopper.stop_all()
    assert not stopper("id", {})

    # The place of a trial that has ended is taken by the next one before Tune asks the stopper again.
    call(watcher, "on_trial_start", SECOND)
    call(watcher, "on_trial_result", SECOND, result={STATUS: "stopped"})
    call(watcher, "on_trial_result", FIRST, result={STATUS: "stopped"})
    assert stopper.stop_all()
    assert reporter.statuses == [(FIRST, "running"), (FIRST, "stopped")]
    assert [state.status for state in progress.trials.values()] == ["stopped", "stopped"]


def test_notices_of_a_run_reach_the_user_with_its_name(folder: SweepFolder) -> None:
    reporter = Recorder()
    watcher = Watcher(folder, folder.progress(), reporter)
    call(watcher, "on_trial_result", FIRST, result={NOTICE: "Checkpoint 00000004 is damaged."})
    assert reporter.messages == [f"{FIRST}: Checkpoint 00000004 is damaged."]
    assert reporter.statuses == []


def test_tune_can_pickle_the_watcher_whatever_its_reporter_holds(folder: SweepFolder) -> None:
    reporter = Recorder()
    reporter.messages = (text for text in [])  # type: ignore[assignment]  # as open files, not to be pickled
    cloudpickle.loads(cloudpickle.dumps(Watcher(folder, folder.progress(), reporter)))
