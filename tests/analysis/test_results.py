from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.run_folders import write_run, write_sweep
from vitamin.analysis.results import find_runs, load_metrics, load_results
from vitamin.analysis.schema import EVALUATIONS_FILE, METRICS_FILE, RUN_FILE
from vitamin.errors import ReportError, RunError


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
    assert two["return"].tolist() == [250.0, 350.0, 352.5, 452.5]
    assert two["normalized_score"].tolist() == [25.0, 35.0, 35.25, 45.25]
    assert results.warnings == ()


def test_a_run_folder_itself(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    assert list(load_results(tmp_path / "run").infos) == ["."]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    path = tmp_path / "run" / EVALUATIONS_FILE
    path.write_text(path.read_text().removesuffix("5.0,\n"))  # the last score, 25.0, could now be read as 2
    results = load_results(tmp_path)
    assert results.evaluations["normalized_score"].tolist() == [5.0, 15.0, 15.0]
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
    assert len(load_results(tmp_path).evaluations) == 4


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


def test_metrics(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    path = tmp_path / "run" / METRICS_FILE
    path.write_text('{"iteration": 1, "loss/actor": 0.5}\n{"iteration": 2, "loss/critic": 2}\n{"iterat')
    metrics = load_metrics(tmp_path, ["run"])
    assert metrics[["run", "iteration"]].to_numpy().tolist() == [["run", 1], ["run", 2]]
    assert metrics["loss/actor"].tolist()[0] == 0.5
    assert metrics["loss/actor"].isna().tolist() == [False, True]


def test_damaged_metrics(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1, 2])
    (tmp_path / "run" / METRICS_FILE).write_text('{"iteration": 1}\n7\n')
    with pytest.raises(RunError, match="line 2 is not a JSON object"):
        load_metrics(tmp_path, ["run"])
