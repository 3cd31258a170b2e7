"""No input makes a command end in anything but an answer: exit code 0, 1 or 2, no traceback, nothing left behind."""

import gc
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.cli.command import in_new_process
from tests.cli.wrong_values import commands, lines, mangled, replaced
from tests.platform.agent_runs import make_run
from vitamin.analysis.exports.writing import write_export
from vitamin.analysis.manifest import FileState, Manifest
from vitamin.analysis.results import load_results
from vitamin.errors import VitaminError
from vitamin.platform.catalog import get_task
from vitamin.platform.cli import app
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments.evaluate import Agent
from vitamin.platform.sweeps import SweepFolder, make_plan, read_spec

pytestmark = pytest.mark.slow

SPEC = """name: s
tasks: [Pendulum-v1]
methods: [td3_odt, odt]
seeds: 1
preset: tiny
axes: {tau: [0.1, 0.2]}
data: {Pendulum-v1: data.hdf5}
"""
METRICS = (
    '{"iteration": 1, "phase": "pretrain", "env_steps": 0, "gradient_updates": 4, "time/iteration_s": 0.1}\n'
)
EVALUATIONS = """phase,iteration,env_steps,gradient_updates,episode,return,length,target_return,normalized_score
pretrain,1,0,4,0,-1200.5,200,3600.0,5.0
online,2,200,8,0,-900.5,200,3600.0,25.0
"""
PAGE = "<!-- results: kept search -->\n<!-- end -->\n<!-- results: run scores reps=10 -->\n<!-- end -->\n"
MANGLED = [
    "run/config.yaml",
    "run/run.json",
    "run/metrics.jsonl",
    "run/evaluations.csv",
    "run/manifest.json",
    "run/checkpoints/00000002/state.json",
    "run/checkpoints/00000002/manifest.json",
    "run/checkpoints/00000002/tensors.safetensors",
    "data.hdf5",
    "spec.yaml",
    "sweep/sweep.json",
    "kept-runs.csv",
    "kept-evaluations.csv",
    "page.md",
]
AFTERWARDS = [
    ["evaluate", "run", "--episodes", "1"],
    ["report", "run", "--reps", "10", "--format", "html,md,csv,latex"],
    ["compare", "run", "sweep", "--reps", "10"],
    ["train", "--resume", "--out", "run"],
    ["train", "--config", "run/config.yaml", "--out", "new"],
    ["train", "Pendulum-v1", "--data", "data.hdf5", "--preset", "tiny", "--out", "new"],
    ["data", "inspect", "data.hdf5", "--task", "Pendulum-v1"],
    ["data", "import", "data.hdf5", "--task", "Pendulum-v1"],
    ["data", "export", "run", "--to", "copy.hdf5"],
    ["export", "run", "sweep", "--out", "new/kept"],
    ["report", "kept-runs.csv", "--reps", "10", "--format", "md"],
    ["embed", "page.md"],
    ["sweep", "spec.yaml", "--dry-run"],
    ["sweep", "spec.yaml", "--resume", "--out", "sweep"],
    ["report", "sweep", "--reps", "10"],
]
# Files of values, with the commands that read them.
READERS = {
    "run/config.yaml": ("evaluate", "train --resume", "train --config"),
    "run/run.json": ("evaluate", "report run", "train --resume", "data export"),
    "run/metrics.jsonl": ("report run",),
    "run/evaluations.csv": ("report run",),
    "run/manifest.json": ("report run", "train --resume"),
    "run/checkpoints/00000002/state.json": ("evaluate", "data export"),
    "run/checkpoints/00000002/manifest.json": ("evaluate", "train --resume"),
    "spec.yaml": ("sweep spec.yaml",),
    "sweep/sweep.json": ("sweep spec.yaml --resume", "report sweep"),
}
READ = [
    (file, line)
    for file, beginnings in READERS.items()
    for line in AFTERWARDS
    if " ".join(line).startswith(beginnings)
]
THOROUGH = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)


class Reached(VitaminError):
    """A command has checked everything, and would begin its work."""


@contextmanager
def _no_ray(*_: Any, **__: Any) -> Iterator[None]:
    raise Reached("reached")
    yield


def _reach(*_: Any, **__: Any) -> Any:
    raise Reached("reached")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, a data file, a specification, and its sweep with one trial that is done."""
    folder = tmp_path_factory.mktemp("template")
    data = collect_dataset(get_task("Pendulum-v1"), steps=400, out=folder / "data.hdf5")
    (folder / "spec.yaml").write_text(SPEC.replace("data.hdf5", str(data)))
    plan = make_plan(read_spec(folder / "spec.yaml"))
    with SweepFolder(folder / "sweep", plan, resume=False) as sweep:
        trial = plan.trials[0]
        _finished(sweep.run_folder(trial), **trial.experiment.model_dump())
    _finished(folder / "run", data=str(data))
    write_export(load_results(folder / "run"), folder / "kept")
    (folder / "page.md").write_text(PAGE)
    return folder


def _finished(run: Path, **values: Any) -> None:
    make_run(run, iterations=(2,), **values)
    (run / "metrics.jsonl").write_text(METRICS)
    (run / "evaluations.csv").write_text(EVALUATIONS)
    names = ("config.yaml", "run.json", "metrics.jsonl", "evaluations.csv")
    files = {name: (FileState.of((run / name).read_bytes()),) for name in names}
    (run / "manifest.json").write_text(Manifest(files=files).model_dump_json())


@pytest.fixture(autouse=True)
def _nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands come to the point where they would train, act, draw or download."""
    for place in (
        "vitamin.platform.datasets.collect.act_in",
        "vitamin.platform.datasets.collect.train_sac",
        "vitamin.platform.datasets.fetch.download",
        "vitamin.platform.datasets.fetch_minari",
        "vitamin.platform.environments.gallery.render_gallery",
        "vitamin.platform.figures.single_state_mdp",
        "vitamin.platform.figures.theory",
        "vitamin.platform.cli.watch_server.WatchServer.serve_forever",
    ):
        monkeypatch.setattr(place, _reach)
    for place in ("vitamin.platform.experiments.train", "vitamin.platform.sweeps.execution"):
        monkeypatch.setattr(f"{place}.ray_session", _no_ray)
    monkeypatch.setattr(Agent, "rollout", _reach)
    monkeypatch.setattr("vitamin.analysis.plots.draw", lambda *_, **__: ())
    for name in ("VITAMIN_DATA_DIR", "MINARI_DATASETS_PATH", "XDG_STATE_HOME", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)


def _run(line: list[str], left: Collection[str] = ()) -> None:
    """Runs a command in this process, and checks how it ended and what it left: folders ``left`` at most."""
    before = _paths()
    result = CliRunner().invoke(app, line, prog_name="vitamin")
    said = f"vitamin {' '.join(map(repr, line))}\n{result.output}"
    assert result.exit_code in (0, 1, 2), said
    assert "Traceback" not in result.output, said
    if result.exit_code:
        assert "rror" in result.output or "Usage" in result.output, said
        if not (line[0] == "sweep" and "reached" in result.output):  # the folder of a sweep that has begun
            if _paths() - before:
                del result  # whose traceback holds copies of results
                gc.collect()
            assert {path.split("/")[0] for path in _paths() - before} <= set(left), said


def _paths() -> set[str]:
    return {str(path) for path in Path().rglob("*")} | {
        str(path) for path in Path(tempfile.gettempdir()).rglob("*")
    }


@contextmanager
def _fresh(template: Path, tmp_path: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    shutil.copytree(template, folder, dirs_exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def test_every_command_is_there() -> None:
    paths = {command.path for command in commands()}
    assert {
        ("train",),
        ("evaluate",),
        ("sweep",),
        ("report",),
        ("compare",),
        ("watch",),
        ("export",),
        ("embed",),
        ("data", "collect"),
        ("figure", "theory"),
    } <= paths


@settings(THOROUGH, max_examples=200)
@given(line=lines())
def test_wrong_values_of_any_option(template: Path, tmp_path: Path, line: list[str]) -> None:
    with _fresh(template, tmp_path):
        _run(line)


@settings(THOROUGH, max_examples=80)
@given(data=st.data(), file=st.sampled_from(MANGLED), line=st.sampled_from(AFTERWARDS))
def test_mangled_files(
    template: Path, tmp_path: Path, data: st.DataObject, file: str, line: list[str]
) -> None:
    with _fresh(template, tmp_path) as folder:
        (folder / file).write_bytes(data.draw(mangled((folder / file).read_bytes())))
        _run(line, {"run"})


@settings(THOROUGH, max_examples=200)
@given(data=st.data(), case=st.sampled_from(READ), known=st.booleans())
def test_files_with_another_value(
    template: Path, tmp_path: Path, data: st.DataObject, case: tuple[str, list[str]], known: bool
) -> None:
    """``known``: whether the digests that a run keeps tell of it."""
    file, line = case
    with _fresh(template, tmp_path) as folder:
        (folder / file).write_bytes(data.draw(replaced(file, (folder / file).read_bytes())))
        if not known:
            _forget(folder / file)
        _run(line, {"run"})


def _forget(file: Path) -> None:
    """Lets the digests agree with the file, as if it had been written so."""
    if file.name == "state.json":
        digests = json.loads((file.parent / "manifest.json").read_text())
        digests[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
        (file.parent / "manifest.json").write_text(json.dumps(digests))
    elif file.parent.name == "run" and file.name != "manifest.json":
        (file.parent / "manifest.json").unlink()


@pytest.mark.parametrize(
    "line",
    [
        ["train", "Pendulum-v1", "--set", "num_layers=100000"],
        ["train", "Pendulum-v1", "--seed", "9" * 30],
        ["evaluate", "run", "--target-return", "nan"],
        ["sweep", "missing.yaml"],
        ["train", "Pendulum-v1", "--method", "TD3+ODT"],
    ],
)
def test_the_same_in_a_process_of_its_own(
    template: Path, line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(template)
    before = _paths()
    answer = in_new_process(*line)
    assert answer.code in (1, 2)
    assert "Traceback" not in answer.stderr
    assert _paths() == before
