"""Results as data: what is exported, that it is read as the run folders are, and what is said of damaged files."""

import csv
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from tests.analysis.run_folders import run_info, write_run, write_seeds, write_sweep
from vitamin.analysis.exports.layout import (
    flatten,
    from_cell,
    numbers_from_cell,
    numbers_to_cell,
    to_cell,
    unflatten,
)
from vitamin.analysis.exports.writing import write_export
from vitamin.analysis.manifest import FileState, Manifest
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.markdown import render_markdown
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.report.sections import make_page
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATIONS_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    RUN_FILE,
    DatasetInfo,
    MachineInfo,
)
from vitamin.errors import ReportError
from vitamin.platform.cli import app

DATA = DatasetInfo(
    path="/home/someone/data/hopper.hdf5",
    fingerprint="sha256:0123456789abcdef",
    trajectories=10,
    steps=100,
    label="stand-in: random policy",
    doubts=("/home/someone/data/hopper.hdf5 is short.",),
)
MACHINE = MachineInfo(cpu_capability="AVX2", learner_threads=1, rollout_threads=2)
SETTINGS = {"learning_rate": 1e-5, "x": None, "name": "1e5"}
METRICS = (
    '{"iteration": 9, "phase": "online", "env_steps": 2007, "gradient_updates": 1234, "time/update_s": 1.5}\n'
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Methods on two tasks, one of them swept; runs on the way and diverged, a trial that waits. No test changes it."""
    folder = tmp_path_factory.mktemp("study") / "results"
    for task, reference in (("hopper-medium-v2", True), ("my_package:Mine-v0", False)):
        info: dict[str, Any] = {"task": task} if reference else {"task": task, "reference_scores": None}
        write_seeds(folder, [72, 71.3, 1 / 3 + 70], **info, dataset=DATA)
        write_seeds(folder, [10, 12, 14], method="odt", **info, dataset=DATA)
    for tau in (0.005, 0.02):
        run = folder / "sweep" / f"swept-{tau}"
        given = {"seed": 7, "method": "td3", "overrides": {"tau": tau}}
        write_run(run, {0: 1.5, 1000: 2, 2000: 4}, successes=[0, 1], **given)
        (run / CONFIG_FILE).write_text(
            yaml.safe_dump({"data": DATA.path, "hyperparameters": {"tau": tau, **SETTINGS}})
        )
        (run / METRICS_FILE).write_text(METRICS)
    write_sweep(folder / "sweep", "swept-0.005", "waits")
    write_run(folder / "now", [5], seed=8, status="running", machine=MACHINE)
    write_run(
        folder / "failed", [5, 6], seed=9, status="failed", message="Cannot read /home/someone/x.h5: gone."
    )
    write_run(folder / "diverged", [5, 6], seed=10, status="diverged", notes=['one, "two"\nthree'])
    write_run(folder / "none", [], seed=11, status="running")
    exported(folder, folder.parent / "docs" / "kept")
    return folder


@pytest.fixture
def kept(study: Path, tmp_path: Path) -> Path:
    """A copy of the export."""
    shutil.copytree(study.parent / "docs", tmp_path / "docs")
    return tmp_path / "docs" / "kept-runs.csv"


def exported(results: Path, out: Path) -> Path:
    made = write_export(load_results(results), out)
    assert made.files == (out.with_name(f"{out.name}-runs.csv"), evaluations_of(made.files[0]))
    return made.files[0]


def evaluations_of(file: Path) -> Path:
    return file.with_name(file.name.replace("-runs", "-evaluations"))


def vitamin(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    return result.exit_code, result.stdout, result.stderr


def test_a_report_on_an_export_is_that_on_the_folders(study: Path, kept: Path) -> None:
    pages, frames = [], []
    for source in (study, kept):
        data = ReportData(load_results(source), ReportOptions(reps=50, against=str(kept)))
        text = render_markdown(make_page(data), {})
        pages.append(text[text.index("\n") :].partition("## Time and cost")[0])
        runs = data.runs.drop(columns=["folder", "host", "message"])
        shown = data.scores.frame, data.aggregates.frame, data.curves, data.comparisons.frame
        frames.append([frame.to_csv() for frame in (runs, *shown)])
    assert text.startswith("# Results in kept\n")
    assert frames[0] == frames[1]
    assert pages[0] == pages[1]
    assert "## Beside other results" in pages[0]


def test_frames_and_settings_are_those_of_the_folders(study: Path, kept: Path) -> None:
    ours, theirs = load_results(study), load_results(kept)
    pd.testing.assert_frame_equal(ours.evaluations, theirs.evaluations)
    pd.testing.assert_frame_equal(ours.episodes(), theirs.episodes())
    pd.testing.assert_frame_equal(ours.timing(), theirs.timing())
    hidden = ["folder", "host", "message"]
    pd.testing.assert_frame_equal(ours.runs.drop(columns=hidden), theirs.runs.drop(columns=hidden))
    assert theirs.missing == ours.missing == ("sweep/waits",)
    run = "sweep/swept-0.005"
    assert {**(ours.settings(run) or {}), "data": "hopper.hdf5"} == theirs.settings(run)
    assert theirs.settings("now") is None
    assert theirs.infos["diverged"].notes == ['one, "two"\nthree']
    assert theirs.infos["now"].machine == MACHINE
    assert theirs.metrics(["sweep/swept-0.02"])["gradient_updates"].tolist() == [1234]


def test_the_files_are_small_and_name_no_place(study: Path, kept: Path) -> None:
    other = evaluations_of(kept)
    text = kept.read_text("utf-8") + other.read_text("utf-8")
    assert "someone" not in text
    assert str(study) not in text
    assert not {"here", '"here"'} & {*text.split(",")}
    assert "hopper.hdf5 is short." in text
    assert "Cannot read x.h5: gone." in text
    rows = list(csv.DictReader(other.open(encoding="utf-8")))
    (row,) = (row for row in rows if row["run"] == "sweep/swept-0.02" and row["env_steps"] == "2000")
    assert (row["return"], row["length"], row["normalized_score"], row["success"]) == (
        "-10 90",
        "50",
        "",
        "0 1",
    )
    assert len(other.read_bytes()) < 100 * len(rows)


def test_an_export_of_an_export_is_the_same(kept: Path, tmp_path: Path) -> None:
    again = exported(kept, tmp_path / "again")
    assert again.read_bytes() == kept.read_bytes()
    assert evaluations_of(again).read_bytes() == evaluations_of(kept).read_bytes()


def test_exports_in_a_folder_have_their_names_before_the_keys(study: Path, kept: Path) -> None:
    more = exported(study / "sweep", kept.parent / "more")
    found = load_results(kept.parent)
    assert {run.split("/")[0] for run in found.infos} == {"kept"}
    again = "holds 2 runs that were read from another place too; they count once, more/swept-0.005 …."
    assert found.warnings == (f"{more} {again}",)
    assert set(found.runs["folder"]) == {str(kept)}
    assert load_results(more, kept).runs["run"].iloc[0] == "more/swept-0.005"


@pytest.mark.parametrize("order", [1, -1])
def test_runs_beside_their_export_count_once_from_their_folders(study: Path, kept: Path, order: int) -> None:
    both = load_results(*[study, kept][::order])
    assert {run.split("/")[0] for run in both.infos} == {"results"}
    assert both.missing == ("results/sweep/waits",)
    assert len(both.warnings) == 1


def test_of_two_exports_of_a_sweep_that_went_on_the_later_counts(tmp_path: Path) -> None:
    write_run(tmp_path / "before" / "one", [1], status="running")
    write_sweep(tmp_path / "before", "one", "two")
    exported(tmp_path / "before", tmp_path / "kept" / "a")
    finished = run_info().updated + timedelta(hours=1)
    write_run(tmp_path / "after" / "one", [1, 2], updated=finished)
    write_run(tmp_path / "after" / "two", [1, 2], seed=1, updated=finished)
    exported(tmp_path / "after", tmp_path / "kept" / "b")
    found = load_results(tmp_path / "kept")
    assert set(found.runs["run"]) == {"b/one", "b/two"}
    assert set(found.runs["status"]) == {"finished"}
    assert found.missing == ()


def test_what_a_spreadsheet_or_editor_adds_is_no_damage(kept: Path) -> None:
    expected = load_results(kept).runs
    for file in (kept, evaluations_of(kept)):
        text = file.read_text("utf-8").replace("\n", "\r\n")
        file.write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    pd.testing.assert_frame_equal(load_results(kept).runs, expected)


def test_an_evaluation_of_many_episodes_is_read_again(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1 / 3], episodes=10_000)
    kept = exported(tmp_path / "run", tmp_path / "kept")
    assert len(load_results(kept).episodes()) == 10_000


@pytest.mark.parametrize("out", [".", "..", "/"])
def test_an_export_needs_a_name(kept: Path, out: str) -> None:
    with pytest.raises(ReportError, match="does not name the export"):
        write_export(load_results(kept), Path(out))


def test_the_export_that_was_meant_is_named(kept: Path) -> None:
    for given in (kept.with_name("kept"), evaluations_of(kept)):
        with pytest.raises(ReportError, match=r"is not a directory.*, or the export .*kept-runs\.csv\."):
            load_results(given)


def test_what_never_counts_does_not_count_from_an_export(study: Path, tmp_path: Path) -> None:
    results = tmp_path / "sweep"
    shutil.copytree(study / "sweep", results)
    run = results / "swept-0.02"
    states = {name: (FileState.of((run / name).read_bytes()),) for name in (RUN_FILE, EVALUATIONS_FILE)}
    (run / MANIFEST_FILE).write_text(Manifest(files=states).model_dump_json())
    run_info(seed=3, name="swept", task="other-task").write(run)
    torn = results / "swept-0.005" / EVALUATIONS_FILE
    torn.write_text("".join(torn.read_text().splitlines(keepends=True)[:-1]))
    made = write_export(load_results(results), tmp_path / "kept")
    assert any("run.json changed since the run wrote it" in note for note in made.notes)
    ours, theirs = load_results(results), load_results(made.files[0])
    assert theirs.altered == ours.altered == {"swept-0.02"}
    assert theirs.shortened == ours.shortened == {"swept-0.005"}
    assert "the last evaluation, iteration 3, is left out" in theirs.infos["swept-0.005"].notes[0]
    pd.testing.assert_frame_equal(ours.evaluations, theirs.evaluations)


def test_an_export_in_a_store(kept: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(kept.parent), "/bucket/docs", recursive=True)
    try:
        for source, prefix in (("memory://bucket/docs", "kept/"), ("memory://bucket/docs/kept-runs.csv", "")):
            found = load_results(source)
            assert f"{prefix}sweep/swept-0.02" in found.infos
            assert set(found.runs["folder"]) == {"memory://bucket/docs/kept-runs.csv"}
    finally:
        memory.rm("/bucket", recursive=True)
    assert load_results(kept.as_uri()).sources == (kept.as_uri(),)


def changed(*texts: str) -> Callable[[str], str]:
    """The first of the texts in place of the second."""

    def change(text: str) -> str:
        assert texts[0] in text
        return text.replace(*texts, 1)

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("runs", lambda text: "", r"line 1: there is no column run, status"),
        ("runs", changed("seed,", "sead,"), r"line 2: seed: Field required"),
        ("runs", changed("name,", "run,"), r"line 1: a column is there twice"),
        ("runs", changed("\nnow,1,", "\n../now,1,"), r"line \d+: '../now' is not the key of a run"),
        ("runs", changed("\nnow,1,", "\n/now,1,"), r"line \d+: '/now' is not the key of a run"),
        ("runs", changed("\nnow,1,", "\nfailed,1,"), r"line \d+: failed is there twice"),
        ("runs", changed("\nnow,1,", "\nfailed/now,1,"), r"the run failed/now lies in another run"),
        (
            "runs",
            changed("\nnow,1,", "\nnow,2,"),
            r"has schema version 2; this Vitamin reads version 1. Upgrade",
        ),
        ("runs", changed("\nnow,1,", "\nnow,x,"), r"line \d+: schema_version is no version"),
        ("runs", lambda text: text[: len(text) // 2], r"is damaged: "),
        ("evaluations", lambda text: "", r"line 1: there is no column run, phase"),
        ("evaluations", changed("-10 90,", "-10 9o,"), r"line \d+: '9o' is no number"),
        ("evaluations", changed("-10 90,", "-10 90 90,"), r"line \d+: has 3 values for 2 episodes"),
        (
            "evaluations",
            changed(",3.6,2,", ",3.6,2000000000,"),
            r"line \d+: 2000000000 is no number of episodes",
        ),
        ("evaluations", changed("-10 90,50,", "-10 90,50.5,"), r"line \d+: '50.5' is no whole number"),
        ("evaluations", changed("-10 90,50,", f"-10 90,{10**30},"), r"line \d+: '10+' is no whole number"),
        ("evaluations", changed("-10 90,", ","), r"line \d+: an episode has no return"),
        ("evaluations", changed("online", "0nline"), r"line \d+: '0nline' is no phase"),
        ("evaluations", changed("\nfailed,", "\nother,"), r"line \d+: 'other' is none of the runs"),
        (
            "evaluations",
            lambda text: text[: text.rindex("\n", 0, -1) + 1],
            r"had 3 evaluations, and here are 2",
        ),
        ("evaluations", lambda text: "\udcff" + text, r"is damaged: it is no table"),
    ],
)
def test_a_damaged_file_is_one_message(
    kept: Path, name: str, change: Callable[[str], str], message: str
) -> None:
    damaged = kept.with_name(f"kept-{name}.csv")
    damaged.write_text(change(damaged.read_text("utf-8")), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ReportError, match=message) as error:
        load_results(kept)
    assert str(kept.parent) in str(error.value)
    assert "vitamin-" not in str(error.value)


def test_a_damaged_export_is_named_beside_others(kept: Path) -> None:
    evaluations_of(kept).write_text("")
    with pytest.raises(ReportError, match=r"kept-evaluations.csv is damaged"):
        load_results(kept.parent)
    write_run(kept.parent / "beside", [1, 2])
    found = load_results(kept.parent)
    assert [*found.infos] == ["beside"]
    assert found.warnings[0].startswith(f"{evaluations_of(kept)} is damaged: line 1: there is no column")


def test_a_file_that_is_missing_is_named(kept: Path) -> None:
    evaluations_of(kept).unlink()
    with pytest.raises(
        ReportError, match=r"kept-evaluations.csv is not there. An export has two files: kept-ru"
    ):
        load_results(kept)
    with pytest.raises(ReportError, match=r"none-runs.csv is not there"):
        load_results(kept.with_name("none-runs.csv"))
    with pytest.raises(
        ReportError, match=r"x.csv is not a directory. .*-runs.csv that `vitamin export` wrote"
    ):
        load_results(kept.with_name("x.csv"))


VALUES = (
    *("", " x", "null", "1e5", "NaN", "a,b", 'say "x"', "two\nlines", "[", "\udcff"),
    *(1, 1.0, 1e-05, True, None, [1, "a"], {}),
)


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_a_cell_holds_any_value(value: object) -> None:
    cell = to_cell(value)
    assert (from_cell(cell), type(from_cell(cell))) == (value, type(value))
    assert cell.isprintable()
    assert unflatten(flatten({"a": {"b": value, "c": 0}})) == {"a": {"b": value, "c": 0}}


NUMBERS = (
    [1.5, -2.0, 1 / 3],
    [1000, 1000],
    [float("nan")] * 2,
    [1.0, float("nan")],
    [1e300, 2**60, 0.1 + 0.2],
)


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_numbers_of_episodes_are_kept_to_the_last_bit(numbers: list[float]) -> None:
    texts = numbers_from_cell(numbers_to_cell(numbers), len(numbers))
    assert [float(text or "nan") for text in texts] == pytest.approx(numbers, abs=0, rel=0, nan_ok=True)


def test_the_commands(study: Path, kept: Path, tmp_path: Path) -> None:
    code, printed, _ = vitamin("export", study / "sweep", "--out", tmp_path / "new" / "sweep.csv")
    file = tmp_path / "new" / "sweep-runs.csv"
    assert code == 0
    assert printed.startswith("2 runs, 6 evaluations, ")
    assert printed.endswith(f" kB: {file}, {evaluations_of(file)}\n")
    code, printed, _ = vitamin("report", file, "--format", "csv", "--reps", 50, "--out", tmp_path / "out")
    assert code == 0
    assert printed.startswith("2 runs: 2 finished; 2 count. 1 trial of a sweep left no run. 1 method (TD3), ")
    task = ("--tasks", "hopper-medium-v2", "--reps", 50)
    code, printed, _ = vitamin("compare", "td3_odt", "odt", "--results", kept, *task)
    assert code == 0
    assert "TD3+ODT" in printed
    (tmp_path / "file").write_text("")
    code, _, error = vitamin("export", file, "--out", tmp_path / "file" / "kept")
    assert (code, error.count("\n")) == (1, 1)
    assert "Choose another --out." in error
