"""The episodes of a run that count, read at once or line by line."""

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.run_folders import write_run
from tests.analysis.test_results import metrics_text, seal
from vitamin.analysis.episode_rows import parse_rows, rows_of
from vitamin.analysis.lines import read_episodes
from vitamin.analysis.results import Results, load_results
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    METRICS_FILE,
    RUN_FILE,
    ReferenceScores,
    Status,
)
from vitamin.analysis.scores import run_scores


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def change(folder: Path, edit: Callable[[list[list[str]]], object]) -> None:
    """Edits the rows of a run's evaluations, in place."""
    path = folder / EVALUATIONS_FILE
    header, *rows = (line.split(",") for line in path.read_text().splitlines())
    edit(rows)
    path.write_text("".join(",".join(row) + "\n" for row in [header, *rows]))


def put(row: int, column: str, value: str) -> Callable[[list[list[str]]], None]:
    def edit(rows: list[list[str]]) -> None:
        rows[row][EVALUATION_HEADER.index(column)] = value

    return edit


def means(results: Results, run: str) -> list[float]:
    return list(results.evaluations.loc[results.evaluations["run"] == run, "normalized_score"])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("return", value) for value in ("nan", "NaN", "inf", "-inf", "Infinity", "1e400")),
        *(("normalized_score", value) for value in ("inf", "-inf", "1e400")),
    ],
)
@pytest.mark.parametrize(("row", "lost", "kept"), [(2, 2, [10, 30]), (5, 3, [10, 20])])
def test_an_episode_that_is_not_finite_costs_its_evaluation_alone(
    tmp_path: Path, column: str, value: str, row: int, lost: int, kept: list[float]
) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, [10, 20, 30])
    change(tmp_path / "a", put(row, column, value))
    results = load_results(tmp_path)
    assert means(results, "a") == kept
    assert means(results, "b") == [10, 20, 30]
    (damage,) = results.damages
    assert damage.startswith(
        f"{tmp_path / 'a'}: evaluations.csv: evaluations left out, since they have an episode"
    )
    assert damage.endswith(f"iterations {lost}.")
    assert results.shortened == ({"a"} if lost == 3 else set())
    assert results.warnings == ()


def test_a_run_of_which_no_evaluation_is_finite_is_still_there(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10])
    change(tmp_path / "run", put(0, "return", "nan"))
    results = load_results(tmp_path)
    assert list(results.infos) == ["run"]
    assert results.evaluations.empty
    assert results.shortened == {"run"}


def test_means_of_huge_returns_do_not_overflow(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1e200, 1e306], reference_scores=None, spread=0.0)
    change(tmp_path / "run", put(0, "return", "3e200"))
    row = load_results(tmp_path).evaluations.iloc[0]
    assert row["return"] == pytest.approx(2e200)  # of 3e200 and 1e200
    assert row["return_std"] == pytest.approx(1e200)


@pytest.mark.parametrize("value", ["", "nan"])
@pytest.mark.parametrize("careful", [False, True])
def test_a_missing_normalized_score_is_computed_from_the_reference_scores(
    tmp_path: Path, value: str, careful: bool
) -> None:
    write_run(tmp_path / "run", [10, 20], reference_scores=ReferenceScores(min=-100.0, max=900.0))
    write_run(tmp_path / "without", [10, 20], reference_scores=None)
    for row in range(4):
        change(tmp_path / "run", put(row, "normalized_score", value))
    if careful:
        with (tmp_path / "run" / EVALUATIONS_FILE).open("a") as file:
            file.write("x\n")
    results = load_results(tmp_path)
    assert means(results, "run") == [20.0, 30.0]  # returns 100 and 200 from -100 to 900
    assert np.isnan(means(results, "without")).all()


@pytest.mark.parametrize(
    ("status", "asked", "episodes", "counts"),
    [
        ("running", None, 3, False),
        ("stopped", None, 3, False),
        ("diverged", None, 3, False),
        ("finished", 4, 3, False),
        ("finished", 3, 3, True),
        ("finished", None, 3, False),
        ("failed", 3, 3, False),
        ("running", None, 4, True),
        ("running", 6, 4, True),  # all of them have four
    ],
)
@pytest.mark.parametrize("in_config", [False, True])
def test_a_torn_last_evaluation_does_not_count(
    tmp_path: Path, status: str, asked: int | None, episodes: int, counts: bool, in_config: bool
) -> None:
    overrides = {} if asked is None or in_config else {"eval_episodes": asked}
    write_run(tmp_path / "run", [10, 20, 30], episodes=4, status=status, overrides=overrides)
    if asked is not None and in_config:
        (tmp_path / "run" / CONFIG_FILE).write_text(f"task: x\nhyperparameters:\n  eval_episodes: {asked}\n")
    change(tmp_path / "run", lambda rows: rows.__delitem__(slice(8 + episodes, None)))
    results = load_results(tmp_path)
    assert len(results.evaluations) == (3 if counts else 2)
    assert results.shortened == (set() if counts else {"run"})
    told = "evaluations.csv: the last evaluation, iteration 3, is left out: it has 3 of 4 episodes."
    assert results.damages == (() if counts else (f"{tmp_path / 'run'}: {told}",))


@pytest.mark.parametrize("status", ["running", "finished", "diverged"])
def test_a_first_evaluation_that_is_torn(tmp_path: Path, status: Status) -> None:
    write_run(tmp_path / "run", [10], status=status, overrides={"eval_episodes": 10})
    results = load_results(tmp_path)
    assert results.evaluations.empty
    assert results.shortened == {"run"}
    assert results.damages[0].endswith("iteration 1, is left out: it has 2 of 10 episodes.")


@pytest.mark.parametrize(
    ("kept", "tail"), [(5, ""), (5, "online,3,2000,9"), (6, "online,4,3000,12"), (6, "x")]
)
def test_a_finished_run_with_a_torn_end_is_left_out_of_the_scores(
    tmp_path: Path, kept: int, tail: str
) -> None:
    for seed in (0, 1):
        write_run(tmp_path / f"run-{seed}", [10, 20, 30], seed=seed)
    file = tmp_path / "run-1" / EVALUATIONS_FILE
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[: kept + 1]) + tail, encoding="utf-8")
    assert load_results(tmp_path).damages
    frame = run_scores(load_results(tmp_path)).frame.set_index("run")
    assert frame["left_out"].to_dict() == {"run-0": "", "run-1": "its last evaluation may be lost"}
    assert frame.loc["run-0", "final"] == 30


def test_rows_that_contradict_each_other_cost_their_evaluation(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20, 30])
    change(tmp_path / "run", put(3, "env_steps", "7"))
    results = load_results(tmp_path)
    assert results.evaluations["iteration"].tolist() == [1, 3]
    assert results.damages[0].endswith("contradicts the others: iterations 2.")


@pytest.mark.parametrize("value", ["0x5", "1_0", "9" * 30, "9" * 17, "1e3", "\uff15", " 5", '"5"'])
def test_numbers_that_libraries_read_in_different_ways_are_read_with_care(tmp_path: Path, value: str) -> None:
    write_run(tmp_path / "run", [10, 20, 30])
    (tmp_path / "run" / METRICS_FILE).write_text(metrics_text(1, 2, 3, means={1: 100, 2: 200, 3: 300}))
    change(tmp_path / "run", put(2, "env_steps", value))
    assert parse_rows((tmp_path / "run" / EVALUATIONS_FILE).read_bytes()) is None
    results = load_results(tmp_path)
    assert results.evaluations["iteration"].tolist() == [1, 3]


def test_both_ways_of_reading_give_the_same_rows(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10.1, 1 / 3, 30], successes=(0, 1))
    change(tmp_path / "run", lambda rows: rows.reverse())
    fast = parse_rows((tmp_path / "run" / EVALUATIONS_FILE).read_bytes())
    careful = rows_of(read_episodes(tmp_path / "run").sound)
    assert fast is not None
    for name in EVALUATION_HEADER:
        np.testing.assert_array_equal(fast[name], careful[name])
        assert fast[name].dtype == careful[name].dtype


def test_episodes_that_are_there_twice_are_read_with_care(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20])
    change(tmp_path / "run", lambda rows: rows.append(rows[-1]))
    results = load_results(tmp_path)
    assert means(results, "run") == [10.0, 20.0]
    assert results.damages == (f"{tmp_path / 'run'}: evaluations.csv is damaged: its line 6 cannot be read.",)


def test_success_and_progress(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], successes=(0, 1), status="running", online_steps=5000)
    lines = metrics_text(1, 2, 3).splitlines()
    last = json.dumps(json.loads(lines[-1]) | {"env_steps": 2500, "gradient_updates": 900})
    (tmp_path / "run" / METRICS_FILE).write_text("\n".join([*lines[:-1], last, '{"iterat']))
    results = load_results(tmp_path)
    assert results.evaluations["success"].tolist() == [0.5, 0.5]
    row = results.runs.iloc[0]
    assert (row["env_steps"], row["gradient_updates"], row["online_steps"]) == (2500, 900, 5000)


def test_a_damaged_file_among_others_touches_its_run_alone(tmp_path: Path) -> None:
    for number in range(5):
        write_run(tmp_path / f"{number}", [10, 20], seed=number)
        seal(tmp_path / f"{number}")
    (tmp_path / "2" / RUN_FILE).write_text("{")
    (tmp_path / "3" / EVALUATIONS_FILE).write_bytes(b"\0" * 100 + b"\n" * 5)
    results = load_results(tmp_path)
    assert list(results.infos) == ["0", "1", "4"]
    assert len(results.warnings) == 2
    assert results.evaluations["run"].cat.categories.tolist() == ["0", "1", "4"]
