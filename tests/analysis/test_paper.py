import math

import pandas as pd
import pytest

from tests.analysis.run_folders import run_info
from tests.analysis.table_frames import labels_of, no_nonsense, score_frame, summary_of, texts
from vitamin.analysis.paper import MISPRINTS, published, published_averages, published_steps
from vitamin.analysis.tables.against_paper import misprint_text, paper_tables
from vitamin.analysis.tables.against_results import results_tables
from vitamin.analysis.tables.comparable import changed_settings, why_not_comparable

PAPER = {"budget": 500_000.0, "end_steps": 500_000.0, "at_steps": 500_000.0}


def averages() -> dict:
    return {(row.suite, row.method): (row.final, row.change) for row in published_averages().itertuples()}


def test_published_scores_are_whole() -> None:
    frame = published()
    assert list(frame.columns) == ["suite", "task", "method", "final", "change"]
    assert len(frame) == 30 * 7
    assert not frame.duplicated(["task", "method"]).any()
    assert frame.iloc[6].tolist() == ["mujoco", "hopper-medium-v2", "TD3+ODT", 89.07, 25.97]
    assert published_steps("mujoco") == 500_000
    assert published_steps("antmaze") == 1_000_000
    assert published_steps("other") is None


def test_averages_are_those_of_the_rows_not_the_misprinted_ones() -> None:
    found = averages()
    assert found["mujoco", "IQL"] == pytest.approx((55.90, 6.53), abs=0.005)
    assert found["mujoco", "DDPG+ODT"][0] == pytest.approx(22.41, abs=0.005)
    assert found["adroit", "TD3"] == pytest.approx((27.44, -27.07), abs=0.005)
    for misprint in MISPRINTS:
        final, change = found[misprint.suite, misprint.method]
        assert abs((final if misprint.quantity == "final" else change) - misprint.printed) > 0.4


def test_misprints_say_what_is_printed_and_what_the_rows_give() -> None:
    assert misprint_text("mujoco", "IQL") == (
        "MuJoCo, IQL: the paper prints +7.80 as the average change, its rows give +6.53."
    )
    assert misprint_text("adroit", "TD3") == (
        "Adroit, TD3: the paper prints 31.85 as the average, its rows give 27.44; and −29.63 as the average change, "
        "its rows give −27.07."
    )
    assert misprint_text("mujoco", "TD3+ODT") == ""


def against(*groups: dict, preset: str = "paper"):
    frame = score_frame(*groups)
    runs = pd.DataFrame({"run": frame["run"], "preset": preset})
    reasons = why_not_comparable(frame, runs)
    return paper_tables(frame, summary_of(frame), labels_of(frame), reasons)


def test_ours_beside_the_published_with_difference_and_whether_our_interval_covers_it() -> None:
    found = against(
        {"finals": [86.0, 91.0], **PAPER},
        {"label": "IQL", "finals": [60.0, 60.2], **PAPER},
        {"label": "ODT", "finals": [60.0], **PAPER},
    )
    (block,) = found.tables
    assert block.name == "paper-mujoco"
    assert texts(block.table) == [
        # mean 88.5, s 3.5355: half-width 12.706·2.5 = 31.77
        [
            *("hopper-medium-v2", "TD3+ODT", "2", "88.50 [56.73, 120.27] (+78.50)"),
            *("89.07 (+25.97)", "−0.57", "covers it", "yes"),
        ],
        [
            *("hopper-medium-v2", "IQL", "2", "60.10 [58.83, 61.37] (+50.10)"),
            *("44.72 (−21.30)", "+15.38", "does not", "yes"),
        ],
        ["hopper-medium-v2", "ODT", "1", "60.00 [–] (+50.00)", "97.84 (+48.69)", "−37.84", "–", "yes"],
    ]
    assert found.notes == ()
    assert block.table.label_column == 1


def test_other_presets_data_and_budgets_are_shown_but_not_comparable() -> None:
    found = against({"finals": [80.0], "data": "stand-in: SAC"}, preset="small")
    row = texts(found.tables[0].table)[0]
    assert row[0] == "hopper-medium-v2 ‡"
    assert row[4:6] == ["89.07 (+25.97)", "−9.07"]
    space = "\N{NO-BREAK SPACE}"
    assert row[7] == "no"
    reason = f"preset small; stand-in data: SAC; 10{space}000 steps instead of 500{space}000"
    assert f"None of these can be compared with the paper's: {reason}." in found.tables[0].caption
    half = against({"finals": [80.0], **PAPER}, {"label": "ODT", "finals": [80.0], "unit": "return", **PAPER})
    assert [row[7] for row in texts(half.tables[0].table)][:1] == ["yes"]
    assert "‡ stand-in data" in found.tables[0].caption


def test_settings_changed_from_the_preset_are_not_comparable() -> None:
    frame = score_frame({"finals": [80.0, 81.0], **PAPER})
    runs = pd.DataFrame({"run": frame["run"], "preset": "paper"})
    changed = {frame["run"][1]: "rl_coefficient=0.5"}
    assert why_not_comparable(frame, runs, changed) == {("hopper-medium-v2", "TD3+ODT"): "rl_coefficient=0.5"}


def test_only_settings_of_influence_count_as_changed() -> None:
    infos = {
        "a": run_info(overrides={"rl_coefficient": 0.5, "learner_threads": 2, "critic_layer_norm": True}),
        "b": run_info(overrides={"learner_threads": 2}),
    }
    found = changed_settings(infos, lambda method: {"learner_threads"} if method == "td3_odt" else ())
    assert found == {"a": "critic_layer_norm=true, rl_coefficient=0.5"}


def test_the_last_evaluation_may_miss_the_paper_s_step_by_a_little() -> None:
    frame = score_frame({"finals": [80.0], **PAPER, "at_steps": 495_000.0})
    runs = pd.DataFrame({"run": frame["run"], "preset": "paper"})
    assert set(why_not_comparable(frame, runs).values()) == {""}


def test_tasks_and_methods_that_the_paper_lacks_are_named() -> None:
    found = against(
        {"task": "Pendulum-v1", "finals": [-200.0], "unit": "return"},
        {"label": "GRPO", "finals": [4.0], **PAPER},
    )
    assert texts(found.tables[0].table)[0][4:] == ["–", "–", "–", "–"]
    assert found.notes == ("The paper has no scores on Pendulum-v1.", "The paper has no scores of GRPO.")
    alone = against({"task": "Pendulum-v1", "finals": [-200.0], "unit": "return"})
    assert alone.tables == ()
    assert alone.notes == ("The paper has no scores on Pendulum-v1.",)


def test_returns_are_not_compared_with_scores() -> None:
    (block,) = against({"finals": [900.0], "unit": "return", **PAPER}).tables
    row = texts(block.table)[0]
    assert row[0] == "hopper-medium-v2 (return)"
    assert row[5:] == ["–", "–", "no"]
    assert "compared with the paper's: returns, not normalized scores." in block.caption


def test_averages_over_all_tasks_of_a_suite_have_footnotes_on_misprints() -> None:
    tasks = published().query("suite == 'mujoco'")["task"].unique()
    frame = score_frame(*({"task": task, "label": "IQL", "finals": [50.0], **PAPER} for task in tasks))
    frame["suite"] = "mujoco"
    runs = pd.DataFrame({"run": frame["run"], "preset": "paper"})
    (block,) = paper_tables(frame, summary_of(frame), ("IQL",), why_not_comparable(frame, runs)).tables
    average = texts(block.table)[-1]
    assert average == [
        "Average of 12 tasks",
        "IQL",
        "–",
        "50.00 (+40.00)",
        "55.90 (+6.53)",
        "−5.90",
        "–",
        "yes",
    ]
    assert "prints +7.80 as the average change, its rows give +6.53" in block.caption
    some = score_frame(*({"task": task, "label": "IQL", "finals": [50.0], **PAPER} for task in tasks[:2]))
    (block,) = paper_tables(some, summary_of(some), ("IQL",), {}).tables
    assert texts(block.table)[-1][4] == "53.74 (−14.46)"  # (44.72 + 62.76) / 2, (−21.3 − 7.63) / 2
    assert "prints" not in block.caption


def test_against_other_results_by_welch_s_test() -> None:
    from scipy import stats

    ours = score_frame(
        {"label": "A", "finals": [10, 12, 11]},
        {"label": "B", "finals": [1.0]},
        {"label": "C", "finals": [5, 6]},
    )
    theirs = score_frame(
        {"label": "A", "finals": [40, 45]}, {"label": "B", "finals": [1, 2]}, {"label": "D", "finals": [1]}
    )
    found = results_tables(summary_of(ours), summary_of(theirs), labels_of(ours), name="earlier")
    test = stats.ttest_ind([10, 12, 11], [40, 45], equal_var=False)
    interval = test.confidence_interval()
    row = texts(found.tables[0].table)[0]
    low, high = (f"{end:.2f}".replace("-", "−") for end in interval)
    assert row[:6] == [
        "hopper-medium-v2", "A", "3 and 2", "11.00 ± 1.00", "42.50 ± 3.54", f"−31.50 [{low}, {high}]"
    ]  # fmt: skip
    assert row[6] == f"{test.pvalue:.3f}"
    assert found.tables[0].table.rows[0][7].value == pytest.approx(test.pvalue)  # one test alone
    assert row[8] == "*theirs better*" if test.pvalue < 0.05 else row[8] == "not told apart"
    assert texts(found.tables[0].table)[1][5:] == [
        "−0.50 [–]",
        "–",
        "–",
        "no test: a single seed, or no spread",
    ]
    assert found.notes == ("Only here: C on hopper-medium-v2.", "Only in earlier: D on hopper-medium-v2.")
    assert no_nonsense(found.tables[0].table)


def test_p_is_corrected_over_all_tests_of_the_table() -> None:
    ours = score_frame(
        {"label": "A", "finals": [1, 2, 3]},
        {"label": "B", "finals": [1, 2, 3]},
        {"label": "C", "finals": [1, 2, 3]},
    )
    theirs = score_frame(
        {"label": "A", "finals": [11, 12, 13]},
        {"label": "B", "finals": [6, 7, 8]},
        {"label": "C", "finals": [1, 2, 3]},
    )
    (block,) = results_tables(summary_of(ours), summary_of(theirs), labels_of(ours), name="x").tables
    p, corrected = ([row[column].value or math.nan for row in block.table.rows] for column in (6, 7))
    assert corrected == pytest.approx([3 * p[0], 2 * p[1], 1.0])


def test_other_steps_units_and_nothing_in_common_say_so() -> None:
    ours, theirs = score_frame({"finals": [1, 2]}), score_frame({"finals": [11, 12]})
    steps = {"hopper-medium-v2": 10_000}, {"hopper-medium-v2": 20_000}
    (block,) = results_tables(
        summary_of(ours), summary_of(theirs), ("TD3+ODT",), name="x", steps=steps
    ).tables
    space = "\N{NO-BREAK SPACE}"
    assert texts(block.table)[0][5:] == [
        *("–", "–", "–", f"not comparable: 10{space}000 and 20{space}000 steps")
    ]
    references = {"hopper-medium-v2": (0.0, 100.0)}, {"hopper-medium-v2": (0.0, 50.0)}
    (block,) = results_tables(
        summary_of(ours), summary_of(theirs), ("TD3+ODT",), name="x", references=references
    ).tables
    assert texts(block.table)[0][5:] == [
        *("–", "–", "–", "not comparable: reference scores differ (0 … 100; 0 … 50)")
    ]
    returns = summary_of(theirs).assign(unit="return")
    (block,) = results_tables(summary_of(ours), returns, ("TD3+ODT",), name="x").tables
    assert texts(block.table)[0][5:] == ["–", "–", "–", "not comparable: one side has returns"]
    other = summary_of(score_frame({"label": "Z", "finals": [11, 12]}))
    nothing = results_tables(summary_of(ours), other, ("TD3+ODT",), name="x")
    assert nothing.tables == ()
    assert (
        nothing.notes[0]
        == "Nothing here has the task and the method of a result in x, so nothing is compared."
    )
