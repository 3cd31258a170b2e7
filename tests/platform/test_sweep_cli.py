"""`vitamin sweep`: the plan, the messages, and what a watcher sees."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import ray
from rich.console import Console
from typer.testing import CliRunner

from vitamin.platform.catalog import get_task
from vitamin.platform.cli import app
from vitamin.platform.cli.sweep_display import LineDisplay, LiveDisplay, SweepDisplay
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.sweeps import Plan, SweepProgress, SweepSpec, make_plan

FIRST, SECOND, THIRD = (f"odt-Pendulum-v1-seed{seed}" for seed in range(3))
SPEC = """
name: mine
tasks: [Pendulum-v1]
methods: [td3_odt, odt]
seeds: 2
preset: tiny
axes: {rl_coefficient: [0.1, 1]}
data: {Pendulum-v1: pendulum.hdf5}
resources: {num_env_runners: 2, num_learners: 1}
"""


def edit(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def defect(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return defect


def replace(file: h5py.File, name: str, values: Any) -> None:
    del file[name]
    file[name] = values


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.yaml"
    file.write_text(SPEC)
    return file


def test_a_dry_run_prints_plan_and_cost_and_leaves_nothing_behind(spec: Path, tmp_path: Path) -> None:
    collect_dataset(get_task("Pendulum-v1"), steps=400, out=tmp_path / "pendulum.hdf5")
    before = sorted(tmp_path.iterdir())
    result = CliRunner().invoke(app, ["sweep", str(spec), "--dry-run"])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "td3_odt-Pendulum-v1-rl_coefficient=0.1-seed1 8 1,200" in lines
    assert "trials 6" in lines
    assert "environment steps 7,200 online, evaluation not counted" in lines
    assert "pretrain updates 48" in lines
    assert "each trial 4 CPU" in lines
    assert "data here" in lines
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("line", "wrong", "message"),
    [
        ("methods: [td3_odt, odt]", "metods: [odt]", "unknown key 'metods'. Did you mean methods"),
        (
            "methods: [td3_odt, odt]",
            "methods: [td3odt]",
            "methods: Unknown method 'td3odt'. Did you mean td3_odt",
        ),
        ("methods: [td3_odt, odt]", "methods: []", "methods is empty, so there are no trials"),
        (
            "tasks: [Pendulum-v1]",
            "tasks: [Pendulm-v1]",
            "tasks: Unknown task 'Pendulm-v1'. Did you mean Pendulum-v1",
        ),
        ("seeds: 2", "seeds: 0", "seeds is empty, so there are no trials"),
        ("seeds: 2", "seeds: 2\nseeds: 3", "seeds is given twice"),
        (
            "axes: {rl_coefficient: [0.1, 1]}",
            "axes: {rl_coefficient: []}",
            "axes.rl_coefficient.values is empty",
        ),
        ("axes: {rl_coefficient: [0.1, 1]}", "axes: {rl_coeficient: [1]}", "Did you mean rl_coefficient"),
        ("axes: {rl_coefficient: [0.1, 1]}", "axes: {tau: [2]}", "axes.tau: Setting tau=2 does not fit"),
        ("preset: tiny", "preset: tny", "preset: Unknown preset 'tny'. Did you mean tiny"),
        ("preset: tiny", "reference_scores: {Pendulum-v1: [0]}", "reference_scores.Pendulum-v1.1 is missing"),
    ],
)
def test_a_wrong_specification_is_one_message(
    spec: Path, tmp_path: Path, line: str, wrong: str, message: str
) -> None:
    assert f"\n{line}\n" in SPEC
    spec.write_text(SPEC.replace(line, wrong))
    for option in ("--dry-run", "--resume"):
        result = CliRunner().invoke(app, ["sweep", str(spec), option, "--out", "out"])
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
        assert message in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        (lambda path: path.unlink(), "There is no file"),
        (lambda path: path.write_text("<html>"), "is not an HDF5 file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "is truncated"),
        (edit(lambda file: file.pop("rewards")), "lacks rewards"),
        (edit(lambda file: replace(file, "rewards", file["rewards"][1:])), "lengths disagree"),
        (edit(lambda file: replace(file, "rewards", file["rewards"][:] * np.inf)), "NaN or infinite"),
        (
            edit(lambda file: replace(file, "observations", file["observations"][:] * np.nan)),
            "NaN or infinite",
        ),
        (edit(lambda file: replace(file, "actions", np.tile(file["actions"], 2))), "actions are 2 wide"),
        (
            edit(lambda file: replace(file, "observations", file["observations"][:, :2])),
            "next_observations are 3 wide, observations 2",
        ),
        (edit(lambda file: replace(file, "timeouts", file["timeouts"][:] * 0)), "no finished episode"),
    ],
)
def test_damaged_data_is_a_note_in_a_dry_run_and_else_an_error_before_anything_starts(
    spec: Path, tmp_path: Path, defect: Callable[[Path], object], message: str
) -> None:
    defect(collect_dataset(get_task("Pendulum-v1"), steps=400, out=tmp_path / "pendulum.hdf5"))
    planned = CliRunner().invoke(app, ["sweep", str(spec), "--dry-run"])
    assert planned.exit_code == 0
    assert message in planned.stdout
    result = CliRunner().invoke(app, ["sweep", str(spec), "--out", "out"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: Pendulum-v1: " in result.stderr
    assert message in result.stderr
    assert not ray.is_initialized()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ("{num_env_runners: 1, max_concurrent: 2}", "at a time 2 on this machine, at most 2 anywhere"),
        ("{num_env_runners: 0, max_concurrent: 1}", "at a time 1 on this machine, at most 1 anywhere"),
        ("{num_env_runners: 0}", "at a time 2 on this machine"),
        ("{num_env_runners: 2}", "at a time 1 on this machine"),
    ],
)
def test_a_dry_run_says_how_many_trials_really_run_at_a_time(
    spec: Path, monkeypatch: pytest.MonkeyPatch, resources: str, expected: str
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    spec.write_text(re.sub("resources: .*", f"resources: {resources}", SPEC))
    result = CliRunner().invoke(app, ["sweep", str(spec), "--dry-run"])
    assert expected in [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_in_a_ray_job_the_folder_has_to_be_absolute(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    result = CliRunner().invoke(app, ["sweep", str(spec), "--out", "results/x"])
    assert result.exit_code == 2
    assert "absolute --out" in " ".join(result.output.split())


@pytest.fixture
def plan() -> Plan:
    settings = {"pretrain_updates": 100, "online_steps": 1000}
    return make_plan(
        SweepSpec(
            name="s",
            tasks=["Pendulum-v1"],
            methods=["odt"],
            seeds=[0, 1, 2],
            preset="tiny",
            overrides=settings,
        )
    )


def run_part_of(progress: SweepProgress, display: SweepDisplay) -> None:
    """One trial finishes, one fails, one has just started."""
    display.started(progress)
    record = {
        "iteration": 1,
        "phase": "pretrain",
        "gradient_updates": 100,
        "env_steps": 0,
        "time/iteration_s": 10.0,
    }
    for name in (FIRST, SECOND):
        progress.trials[name].status = "running"
        display.changed(progress.trials[name])
    progress.record(FIRST, record | {"evaluation/return_mean": -900.0})
    display.changed(progress.trials[FIRST])
    score = {"evaluation/return_mean": -290.0, "evaluation/normalized_score": 87.1}
    progress.record(FIRST, record | {"iteration": 2, "phase": "online", "env_steps": 1000} | score)
    progress.trials[FIRST].status = "finished"
    display.changed(progress.trials[FIRST])
    progress.trials[SECOND].status, progress.trials[SECOND].message = "failed", "the disk is full"
    display.changed(progress.trials[SECOND])
    progress.trials[THIRD].status = "running"
    display.changed(progress.trials[THIRD])


def test_a_log_gets_a_line_for_each_change_of_status(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    with LineDisplay("s → out") as display:
        run_part_of(SweepProgress.of(plan), display)
    assert capsys.readouterr().err.splitlines() == [
        "s → out",
        "3 trials: 3 waiting",
        f"{FIRST}  running  [3 trials: 1 running, 2 waiting]",
        f"{SECOND}  running  [3 trials: 2 running, 1 waiting]",
        f"{FIRST}  finished  1,000/1,000 steps  score 87.1  [3 trials: 1 finished, 1 running, 1 waiting · 40 s left]",
        f"{SECOND}  failed  the disk is full  [3 trials: 1 finished, 1 waiting, 1 failed · 20 s left]",
        f"{THIRD}  running  [3 trials: 1 finished, 1 running, 1 failed · 20 s left]",
    ]


def test_a_terminal_shows_the_running_trials(plan: Plan) -> None:
    display = LiveDisplay("s → out")
    display.console = Console(file=io.StringIO())

    def text() -> str:
        console = Console(file=io.StringIO(), width=120)
        with console.capture() as capture:
            console.print(display.render())
        return capture.get()

    assert "starting" in text()
    progress = SweepProgress.of(plan)
    run_part_of(progress, display)
    assert THIRD in text()
    assert FIRST not in text()
    assert "3 trials: 1 finished, 1 running, 1 failed · 20 s left" in text()
    progress.record(
        THIRD,
        {
            "iteration": 1,
            "phase": "pretrain",
            "gradient_updates": 40,
            "env_steps": 0,
            "time/iteration_s": 4.0,
        },
    )
    assert "pretrain" in text()
    assert "40/100 updates" in text()
