"""One report on a folder with everything in it that makes comparisons unfair, or a reader stumble."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.analysis.every_row import ANT, CHEETAH, HOPPER, MAZE, OWN, STAND_IN, write_every_row
from vitamin.analysis.report.build import Report, build_report
from vitamin.analysis.report.options import ReportOptions

HOPPER_TD3_ODT = [40, 42, 44, 46]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    directory = tmp_path_factory.mktemp("every-row") / "results"
    write_every_row(directory)
    options = ReportOptions(formats=("csv", "md"), reps=100)
    with pytest.MonkeyPatch.context() as patch:  # pictures are tested elsewhere
        patch.setattr("vitamin.analysis.report.build._draw", lambda *_: {})
        yield build_report(directory, options=options)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return report.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scores(report: Report) -> pd.DataFrame:
    return table(report, "scores.csv").set_index("run")


def table(report: Report, name: str) -> pd.DataFrame:
    return pd.read_csv(report.page.parent / name)


def counted(scores: pd.DataFrame, task: str, label: str) -> list[float]:
    """Finals that count, without the torn run."""
    rows = scores[(scores["task"] == task) & (scores["label"] == label) & scores["left_out"].isna()]
    return sorted(rows["final"])


def section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def row(text: str, start: str) -> list[str]:
    """The cells of the only table row that starts so."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {start} ")]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_methods_with_other_budgets_are_compared_at_the_largest_common_step(
    scores: pd.DataFrame, page: str
) -> None:
    hopper = scores[scores["task"] == HOPPER]
    assert set(hopper["at_steps"]) == {3000}
    assert list(scores.loc[["odt-hopper-0", "odt-hopper-1", "odt-hopper-2"], "final"]) == [12, 14, 16]
    assert list(scores.loc[["odt-hopper-0", "td3_odt-hopper-2"], "own_final"]) == [60, 99]
    assert list(scores.loc[["odt-hopper-0", "td3_odt-hopper-2"], "end_steps"]) == [5000, 4000]
    assert "Finals are compared at 3 000." in section(page, "Protocol")
    assert row(section(page, "Protocol"), "**Online steps**")[-1] == "**≠**"
    # The own ends of TD3+ODT: 40 and 42 and 46 at 3 000 steps, 99 at 4 000.
    own = row(section(page, "Final scores"), f"{HOPPER} | TD3+ODT | 4")[-1]
    assert own == "56.75 at 3 250"


def test_budgets_and_settings_without_influence_make_no_other_method(scores: pd.DataFrame) -> None:
    assert set(scores["label"]) == {"IQL", "ODT", "TD3", "TD3+ODT"}
    assert counted(scores, HOPPER, "TD3+ODT") == HOPPER_TD3_ODT


def test_a_run_that_diverged_before_its_first_evaluation_counts_as_pretrained(scores: pd.DataFrame) -> None:
    run = scores.loc["td3-hopper-0"]
    assert (run["status"], run["final"], run["final_steps"], run["change"]) == ("diverged", 15, 0, 0)
    assert counted(scores, HOPPER, "TD3") == [5, 15, 30]


def test_the_first_result_counts_and_the_rerun_is_named(scores: pd.DataFrame, report: Report) -> None:
    left_out = scores["left_out"].dropna()
    assert left_out["td3-hopper-1-again"] == "rerun of td3-hopper-1, whose result counts"
    assert left_out["td3-hopper-2"] == "failed"
    assert "1 run does not count: rerun of a run whose result counts (td3-hopper-1-again)." in report.notes
    assert "td3-hopper-2-again of seed 2 counts, td3-hopper-2 before it failed." in report.notes


def test_stopped_and_running_are_told_apart(scores: pd.DataFrame, page: str) -> None:
    assert scores.loc["td3-hopper-3", ["status", "left_out"]].tolist() == [
        "stopped",
        "stopped before its end",
    ]
    assert scores.loc["td3-hopper-4", ["status", "left_out"]].tolist() == ["running", "not finished"]
    assert re.search(r"\d+ runs: 2 diverged, 1 failed, \d+ finished, 2 running, 1 stopped;", page)


def test_all_tables_say_the_same_averages(report: Report, scores: pd.DataFrame, page: str) -> None:
    aggregates = table(report, "aggregates.csv").set_index(["scope", "label", "metric"])
    final = page.partition("\n### Each task and method\n")[2].partition("\n### ")[0]
    for task, label, text in (
        (HOPPER, "TD3+ODT", "43.00"),
        (HOPPER, "TD3", "16.67"),
        (CHEETAH, "TD3+ODT", "52.00"),
        (CHEETAH, "ODT", "24.00"),
        (CHEETAH, "TD3", "30.50"),
        (MAZE, "ODT", "60.50"),
    ):
        mean = np.mean(counted(scores, task, label))
        assert f"{mean:.2f}" == text
        assert aggregates.loc[(task, label, "mean"), "value"] == pytest.approx(mean)
        mark = " ‡" if task == CHEETAH else ""
        (line,) = [
            line
            for line in final.splitlines()
            if re.match(rf"\| {task}{mark} \| {re.escape(label)} \|", line)
        ]
        assert f"| {text} ± " in line
        (line,) = [
            line
            for line in section(page, "Aggregates over tasks").splitlines()
            if line.startswith(f"| {task}{mark} | {label} |")
        ]
        assert f"{text} [" in line


def test_a_task_has_the_t_interval_of_its_seeds(report: Report) -> None:
    aggregates = table(report, "aggregates.csv").set_index(["scope", "label", "metric"])
    for task, label, finals in (
        (HOPPER, "TD3+ODT", HOPPER_TD3_ODT),
        (HOPPER, "TD3", [15, 5, 30]),
        (CHEETAH, "ODT", [20, 24, 28]),
    ):
        low, high = stats.t.interval(0.95, len(finals) - 1, np.mean(finals), stats.sem(finals))
        assert list(aggregates.loc[(task, label, "mean"), ["low", "high"]]) == pytest.approx([low, high])
    assert aggregates.loc[(HOPPER, "IQL", "mean"), ["low", "high"]].isna().all()


def test_differences_are_those_of_welch(report: Report) -> None:
    comparisons = table(report, "comparisons.csv").set_index(["scope", "method_a", "method_b"])
    for task, a, b, finals_a, finals_b in (
        (HOPPER, "TD3", "TD3+ODT", [15, 5, 30], HOPPER_TD3_ODT),
        (CHEETAH, "ODT", "TD3", [20, 24, 28], [30, 31]),
        (CHEETAH, "TD3", "TD3+ODT", [30, 31], [50, 54]),
    ):
        test = stats.ttest_ind(finals_a, finals_b, equal_var=False)
        interval = test.confidence_interval()
        found = comparisons.loc[(task, a, b)]
        assert [found["n_a"], found["n_b"]] == [len(finals_a), len(finals_b)]
        assert found["difference"] == pytest.approx(np.mean(finals_a) - np.mean(finals_b))
        assert [found["low"], found["high"], found["p"]] == pytest.approx([*interval, test.pvalue])
    assert comparisons.loc[(HOPPER, "IQL", "TD3"), "reason"] == "a single seed"
    assert np.isnan(comparisons.loc[(HOPPER, "IQL", "TD3"), "p"])


def test_p_is_corrected_over_all_tests_of_the_page(report: Report) -> None:
    tests = table(report, "comparisons.csv").dropna(subset=["p"]).sort_values("p")
    factors = np.arange(len(tests), 0, -1)
    expected = np.minimum(np.maximum.accumulate(tests["p"].to_numpy() * factors), 1)
    assert tests["p_corrected"].to_numpy() == pytest.approx(expected)


def test_no_method_is_dropped_from_aggregates_in_silence(report: Report, page: str) -> None:
    assert set(table(report, "aggregates.csv")["kind"]) == {"task"}
    said = " ".join(line for line in section(page, "Aggregates over tasks").splitlines() if line[:1] == "-")
    assert re.search(r"No aggregates over all tasks: .*IQL", said)
    assert (
        "IQL has no run that counts on halfcheetah-medium-v2, ant-medium-v2, maze2d-umaze-v1, Pendulum-v1"
        in " ".join(report.notes)
    )


def test_references_that_differ_give_returns(scores: pd.DataFrame, report: Report) -> None:
    ant = scores[scores["task"] == ANT]
    assert set(ant["unit"]) == {"return"}
    assert list(ant["final"]) == [20, 20]  # as scores they would be 2 and 1
    assert any(re.match(rf"Reference scores on {ANT} differ \(.*\): returns", note) for note in report.notes)
    assert not any(re.search(rf"{ANT}.*has no reference scores", note) for note in report.notes)


def test_only_tasks_without_references_are_said_to_have_none(scores: pd.DataFrame, report: Report) -> None:
    assert set(scores.loc[scores["task"] == OWN, "unit"]) == {"return"}
    assert list(scores.loc[scores["task"] == OWN, "final"]) == [-300, -300]
    assert set(scores.loc[scores["task"] == CHEETAH, "unit"]) == {"normalized"}
    notes = [note for note in report.notes if "no reference scores" in note]
    assert len(notes) == 1
    assert notes[0].startswith(f"{OWN} has no reference scores")
    assert any("(td3_odt-cheetah-9)" in note for note in report.notes)


def test_success_rates(scores: pd.DataFrame, page: str) -> None:
    assert list(scores.loc[["odt-maze-0", "td3_odt-maze-0"], "success"]) == [0.5, 1]
    rates = page.partition("### Success rates\n")[2]
    assert row(rates.partition("\n#")[0], MAZE) == [MAZE, "50.0 %", "100.0 %"]


def test_episodes_that_are_not_finite_touch_only_their_runs(scores: pd.DataFrame, report: Report) -> None:
    for name in ("odt-hopper-nan", "odt-hopper-infinite"):
        assert scores.loc[name, "left_out"] == "its last evaluation may be lost"
        assert scores.loc[name, "end_steps"] == 2000
        assert any(name in note and "not finite" in note and "4" in note for note in report.notes)
    assert set(counted(scores, HOPPER, "ODT")) >= {12, 14, 16}


def test_nothing_that_is_no_number_is_on_the_page_or_in_the_tables(report: Report, page: str) -> None:
    texts = {path.name: path.read_text() for path in report.files if path.suffix == ".csv"}
    names = re.compile(r"odt-hopper-(nan|infinite)|loss is NaN")  # of runs, and what a run said
    for name, text in {**texts, "report.md": page}.items():
        assert not re.search(r"(?<![\w-])[+-−]?(nan|inf|NaN|None|NaT)(?!\w)", names.sub("", text)), name
    assert not [name for name, text in texts.items() if "inf," in text.lower()]


def test_damaged_and_later_files_are_named(scores: pd.DataFrame, report: Report, page: str) -> None:
    assert not {"damaged", "future"} & set(scores.index)
    skipped = [note for note in report.notes if note.startswith("Skipped: ")]
    assert len(skipped) == 2
    assert re.search(r"damaged/run\.json is damaged: not JSON", skipped[0])
    assert re.search(r"future/run\.json has schema version 99", skipped[1])
    assert page.count("schema version 99") == 1


def test_links_are_followed(scores: pd.DataFrame, report: Report) -> None:
    assert scores.loc["link/td3_odt-hopper-3", "final"] == 46
    assert "link/td3_odt-hopper-3" in set(table(report, "runs.csv")["run"])


def test_a_trial_that_never_started_is_named(report: Report, page: str) -> None:
    assert "1 trial of a sweep left no run: never-started." in report.notes
    assert "1 trial of a sweep left no run." in section(page, "Summary")
    assert row(section(page, "Runs"), "never-started |")[4] == "not started"


def test_stand_ins_are_marked_wherever_their_task_is_shown(
    report: Report, scores: pd.DataFrame, page: str
) -> None:
    label = STAND_IN.label
    assert set(scores.loc[scores["task"] == CHEETAH, "data"]) == {label}
    assert scores.loc[scores["task"] != CHEETAH, "data"].isna().all()
    curves, aggregates = table(report, "curves.csv"), table(report, "aggregates.csv")
    assert set(curves.loc[curves["task"] == CHEETAH, "data"]) == {label}
    assert set(aggregates.loc[aggregates["scope"] == CHEETAH, "data"]) == {label}
    rows = [line for line in page.splitlines() if re.match(r"\|.*halfcheetah-medium-v2", line)]
    assert len(rows) > 10
    assert [line for line in rows if f"{CHEETAH} ‡" not in line] == []
    said = str(label).removeprefix("stand-in: ")  # after the words "stand-in data"
    for block in re.split(r"\n(?=#)", page):
        if f"{CHEETAH} ‡ |" in block:
            assert said in block, block.partition("\n")[0]
    caption = section(page, "Learning curves").partition("MuJoCo")[2].partition("\n### ")[0]
    assert "‡ stand-in data" in caption
    assert said in caption
    for shown in report.tables:
        if any(f"{CHEETAH} ‡" in cell.text for line in shown.table.rows for cell in line):
            assert said in shown.caption


def test_curves_end_where_their_runs_end(report: Report) -> None:
    curves = table(report, "curves.csv")
    found = curves[(curves["task"] == HOPPER) & (curves["label"] == "TD3+ODT")].set_index("env_steps")
    assert list(found.index) == [0, 1000, 2000, 3000, 4000]
    assert list(found["mean"]) == [10, 20, 30, 43, 99]
    assert list(found["seeds"]) == [4, 4, 4, 4, 1]
    td3 = curves[(curves["task"] == HOPPER) & (curves["label"] == "TD3")].set_index("env_steps")
    assert list(td3["seeds"]) == [3, 2, 1, 1]  # one diverged before 1 000 steps, another at them
    assert list(td3["mean"]) == pytest.approx([43 / 3, 12.5, 25, 30])


def test_runs_csv_has_every_run_that_was_read(report: Report, scores: pd.DataFrame) -> None:
    runs = table(report, "runs.csv").set_index("run")
    assert set(runs.index) == set(scores.index)
    assert runs.loc["odt-hopper-0", "online_steps"] == 5000
    assert runs.loc["td3-hopper-0", "status"] == "diverged"
