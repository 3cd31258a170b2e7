import numpy as np
import pytest

from tests.analysis.table_frames import labels_of, no_nonsense, score_frame, summary_of, texts
from vitamin.analysis.table import Table
from vitamin.analysis.tables.scores import score_tables
from vitamin.analysis.tables.summary import success_tables, summary_table

WALKER = "walker2d-medium-v2"


def tables(*groups: dict, **options) -> list:
    frame = score_frame(*groups)
    return list(score_tables(frame, summary_of(frame), labels_of(frame), **options))


def test_cells_have_mean_spread_and_change_and_the_average_is_that_of_the_rows() -> None:
    (block,) = tables(
        {"label": "ODT", "finals": [10, 12]},
        {"label": "TD3+ODT", "finals": [86.98, 91.18]},
        {"task": WALKER, "label": "ODT", "finals": [40, 50]},
        {"task": WALKER, "label": "TD3+ODT", "finals": [20, 30]},
    )
    assert block.name == "scores-mujoco"
    assert block.table.header == ("Task", "ODT", "TD3+ODT")
    assert block.table.labels == (None, "ODT", "TD3+ODT")
    assert texts(block.table) == [
        ["hopper-medium-v2", "11.00 ± 1.41 (+1.00)", "*89.08 ± 2.97 (+79.08)*"],
        [WALKER, "*45.00 ± 7.07 (+35.00)*", "25.00 ± 7.07 (+15.00)"],
        ["Average of 2 tasks", "28.00 (+18.00)", "*57.04 (+47.04)*"],
    ]
    assert block.table.rows[0][2].value == pytest.approx(89.08)
    assert block.caption == (
        "Mean final score ± standard deviation over seeds (change from the pretrained policy). 2 seeds each. "
        "Compared at 10\N{NO-BREAK SPACE}000 online steps. Bold: the highest mean. "
        "The average is that of the 2 rows in which every method has a score."
    )


def test_bold_is_what_the_tests_do_not_tell_apart_from_the_best() -> None:
    (block,) = tables(
        {"label": "A", "finals": [10, 12]},
        {"label": "B", "finals": [86, 91]},
        {"label": "C", "finals": [70, 99]},
        not_worse={"hopper-medium-v2": frozenset({"B", "C"})},
    )
    assert [cell.bold for cell in block.table.rows[0]] == [False, False, True, True]
    assert "not tell apart from it" in block.caption


def test_within_ten_percent_is_a_mark_of_its_own() -> None:
    (block,) = tables(
        {"label": "A", "finals": [90.0]}, {"label": "B", "finals": [100.0]}, {"label": "C", "finals": [89.9]}
    )
    assert texts(block.table)[0][1:] == ["90.00 (+80.00)°", "*100.00 (+90.00)*", "89.90 (+79.90)"]
    assert "° not the best, but within 10 %" in block.caption
    (negative,) = tables({"label": "A", "finals": [-1.0]}, {"label": "B", "finals": [-1.2]})
    assert "°" not in texts(negative.table)[0][2]


def test_the_average_leaves_out_and_names_what_not_all_methods_have() -> None:
    (block,) = tables(
        {"label": "A", "finals": [1.0]},
        {"label": "B", "finals": [2.0]},
        {"task": WALKER, "label": "A", "finals": [3.0]},
        {"task": WALKER, "label": "B", "finals": [5.0]},
        {"task": "ant-medium-v2", "label": "A", "finals": [1000.0]},
        {"task": "ant-medium-v2", "label": "C", "finals": [7.0], "left_out": "not finished"},
    )
    assert texts(block.table)[-1] == ["Average of 2 tasks", "2.00 (−8.00)", "*3.50 (−6.50)*", "–"]
    assert "It leaves out ant-medium-v2." in block.caption
    assert "No run of C counts." in block.caption
    assert [row[3].text for row in block.table.rows] == ["–"] * 4


def test_bold_of_the_average_goes_by_its_scope() -> None:
    groups = [
        {"task": task, "label": label, "finals": [final]}
        for task in ("hopper-medium-v2", WALKER)
        for label, final in (("A", 1.0), ("B", 2.0))
    ]
    (block,) = tables(*groups, not_worse={"mujoco (2 tasks)": frozenset({"A", "B"})})
    assert texts(block.table)[-1][1:] == ["*1.00 (−9.00)*", "*2.00 (−8.00)*"]


def test_unequal_numbers_of_seeds_and_unfinished_and_diverged_runs_are_marked() -> None:
    (block,) = tables(
        {"label": "A", "finals": [1, 2, 3]},
        {"label": "B", "finals": [1, 3], "statuses": ["diverged", "finished"]},
        {"label": "C", "finals": [4, 5, 6]},
    )
    assert texts(block.table)[0][2] == "2.00 ± 1.41 (−8.00)†, n = 2"
    assert "3 seeds unless n says otherwise." in block.caption
    assert "† counts a run that diverged or is unfinished." in block.caption
    assert "1 run diverged" in (block.table.rows[0][2].note or "")
    assert "‡" not in block.caption


def test_stand_in_data_are_marked_by_task_or_by_method() -> None:
    (block,) = tables(
        {"label": "A", "finals": [1.0], "data": "stand-in: random policy"},
        {"label": "B", "finals": [9.0], "data": "stand-in: random policy"},
        {"task": WALKER, "label": "A", "finals": [1.0]},
        {"task": WALKER, "label": "B", "finals": [9.0], "data": "stand-in: SAC"},
    )
    assert [row[0].text for row in block.table.rows][:2] == ["hopper-medium-v2 ‡", WALKER]
    assert [cell.text for cell in block.table.rows[0][1:]] == ["1.00 (−9.00)", "9.00 (−1.00)"]
    assert [cell.text for cell in block.table.rows[1][1:]] == ["1.00 (−9.00)", "9.00 (−1.00)‡"]
    assert block.caption.endswith(
        "‡ stand-in data, not the task's published dataset: random policy (hopper-medium-v2); "
        "SAC (walker2d-medium-v2: B)."
    )


def test_averages_over_stand_in_data_are_marked() -> None:
    groups = [
        {"task": task, "label": label, "finals": [5.0]}
        for task in ("hopper-medium-v2", WALKER)
        for label in "AB"
    ]
    stand_in = {"data": "stand-in: SAC"}
    (block,) = tables(*groups[:3], groups[3] | stand_in)
    assert [cell.text for cell in block.table.rows[2]] == [
        "Average of 2 tasks",
        "5.00 (−5.00)",
        "5.00 (−5.00)‡",
    ]
    (block,) = tables(*(group | stand_in for group in groups[:2]), *groups[2:])
    assert [cell.text for cell in block.table.rows[2]] == [
        "Average of 2 tasks ‡",
        "5.00 (−5.00)",
        "5.00 (−5.00)",
    ]


def test_tasks_without_references_show_returns_and_enter_no_average() -> None:
    (block,) = tables(
        {
            "task": "Pendulum-v1",
            "label": "A",
            "finals": [-300, -250.5],
            "unit": "return",
            "pretrained": -1200,
        },
        {"task": "Pendulum-v1", "label": "B", "finals": [-260], "unit": "return", "pretrained": np.nan},
        {
            "task": "Other-v1",
            "label": "B",
            "finals": [np.nan],
            "unit": "return",
            "left_out": "no online evaluation",
        },
    )
    assert block.name == "scores-other"
    assert texts(block.table) == [
        ["Pendulum-v1 (return)", "−275.2 ± 35.0 (+924.8), n = 2", "*−260.0 (–)*"],
        ["Other-v1 (return)", "–", "–"],
    ]
    assert "No average: the scores are returns." in block.caption


def test_a_table_for_each_suite_names_methods_without_runs_there() -> None:
    first, second = tables(
        {"label": "A", "finals": [1.0]},
        {"label": "B", "finals": [2.0]},
        {"task": "pen-human-v1", "label": "A", "finals": [3.0]},
    )
    assert (first.name, second.name) == ("scores-mujoco", "scores-adroit")
    assert second.table.header == ("Task", "A")
    assert "Without runs here: B." in second.caption


def test_nothing_unreadable_is_shown() -> None:
    (block,) = tables(
        {"label": "A", "finals": [-0.001, -0.002], "pretrained": -0.001},
        {"label": "B", "finals": [1e99, 1e99], "pretrained": np.nan},
    )
    assert no_nonsense(block.table)
    assert texts(block.table)[0][1] == "0.00 ± 0.00 (+0.00)"
    assert len(texts(block.table)[0][2]) < 40


def test_many_methods_become_rows_and_many_tasks_several_tables() -> None:
    methods = [f"TD3+ODT, rl_coefficient={value}" for value in range(9)]
    one = tables(*({"label": label, "finals": [place]} for place, label in enumerate(methods)))
    assert one[0].table.header == ("Method", "hopper-medium-v2")
    assert one[0].table.label_column == 0
    assert [row[0].text for row in one[0].table.rows] == methods
    several = tables(
        *({"task": f"hopper-{t}-v2", "label": label, "finals": [t]} for t in range(7) for label in methods)
    )
    assert [block.name for block in several] == ["scores-mujoco-1", "scores-mujoco-2"]
    assert several[1].table.header == ("Method", "hopper-6-v2", "Average of 7 tasks")
    assert several[1].table.rows[0][2].text == "3.00 (−7.00)"


def test_the_summary_leaves_out_columns_without_content_and_shows_own_ends() -> None:
    frame = score_frame(
        {"label": "A", "finals": [20, 40], "end_steps": 20_000.0, "own_final": 50.0},
        {"label": "B", "finals": [20.0], "data": "stand-in: SAC"},
    )
    block = summary_table(frame, summary_of(frame))
    assert block.table.header == (
        "Task",
        "Method",
        "Seeds",
        "Pretrained",
        "Final",
        "Change",
        "At its own end",
    )
    assert texts(block.table) == [
        [
            *("hopper-medium-v2", "A", "2", "10.00 ± 0.00", "30.00 ± 14.14", "+20.00 ± 14.14"),
            "50.00 at 20\N{NO-BREAK SPACE}000",
        ],
        ["hopper-medium-v2 ‡", "B", "1", "10.00", "20.00", "+10.00", "–"],
    ]
    assert block.table.label_column == 1
    assert "‡ stand-in data" in block.caption


def test_regret_and_success_are_columns_where_they_are_known() -> None:
    frame = score_frame(
        {"finals": [20, 40], "regret": 75.0, "success": 0.25}, {"label": "B", "finals": [1.0]}
    )
    table: Table = summary_table(frame, summary_of(frame)).table
    assert table.header[-2:] == ("Regret", "Success")
    assert texts(table)[0][-2:] == ["75.00", "25.0 %"]
    assert texts(table)[1][-2:] == ["–", "–"]
    (block,) = success_tables(frame, summary_of(frame), labels_of(frame))
    assert texts(block.table) == [["hopper-medium-v2", "25.0 %", "–"]]
    nothing = score_frame({"finals": [20, 40]})
    assert success_tables(nothing, summary_of(nothing), labels_of(nothing)) == ()
