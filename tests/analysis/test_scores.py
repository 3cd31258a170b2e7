from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.run_folders import write_run
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import EVALUATIONS_FILE
from vitamin.analysis.scores import NOT_EVALUATED, REPEATED, UNFINISHED, evaluation_scores, run_scores


def scores_of(directory: Path, *, include_unfinished: bool = False) -> pd.DataFrame:
    return run_scores(load_results(directory), include_unfinished=include_unfinished).set_index("run")


def test_pretrained_final_and_change(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 90, 40])
    row = scores_of(tmp_path).loc["run"]
    assert (row["pretrained"], row["final"], row["change"]) == (10.0, 40.0, 30.0)
    assert (row["env_steps"], row["unit"], row["left_out"]) == (2000, "normalized", "")


def test_last_evaluation_goes_by_iteration_not_by_line(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 90, 40])
    path = tmp_path / "run" / EVALUATIONS_FILE
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    assert scores_of(tmp_path).loc["run", "final"] == 40.0


def test_last_pretraining_evaluation_is_the_pretrained_score(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 40])
    path = tmp_path / "run" / EVALUATIONS_FILE
    content = path.read_text().replace("\nonline,2,1000", "\npretrain,2,0").rstrip("\n")
    path.write_text(content + "\nonline,3,1000,900,3.6,0,700,50,70,\n")
    row = scores_of(tmp_path).loc["run"]
    assert (row["pretrained"], row["final"]) == (40.0, 70.0)


def test_no_pretraining(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {1000: 30, 2000: 40})
    row = scores_of(tmp_path).loc["run"]
    assert row["final"] == 40.0
    assert pd.isna(row["change"])


def test_raw_returns_for_the_whole_task_if_a_run_has_no_reference(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [10, 20], task="Pendulum-v1")
    write_run(tmp_path / "b", [-300, -200], task="Pendulum-v1", seed=1, reference_scores=None)
    write_run(tmp_path / "c", [10, 20])
    scores = scores_of(tmp_path)
    assert scores["unit"].to_dict() == {"a": "return", "b": "return", "c": "normalized"}
    assert scores["final"].to_dict() == {"a": 200.0, "b": -200.0, "c": 20.0}


@pytest.mark.parametrize("status", ["running", "failed"])
def test_unfinished_runs_count_only_when_asked(tmp_path: Path, status: str) -> None:
    write_run(tmp_path / "run", [10, 20], status=status)
    assert scores_of(tmp_path).loc["run", "left_out"] == UNFINISHED
    asked = scores_of(tmp_path, include_unfinished=True).loc["run"]
    assert (asked["left_out"], asked["final"], asked["status"]) == ("", 20.0, status)


def test_a_diverged_run_counts(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="diverged")
    assert scores_of(tmp_path).loc["run", "left_out"] == ""


def test_a_run_without_online_evaluation_does_not_count(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10])
    row = scores_of(tmp_path).loc["run"]
    assert (row["left_out"], row["pretrained"]) == (NOT_EVALUATED, 10.0)


def test_of_two_runs_with_one_seed_the_finished_then_the_latest_counts(tmp_path: Path) -> None:
    late = datetime(2026, 5, 5, tzinfo=UTC)
    write_run(tmp_path / "a-early", [10, 20])
    write_run(tmp_path / "b-late", [10, 30], updated=late)
    write_run(tmp_path / "c-diverged", [10, 40], updated=datetime(2026, 6, 6, tzinfo=UTC), status="diverged")
    write_run(tmp_path / "d-other-seed", [10, 40], seed=1)
    assert scores_of(tmp_path)["left_out"].to_dict() == {
        "a-early": REPEATED,
        "b-late": "",
        "c-diverged": REPEATED,
        "d-other-seed": "",
    }


def test_evaluation_scores_are_means_over_episodes(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20.5])
    evaluations = evaluation_scores(load_results(tmp_path))
    assert evaluations[["iteration", "env_steps", "score"]].to_numpy().tolist() == [
        [1, 0, 10.0],
        [2, 1000, 20.5],
    ]
