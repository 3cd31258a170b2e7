import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import pytest

from tests.analysis.run_folders import run_info, write_run, write_seeds, write_sweep
from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.analysis import loading, schema
from vitamin.analysis.choice import Choice
from vitamin.analysis.folders import Folders, find_folders
from vitamin.analysis.lines import read_metrics
from vitamin.analysis.manifest import FileState, Manifest
from vitamin.analysis.report import ReportOptions, build_report
from vitamin.analysis.results import find_runs, load_results
from vitamin.analysis.schema import EVALUATIONS_FILE, MANIFEST_FILE, METRICS_FILE, RUN_FILE, SWEEP_FILE
from vitamin.analysis.scores import run_scores
from vitamin.errors import ReportError


def test_runs_are_found_at_any_depth_but_not_inside_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "b" / "sweep" / "trial", [1, 2])
    write_run(tmp_path / "a", [1, 2])
    write_run(tmp_path / "a" / "checkpoints" / "00000001", [1, 2])
    assert find_runs(tmp_path) == [tmp_path / "a", tmp_path / "b" / "sweep" / "trial"]


def test_frames(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep" / "one", [10, 20], seed=3)
    write_run(tmp_path / "two", [30, 40.25], seed=4, status="failed", message="worker died")
    results = load_results(tmp_path)
    assert results.runs[["run", "seed", "status", "message"]].to_numpy().tolist() == [
        ["sweep/one", 3, "finished", None],
        ["two", 4, "failed", "worker died"],
    ]
    two = results.evaluations[results.evaluations["run"] == "two"]
    assert two["return"].tolist() == [300.0, 402.5]
    assert two["return_std"].tolist() == [50.0, 50.0]
    assert two["normalized_score"].tolist() == [30.0, 40.25]
    assert two[["phase", "iteration", "env_steps", "gradient_updates"]].to_numpy().tolist() == [
        ["pretrain", 1, 0, 300],
        ["online", 2, 1000, 600],
    ]
    assert two[["episodes", "length", "target_return"]].to_numpy().tolist() == [[2, 50, 3.6]] * 2
    assert two["success"].isna().all()
    episodes = results.episodes(["two"])
    assert episodes["return"].tolist() == [250.0, 350.0, 352.5, 452.5]
    assert episodes["normalized_score"].tolist() == [25.0, 35.0, 35.25, 45.25]
    assert results.warnings == ()


def test_a_run_folder_itself(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    assert list(load_results(tmp_path / "run").infos) == ["."]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    path = tmp_path / "run" / EVALUATIONS_FILE
    path.write_text(path.read_text().removesuffix("5.0,\n"))  # the last score, 25.0, could now be read as 2
    results = load_results(tmp_path)
    assert results.evaluations["normalized_score"].tolist() == [10.0]
    assert results.episodes()["normalized_score"].tolist() == [5.0, 15.0]
    assert results.damages == (
        f"{tmp_path / 'run'}: evaluations.csv: the last evaluation, iteration 2, is left out: it has 1 of 2 episodes.",
    )
    assert results.shortened == {"run"}
    assert results.runs["status"].tolist() == ["running"]


@pytest.mark.parametrize("content", [None, "", "phase,itera"])
def test_a_run_without_evaluations_is_loaded(tmp_path: Path, content: str | None) -> None:
    write_run(tmp_path / "run", [1, 2], status="running")
    (tmp_path / "run" / EVALUATIONS_FILE).unlink()
    if content is not None:
        (tmp_path / "run" / EVALUATIONS_FILE).write_text(content)
    results = load_results(tmp_path)
    assert list(results.infos) == ["run"]
    assert results.evaluations.empty


@pytest.mark.parametrize(
    "content",
    [
        "phase,iteration\nonline,1\n",
        "{header}\nonline,1,0,0,1.0,0,lots,5,\n",
        "{header}\nonline,1,0,0,1.0,0,,5,\n",
        "{header}\nelsewhere,1,0,0,1.0,0,1.0,5,\n",
        "{header}\nonline,1,0,0\n",
        "{header}\nonline,1,0,0,1.0,0,1.0,5,6,7,8\n",
        "{header}\n\0\0\0\n",
    ],
)
def test_damaged_evaluations_are_skipped_with_a_warning(tmp_path: Path, content: str) -> None:
    write_run(tmp_path / "good", [1, 2])
    write_run(tmp_path / "bad", [1, 2])
    path = tmp_path / "bad" / EVALUATIONS_FILE
    path.write_text(content.format(header=path.read_text().splitlines()[0]))
    results = load_results(tmp_path)
    assert list(results.infos) == ["good"]
    assert len(results.warnings) == 1
    assert str(path) in results.warnings[0]


def test_added_columns_are_ignored(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    path = tmp_path / "run" / EVALUATIONS_FILE
    header, *rows = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in ("new," + header, *("7," + row for row in rows))))
    assert len(load_results(tmp_path).evaluations) == 2


def test_files_of_an_earlier_version_lack_columns(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    expected = load_results(tmp_path).evaluations
    path = tmp_path / "run" / EVALUATIONS_FILE
    path.write_text("".join(line.rpartition(",")[0] + "\n" for line in path.read_text().splitlines()))
    pd.testing.assert_frame_equal(load_results(tmp_path).evaluations, expected)
    assert expected["success"].isna().all()


def test_an_unreadable_run_file_is_skipped(tmp_path: Path) -> None:
    write_run(tmp_path / "good", [1, 2])
    write_run(tmp_path / "newer", [1, 2])
    path = tmp_path / "newer" / RUN_FILE
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    results = load_results(tmp_path)
    assert list(results.infos) == ["good"]
    assert "Upgrade" in results.warnings[0]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="not a directory"):
        load_results(tmp_path / "missing")
    with pytest.raises(ReportError, match="is empty"):
        load_results(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ReportError, match=r"No folder with a run\.json"):
        load_results(tmp_path)
    (tmp_path / RUN_FILE).write_text("{")
    with pytest.raises(ReportError, match="not JSON"):
        load_results(tmp_path)


def test_a_sweep_of_which_nothing_started(tmp_path: Path) -> None:
    write_sweep(tmp_path, "one", "two")
    with pytest.raises(ReportError, match=r"None of the 2 trials below .* has started\. .*--resume"):
        load_results(tmp_path)


@pytest.mark.parametrize("name", [3, None, "", "a\0b", "\ud800", "/etc", "../esc", "a/b", ["a"]], ids=ascii)
def test_names_that_are_no_folders_in_the_sweep_are_damage(tmp_path: Path, name: object) -> None:
    write_run(tmp_path / "one", [1, 2])
    write_sweep(tmp_path, "one", "two")
    content = json.loads((tmp_path / SWEEP_FILE).read_text())
    content["trials"][1]["name"] = name
    (tmp_path / SWEEP_FILE).write_text(json.dumps(content))
    results = load_results(tmp_path)
    assert results.missing == ()
    (warning,) = results.warnings
    assert warning.startswith(f"{tmp_path / SWEEP_FILE} is damaged: ")
    assert warning.isascii()


def metrics_text(*iterations: int, means: Mapping[int, float] = MappingProxyType({})) -> str:
    """Lines of metrics.jsonl, with the mean returns of evaluations."""
    records: list[dict[str, object]] = [
        {"iteration": number, "phase": "online", "env_steps": 0, "gradient_updates": 0}
        for number in iterations
    ]
    for record, number in zip(records, iterations, strict=True):
        if number in means:
            record["evaluation/return_mean"] = means[number]
    return "".join(json.dumps(record) + "\n" for record in records)


def test_metrics(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    path = tmp_path / "run" / METRICS_FILE
    path.write_text(metrics_text(1, 2, means={2: 0.5}) + '{"iterat')
    metrics = load_results(tmp_path).metrics()
    assert metrics[["run", "iteration"]].to_numpy().tolist() == [["run", 1], ["run", 2]]
    assert metrics["evaluation/return_mean"].tolist()[1] == 0.5
    assert metrics["evaluation/return_mean"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    "line",
    [b"7", b"{}", b"\0\0", b"\xff", b"[" * 100_000, b'{"iteration": "1"}', b""],
    ids=lambda line: repr(line[:9]),
)
def test_damaged_metrics_are_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    write_run(tmp_path / "run", [1, 2])
    first, second, third = metrics_text(1, 2, 1).encode().splitlines(keepends=True)
    (tmp_path / "run" / METRICS_FILE).write_bytes(first + line + b"\n" + second + third)
    assert load_results(tmp_path).metrics(["run"])["iteration"].tolist() == [1, 2]
    assert caplog.messages == ["run: metrics.jsonl is damaged: its lines 2, 4 cannot be read."]


def seal(folder: Path) -> None:
    """Writes the manifest of a run as it is."""
    files = {file.name: (FileState.of(file.read_bytes()),) for file in folder.iterdir()}
    (folder / MANIFEST_FILE).write_text(Manifest(files=files).model_dump_json())


@pytest.mark.parametrize("sealed", [False, True])
def test_sound_rows_of_damaged_evaluations_are_read(tmp_path: Path, sealed: bool) -> None:
    for name, line in {"a": b"\0\0", "b": b"\xff,1", "c": b"online,2,1000", "d": b"{}"}.items():
        write_run(tmp_path / name, [10, 20, 30])
        (tmp_path / name / METRICS_FILE).write_text(metrics_text(1, 2, 3, means={1: 100, 2: 200, 3: 300}))
        if sealed:
            seal(tmp_path / name)
        path = tmp_path / name / EVALUATIONS_FILE
        rows = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*rows[:3], line + b"\n", *rows[4:]]))
    results = load_results(tmp_path)
    assert list(results.infos) == ["a", "b", "c", "d"]
    assert results.warnings == ()
    assert results.shortened == frozenset()
    kept = results.evaluations.groupby("run", observed=True)["return"].apply(list)
    assert kept.tolist() == [[100, 300]] * 4
    damages = [damage for damage in results.damages if damage.startswith(str(tmp_path / "a"))]
    assert damages[-2] == f"{tmp_path / 'a'}: evaluations.csv is damaged: its line 4 cannot be read."
    assert damages[-1].endswith("since metrics.jsonl has other means of them or none: iterations 2.")
    changed = f"{tmp_path / 'a'}: evaluations.csv changed since the run wrote it."
    assert damages[:-2] == ([changed] if sealed else [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            ("env_steps", value)
            for value in ("9" * 30, "9" * 19, "9" * 5000, "1e308", "\uff15", "1_0", "0x5", "")
        ),
        *(("return", value) for value in ("1e400", "-1e308", "inf", "\uff15", "1_0", "0x5", "")),
        *(("normalized_score", value) for value in ("1e400", "-inf", "\uff15", "1_0", "0x5")),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_a_row_with_an_impossible_number_costs_its_evaluation_alone(
    tmp_path: Path, column: str, value: str
) -> None:
    write_run(tmp_path / "run", [10, 20, 30])
    (tmp_path / "run" / METRICS_FILE).write_text(metrics_text(1, 2, 3, means={1: 100, 2: 200, 3: 300}))
    seal(tmp_path / "run")
    path = tmp_path / "run" / EVALUATIONS_FILE
    header, *rows = (row.split(",") for row in path.read_text().splitlines())
    rows[2][header.index(column)] = value
    path.write_text("".join(",".join(row) + "\n" for row in [header, *rows]), encoding="utf-8")
    results = load_results(tmp_path)
    assert results.evaluations["iteration"].tolist() == [1, 3]
    assert any("iterations 2." in damage for damage in results.damages)
    assert results.warnings == ()


@pytest.mark.parametrize("value", [10**400, 10**30, True, "x", None, []], ids=lambda value: ascii(value)[:9])
@pytest.mark.parametrize("key", ["env_steps", "evaluation/return_mean"])
def test_a_line_of_metrics_with_an_impossible_number_is_damaged(
    tmp_path: Path, key: str, value: object
) -> None:
    write_run(tmp_path / "run", [10, 20])
    path = tmp_path / "run" / METRICS_FILE
    records = [json.loads(line) for line in metrics_text(1, 2, means={1: 100, 2: 200}).splitlines()]
    records[0][key] = value
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with (tmp_path / "run" / EVALUATIONS_FILE).open("a") as file:
        file.write("x\n")  # so that the means are looked at
    assert read_metrics(tmp_path / "run").damaged == (1,)
    assert load_results(tmp_path).evaluations["iteration"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        *({"seed": seed} for seed in (-1, 2**31, 10**400)),
        *({"reference_scores": {"min": 0.0, "max": value}} for value in (math.nan, math.inf, 10**400)),
        {"wall_time_s": math.inf},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_run_file_with_an_impossible_number_is_damaged(tmp_path: Path, changes: dict[str, object]) -> None:
    write_run(tmp_path / "good", [1, 2], seed=LARGEST_SEED)
    write_run(tmp_path / "run", [1, 2])
    path = tmp_path / "run" / RUN_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    results = load_results(tmp_path)
    assert list(results.infos) == ["good"]
    assert f"{path} is damaged: {next(iter(changes))}" in results.warnings[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 5},
        {"preset": "other"},
        {"reference_scores": {"min": 0.0, "max": 7.0}},
        {"reference_scores": None},
        {"method": "odt"},
        {"overrides": {"tau": 0.5}},
    ],
    ids=str,
)
@pytest.mark.parametrize("include_unfinished", [False, True])
def test_a_run_whose_run_file_changed_decides_nothing(
    tmp_path: Path, changes: dict[str, object], include_unfinished: bool
) -> None:
    write_seeds(tmp_path, [30, 40])
    for folder in tmp_path.iterdir():
        seal(folder)
    path = tmp_path / "run-1" / RUN_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    results = load_results(tmp_path)
    assert results.damages == (f"{tmp_path / 'run-1'}: run.json changed since the run wrote it.",)
    scores = run_scores(results, Choice(include_unfinished=include_unfinished))
    assert scores.frame.set_index("run")["left_out"].to_dict() == {
        "run-0": "",
        "run-1": "its run.json changed since the run wrote it",
    }
    assert scores.frame.set_index("run").loc["run-0", ["label", "unit", "final"]].tolist() == [
        "TD3+ODT",
        "normalized",
        30,
    ]
    assert scores.notes[-1] == "1 run does not count: its run.json changed since the run wrote it (run-1)."


def test_runs_of_which_all_run_files_changed_still_make_a_page(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20])
    seal(tmp_path / "run")
    path = tmp_path / "run" / RUN_FILE
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 5'))
    report = build_report(tmp_path, out=tmp_path.parent / "page", options=ReportOptions(formats=("md",)))
    assert report.page.read_text(encoding="utf-8").count("its run.json changed since the run wrote it")


def test_seeds_have_one_range() -> None:
    assert schema.LARGEST_SEED == LARGEST_SEED


def test_a_changed_number_is_found_by_its_evaluation(tmp_path: Path) -> None:
    write_seeds(tmp_path, [30, 40])
    for folder in tmp_path.iterdir():
        final = 300 if folder.name.endswith("0") else 400
        (folder / METRICS_FILE).write_text(metrics_text(1, 2, means={1: 100, 2: final}))
        seal(folder)
    assert load_results(tmp_path).damages == ()
    path = tmp_path / "run-1" / EVALUATIONS_FILE
    path.write_text(path.read_text().replace(",350.0,", ",950.0,") + "online,9,9,9,1,0,5,5,5,\n")
    results = load_results(tmp_path)
    assert results.evaluations[results.evaluations["run"] == "run-1"]["return"].tolist() == [100]
    assert results.shortened == {"run-1"}
    assert results.damages[-1].endswith("other means of them or none: iterations 2, 9.")
    scores = run_scores(results).frame.set_index("run")["left_out"]
    assert scores.to_dict() == {"run-0": "", "run-1": "its last evaluation may be lost"}
    report = build_report(tmp_path, out=tmp_path.parent / "page", options=ReportOptions(formats=("md",)))
    assert "evaluations.csv changed since the run wrote it" in report.page.read_text()
    assert any("evaluations.csv changed since the run wrote it" in note for note in report.notes)


def test_records_that_both_lost_their_end_do_not_count(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20, 30])
    (tmp_path / "run" / METRICS_FILE).write_text(metrics_text(1, 2, 3, means={1: 100, 2: 200, 3: 300}))
    seal(tmp_path / "run")
    for name in (METRICS_FILE, EVALUATIONS_FILE):
        path = tmp_path / "run" / name
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    results = load_results(tmp_path)
    assert len(results.evaluations) == 2
    assert results.shortened == {"run"}


def test_converted_line_ends_lose_nothing(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20])
    expected = load_results(tmp_path).evaluations
    path = tmp_path / "run" / EVALUATIONS_FILE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(load_results(tmp_path).evaluations, expected)


def test_links_are_followed_once(tmp_path: Path) -> None:
    store, directory = tmp_path / "store", tmp_path / "links"
    for name in ("one", "two"):
        write_run(store / "deep" / name, [1, 2])
    write_run(directory / "own", [1, 2])
    (directory / "a").symlink_to(store / "deep" / "one")
    (directory / "b").symlink_to(store)
    (directory / "again").symlink_to(directory / "own")
    (directory / "up").symlink_to(tmp_path)
    (store / "loop").symlink_to(store)
    (store / "back").symlink_to(directory)
    (directory / "itself").symlink_to(directory / "itself")
    (directory / "lost").symlink_to(tmp_path / "nowhere")
    results = load_results(directory)
    assert list(results.infos) == ["a", "b/deep/two", "own"]
    assert [warning.partition(" is a link to ")[0] for warning in results.warnings] == [
        str(directory / "itself"),
        str(directory / "lost"),
    ]
    (tmp_path / "root").symlink_to(directory)
    assert list(load_results(tmp_path / "root").infos) == ["a", "b/deep/two", "own"]


def test_a_trial_behind_a_link_is_not_missing(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    sweep.mkdir()
    write_sweep(sweep, "one", "two", "three")
    write_run(tmp_path / "elsewhere", [1, 2])
    write_run(sweep / "moved", [1, 2])
    (sweep / "one").symlink_to(tmp_path / "elsewhere")
    (sweep / "two").symlink_to(sweep / "moved")
    results = load_results(sweep)
    assert list(results.infos) == ["moved", "one"]
    assert results.missing == ("three",)


def test_what_cannot_be_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "run", [1, 2])
    write_run(tmp_path / "locked" / "run", [1, 2])
    write_run(tmp_path / "headless", [1, 2])
    (tmp_path / "headless" / METRICS_FILE).touch()
    (tmp_path / "headless" / RUN_FILE).unlink()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    results = load_results(tmp_path)
    assert list(results.infos) == ["run"]
    assert set(results.warnings) == {
        f"Cannot look into {tmp_path / 'locked'}: Permission denied.",
        f"{tmp_path / 'headless'} holds the records of a run, but no run.json.",
    }
    with pytest.raises(ReportError, match=r"No run below .* can be read.*Permission denied"):
        load_results(tmp_path / "locked")


def test_what_goes_away_meanwhile_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        write_run(tmp_path / name, [1, 2], status="running")
    (tmp_path / "later").mkdir()

    def vanishing(directory: Path) -> Folders:
        found = find_folders(directory)
        shutil.rmtree(tmp_path / "b")
        (tmp_path / "c" / EVALUATIONS_FILE).unlink()
        return found

    scandir = os.scandir

    def gone(path: str | int) -> object:
        if str(path).endswith("later"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return scandir(path)

    monkeypatch.setattr(loading, "find_folders", vanishing)
    monkeypatch.setattr(os, "scandir", gone)
    results = load_results(tmp_path)
    assert list(results.infos) == ["a", "c"]
    assert results.evaluations["run"].tolist() == ["a", "a"]
    assert results.warnings == (f"Cannot read {tmp_path / 'b' / RUN_FILE}: No such file or directory.",)


def test_a_report_among_the_runs_is_not_searched(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    write_run(tmp_path / "report" / "copies" / "run", [1, 2])
    assert len(load_results(tmp_path).infos) == 2
    (tmp_path / "report" / "report.md").touch()
    assert list(load_results(tmp_path).infos) == ["run"]
    write_run(tmp_path / "sweep" / "report", [1, 2])  # a run that is called so
    assert list(load_results(tmp_path).infos) == ["run", "sweep/report"]


def test_files_are_read_anew_if_the_run_replaced_them_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    seal(tmp_path / "run")
    info = run_info(name="run", status="finished")
    read = Path.read_bytes
    written: list[Path] = []

    def replacing(path: Path) -> bytes:
        content = read(path)
        if path.name == MANIFEST_FILE and not written:
            written.append(path)
            info.write(path.parent)
            path.unlink()
            seal(path.parent)
        return content

    monkeypatch.setattr(Path, "read_bytes", replacing)
    results = load_results(tmp_path)
    assert written
    assert results.damages == ()
    assert results.altered == frozenset()
    assert results.runs["status"].tolist() == ["finished"]
