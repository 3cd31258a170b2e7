from pathlib import Path

from tests.analysis.run_folders import write_run, write_seeds
from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores
from vitamin.analysis.statistics import aggregate, summarize
from vitamin.analysis.tables import Cell, Table, aggregate_table, score_table, summary_table, to_markdown


def score_lines(directory: Path, *, include_unfinished: bool = False) -> list[str]:
    scores = run_scores(load_results(directory), include_unfinished=include_unfinished)
    return to_markdown(score_table(scores, summarize(scores))).splitlines()


def test_final_scores_with_change_best_in_bold_and_average(tmp_path: Path) -> None:
    write_seeds(tmp_path, [76.0, 76.26], pretrained=1.98)
    write_seeds(tmp_path, [10, 12], method="odt", pretrained=12)
    write_seeds(tmp_path, [20, 30], task="walker2d-medium-v2")
    write_seeds(tmp_path, [40, 50], task="walker2d-medium-v2", method="odt")
    assert score_lines(tmp_path) == [
        "| Task | ODT | TD3+ODT |",
        "| --- | --- | --- |",
        "| hopper-medium-v2 | 11.00 (-1.00) | **76.13 (+74.15)** |",
        "| walker2d-medium-v2 | **45.00 (+35.00)** | 25.00 (+15.00) |",
        "| Average of 2 tasks | 28.00 (+17.00) | **50.56 (+44.58)** |",
    ]


def test_missing_cells_returns_and_no_average_over_unshared_tasks(tmp_path: Path) -> None:
    write_seeds(tmp_path, [20, 40])
    write_seeds(
        tmp_path, [-300, -250.5], task="Pendulum-v1", method="odt", pretrained=-1200, reference_scores=None
    )
    assert score_lines(tmp_path)[2:] == [
        "| Pendulum-v1 (return) | -275.2 (+924.8) | – |",
        "| hopper-medium-v2 | – | 30.00 (+20.00) |",
    ]


def test_means_over_unfinished_runs_are_marked(tmp_path: Path) -> None:
    write_seeds(tmp_path, [20, 40])
    write_run(tmp_path / "third", [10, 60], seed=2, status="running")
    assert score_lines(tmp_path)[2:] == ["| hopper-medium-v2 | 30.00 (+20.00) |"]
    assert score_lines(tmp_path, include_unfinished=True)[2:] == ["| hopper-medium-v2 | 40.00 (+30.00)† |"]


def test_without_a_counted_run_the_task_is_still_listed(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [10, 20], status="running")
    assert score_lines(tmp_path) == ["| Task | TD3+ODT |", "| --- | --- |", "| hopper-medium-v2 | – |"]


def test_no_pretrained_score_no_change(tmp_path: Path) -> None:
    for task in ("a", "b"):
        write_run(tmp_path / task, {1000: 40}, task=task)
    assert score_lines(tmp_path)[2:] == [
        "| a | 40.00 (–) |",
        "| b | 40.00 (–) |",
        "| Average of 2 tasks | 40.00 (–) |",
    ]


def test_summary(tmp_path: Path) -> None:
    write_seeds(tmp_path, [20, 40], pretrained=12)
    write_seeds(tmp_path, [20], method="odt")
    lines = to_markdown(summary_table(summarize(run_scores(load_results(tmp_path))))).splitlines()
    assert lines[2:] == [
        "| hopper-medium-v2 | ODT | 1 | 10.00 | 20.00 | +10.00 |",
        "| hopper-medium-v2 | TD3+ODT | 2 | 12.00 ± 0.00 | 30.00 ± 14.14 | +18.00 ± 14.14 |",
    ]


def test_aggregates_with_intervals_best_in_bold(tmp_path: Path) -> None:
    write_seeds(tmp_path, [60, 60, 60])
    write_seeds(tmp_path, [20], method="odt")
    frame = aggregate(run_scores(load_results(tmp_path)), reps=50).frame
    best = "**60.00 [60.00, 60.00]**"
    assert to_markdown(aggregate_table(frame)).splitlines() == [
        "| Task | Method | Seeds | Median | IQM | Mean | Optimality gap |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| hopper-medium-v2 | ODT | 1 | 20.00 [–] | 20.00 [–] | 20.00 [–] | 80.00 [–] |",
        f"| hopper-medium-v2 | TD3+ODT | 3 | {best} | {best} | {best} | **40.00 [40.00, 40.00]** |",
    ]


def test_bars_in_cells_are_escaped() -> None:
    table = Table(("a|b",), ((Cell("c|d", bold=True),),))
    assert to_markdown(table) == "| a\\|b |\n| --- |\n| **c\\|d** |\n"
