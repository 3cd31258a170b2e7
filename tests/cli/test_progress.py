import io
from typing import Any

import pytest
from rich.console import Console

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.platform.cli.pace import Pace, format_seconds
from vitamin.platform.cli.progress import LineReporter, LiveReporter, RunReporter, open_reporter

SETTINGS = Hyperparameters(
    pretrain_updates=100,
    pretrain_updates_per_iteration=10,
    updates_per_iteration=20,
    online_steps=1000,
    min_env_steps_per_iteration=50,
    eval_interval=5,
)


def record(iteration: int, phase: str = "pretrain", **values: Any) -> dict[str, Any]:
    usual = {
        "iteration": iteration,
        "phase": phase,
        "env_steps": 0,
        "gradient_updates": 10 * iteration,
        "loss/supervised": 0.25,
        "replay/trajectories": 10.0,
        "replay/steps": 200.0,
        "time/update_s": 1.0,
        "time/iteration_s": 2.0,
    }
    return usual | {name.replace("__", "/"): value for name, value in values.items()}


EVALUATED = {
    "evaluation__return_mean": -200.0,
    "evaluation__return_std": 5.0,
    "evaluation__length_mean": 20.0,
}


def test_estimate_in_pretraining_covers_both_phases() -> None:
    pace = Pace()
    pace.update(record(1), SETTINGS)
    # 90 updates are left, then 20 iterations of 50 steps with 20 updates each; an update takes 0.2 s.
    assert pace.seconds_left == pytest.approx((90 + 20 * 20) * 0.2)
    assert pace.updates_per_second == 10
    assert pace.steps_per_second is None


def test_estimate_in_pretraining_counts_evaluations_and_rollouts() -> None:
    pace = Pace()
    pace.update(record(1, time__evaluate_s=1.0, **EVALUATED), SETTINGS)
    per_step = 1.0 / (SETTINGS.eval_episodes * 20)
    assert pace.seconds_left == pytest.approx((90 + 20 * 20) * 0.1 + 20 / 5 * 1.0 + 1000 * per_step)


def test_estimate_online_goes_by_environment_steps() -> None:
    pace = Pace()
    pace.update(record(10), SETTINGS)
    pace.update(record(11, "online", env_steps=100, gradient_updates=120, time__sample_s=0.5), SETTINGS)
    assert pace.seconds_left == pytest.approx(900 * 2.0 / 100)
    assert pace.steps_per_second == 200
    assert pace.updates_per_second == 20


def test_first_record_after_a_resume_gives_an_estimate_of_its_own_iteration() -> None:
    pace = Pace()
    resumed = record(40, "online", env_steps=500, gradient_updates=700, rollout__length_mean=30.0)
    pace.update(resumed, SETTINGS)
    assert pace.updates_per_second == 20
    assert pace.seconds_left == pytest.approx(500 * 2.0 / 50)


@pytest.mark.parametrize("settings", [{"pretrain_updates": 0}, {"online_steps": 0}])
def test_nothing_is_estimated_from_nothing(settings: dict[str, int]) -> None:
    pace = Pace()
    pace.update(record(1, gradient_updates=0, time__update_s=0.0), SETTINGS.model_copy(update=settings))
    assert (pace.seconds_left, pace.updates_per_second, pace.steps_per_second) == (None, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (3590, "1 h 00 min"),
        (11100, "3 h 05 min"),
        (187_000, "2 d 03 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_lines_come_for_evaluations_and_else_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([99.0, 100.0, 101.0, 102.0, 108.0])
    monkeypatch.setattr("vitamin.platform.cli.progress.time.monotonic", lambda: next(clock))
    with LineReporter("title") as reporter:
        reporter.iteration(record(1), SETTINGS)
        reporter.iteration(record(2), SETTINGS)
        reporter.iteration(record(3, **EVALUATED, evaluation__normalized_score=40.0), SETTINGS)
        reporter.iteration(record(11, "online", env_steps=100, gradient_updates=120), SETTINGS)
        reporter.message("something happened")
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert [line.split("  ")[0] for line in lines] == [
        "title", "iteration 1", "iteration 3", "iteration 11", "something happened"
    ]  # fmt: skip
    assert "pretrain 30/100 updates  score 40.0  return -200.0 ± 5.0  10 updates/s" in lines[2]
    assert "supervised 0.25" in lines[2]
    assert "online 100/1000 steps  score 40.0  return -200.0 ± 5.0" in lines[3]  # of the last evaluation
    assert "nan" not in err


def test_a_long_iteration_says_twice_a_minute_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 120.0, 135.0, 150.0, 170.0, 210.0])
    monkeypatch.setattr("vitamin.platform.cli.progress.time.monotonic", lambda: next(clock))
    with LineReporter("title") as reporter:
        for done in (8, 100, 200, 300, 500):
            reporter.updates(done, 500)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["100/500", "300/500"]


def test_live_display_shows_bars_last_evaluation_and_messages() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, legacy_windows=False)
    with LiveReporter("title", console) as reporter:
        console.print(reporter.render())
        assert "starting Ray" in screen.getvalue()
        reporter.updates(8, 500)
        console.print(reporter.render())
        assert "8/500 actor updates" in screen.getvalue()
        reporter.iteration(record(3, **EVALUATED), SETTINGS)
        reporter.iteration(record(4), SETTINGS)
        reporter.message("something happened")
    shown = screen.getvalue()
    assert "something happened" in shown
    assert "40/100" in shown
    assert "0/1000" in shown
    assert "return -200.0 ± 5.0" in shown.rpartition("title")[2]  # of the iteration before the last


def test_reporter_suits_the_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(open_reporter("title", quiet=False), LineReporter)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(open_reporter("title", quiet=False), LiveReporter)
    with open_reporter("title", quiet=True) as reporter:
        assert type(reporter) is RunReporter
        reporter.iteration(record(1, **EVALUATED), SETTINGS)
        reporter.message("only this")
    assert capsys.readouterr().err == "title\nonly this\n"
