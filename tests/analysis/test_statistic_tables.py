import numpy as np
import pandas as pd
import pytest

from tests.analysis.table_frames import no_nonsense, texts
from vitamin.analysis.tables.ablations import ablation_tables
from vitamin.analysis.tables.aggregates import aggregate_tables, improvement_tables
from vitamin.analysis.tables.comparisons import comparison_table, verdict
from vitamin.analysis.tables.marks import scope_stand_ins

SCOPE = "mujoco (2 tasks)"


def estimate(scope: str, label: str, metric: str, value: float, **columns) -> dict:
    row = {
        "scope": scope,
        "kind": "task" if scope == "hopper-medium-v2" else "suite",
        "tasks": 1,
        "label": label,
        "metric": metric,
        "value": value,
        "low": value - 1,
        "high": value + 2,
        "rliable_low": value,
        "rliable_high": value,
        "seeds": 3,
        "seeds_most": 3,
        "unit": "normalized",
        "data": "",
    }
    return row | columns


def comparison(a: str, b: str, difference: float, *, apart: bool, **columns) -> dict:
    row = {
        "scope": "hopper-medium-v2",
        "metric": "mean",
        "method_a": a,
        "method_b": b,
        "n_a": 3,
        "n_b": 3,
        "difference": difference,
        "low": difference - 5,
        "high": difference + 5,
        "p": 0.0004,
        "p_corrected": 0.0123,
        "apart": apart,
        "kind": "task",
        "unit": "normalized",
        "seeds_needed": np.nan,
        "points": np.nan,
        "reason": "",
    }
    return row | columns


def test_aggregates_over_tasks_and_a_single_column_for_one_task() -> None:
    frame = pd.DataFrame(
        [
            *(
                estimate(SCOPE, label, metric, value, tasks=2, seeds_most=most, data=data)
                for label, value, most, data in (("A", 50.0, 3, ""), ("B", -0.001, 5, "SAC (stand-in)"))
                for metric in ("mean", "median", "IQM", "optimality gap")
            ),
            estimate("hopper-medium-v2", "A", "mean", 30.0),
            estimate("hopper-medium-v2", "B", "mean", 40.0, low=np.nan, high=np.nan, seeds=1, seeds_most=1),
        ]
    )
    over_tasks, of_tasks = aggregate_tables(frame, not_worse={(SCOPE, "IQM"): frozenset({"A"})})
    assert over_tasks.table.header == ("Tasks", "Method", "Seeds", "Mean", "Median", "IQM", "Optimality gap")
    value = "50.00 [49.00, 52.00]"
    assert texts(over_tasks.table) == [
        [SCOPE, "A", "3", value, value, f"*{value}*", value],
        [f"{SCOPE} ‡", "B", "3 to 5", *["0.00 [−1.00, 2.00]"] * 4],
    ]
    assert (
        "‡ stand-in data, not the task's published dataset: SAC (stand-in) (mujoco (2 tasks): B)."
        in over_tasks.caption
    )
    assert "√(n/(n−1))" in over_tasks.caption
    assert of_tasks.table.header == ("Task", "Method", "Seeds", "Mean")
    assert texts(of_tasks.table) == [
        ["hopper-medium-v2", "A", "3", "30.00 [29.00, 32.00]"],
        ["hopper-medium-v2", "B", "1", "40.00 [–]"],
    ]
    assert of_tasks.caption.startswith("Mean of final scores [low, high].")
    (own,) = aggregate_tables(frame[frame["kind"] == "task"], interval="rliable")
    assert "rliable's own" in own.caption
    assert no_nonsense(over_tasks.table)


def test_what_is_apart_comes_first() -> None:
    frame = pd.DataFrame(
        [
            comparison("A", "B", 3.0, apart=False, p=0.5, p_corrected=1.0, seeds_needed=9.0, points=20.0),
            comparison("A", "C", -30.0, apart=True),
            comparison(
                "B", "C", np.nan, apart=False, p=np.nan, p_corrected=np.nan, reason="a single seed", n_b=1
            ),
        ]
    )
    block = comparison_table(frame, "Tests of all pairs.", {("hopper-medium-v2", "C"): "SAC (stand-in)"})
    assert "Measure" not in block.table.header
    assert texts(block.table) == [
        [
            "hopper-medium-v2 ‡",
            "A",
            "C",
            "3",
            "*−30.00 [−35.00, −25.00]*",
            "< 0.001",
            "0.012",
            "*C is better*",
        ],
        [
            *("hopper-medium-v2", "A", "B", "3", "+3.00 [−2.00, +8.00]", "0.500", "1.000"),
            "not apart; about 9 seeds for 20 points",
        ],
        ["hopper-medium-v2 ‡", "B", "C", "3 and 1", "–", "–", "–", "not apart: a single seed"],
    ]
    assert "Mean of final scores. Not apart: not told apart by a test" in block.caption
    assert "spread. Tests of all pairs." in block.caption
    assert block.table.header[block.table.label_column] == "Method"


def test_of_many_comparisons_the_first_are_shown_with_those_apart() -> None:
    frame = pd.DataFrame([comparison("A", f"B{place}", 3.0, apart=place == 9) for place in range(10)])
    block = comparison_table(frame, most=2)
    assert [row[2].text for row in block.table.rows] == ["B9", "B0"]
    assert "The first 2 of 10 comparisons; all are in `comparisons.csv`." in block.caption


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"metric": "optimality gap", "apart": True}, "B is better"),
        ({"metric": "IQM", "apart": True}, "A is better"),
        (
            {"seeds_needed": 1001.0, "points": 20.0},
            "not apart; over 1\N{NO-BREAK SPACE}000 seeds for 20 points",
        ),
        (
            {"seeds_needed": 4.0, "points": 51.25, "unit": "return"},
            "not apart; about 4 seeds for 51.2 of return",
        ),
        ({"seeds_needed": 3.0, "points": 20.0}, "not apart; these seeds would tell 20 points"),
        ({"reason": "no spread to judge by"}, "not apart: no spread to judge by"),
    ],
)
def test_verdicts_in_words(columns: dict, words: str) -> None:
    assert verdict(comparison("A", "B", 3.0, apart=False) | columns) == words


def test_improvement_is_a_matrix_of_each_scope() -> None:
    frame = pd.DataFrame(
        [("all tasks (24)", "A", "B", 0.75, 0.5, 1.0)],
        columns=["scope", "method_a", "method_b", "probability", "low", "high"],
    )
    (block,) = improvement_tables(frame, ("B", "A"))
    assert block.name == "improvement-all-tasks-24"
    assert block.table.header == ("Method", "B", "A")
    assert texts(block.table) == [["B", "–", "0.25 [0.00, 0.50]"], ["A", "0.75 [0.50, 1.00]", "–"]]
    places = scope_stand_ins(pd.DataFrame([estimate("all tasks (24)", "A", "mean", 1.0, data="SAC")]))
    (block,) = improvement_tables(frame, ("B", "A"), places)
    assert texts(block.table)[0] == ["B", "–", "0.25 [0.00, 0.50] ‡"]
    assert "‡ stand-in data" in block.caption


def ablation(rows: list[tuple], z_name: str = "") -> pd.DataFrame:
    columns = ["task", "x", "z", "mean", "seeds"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        method="TD3+ODT",
        x_name="rl_coefficient",
        z_name=z_name,
        low=frame["mean"] - 1,
        high=frame["mean"] + 1,
    )


def test_one_swept_setting_is_tasks_by_values_in_order() -> None:
    (block,) = ablation_tables(
        ablation(
            [
                ("hopper-medium-v2", "10", "", 2.0, 3),
                ("hopper-medium-v2", "0.5", "", 1.0, 3),
                ("pen-human-v1", "10", "", 3.0, 2),
            ]
        )
    )
    assert block.title == "TD3+ODT: rl_coefficient"
    assert block.name == "ablation-td3-odt-rl-coefficient"
    assert block.table.header == ("Task", "rl_coefficient = 0.5", "rl_coefficient = 10")
    assert texts(block.table) == [
        ["hopper-medium-v2", "1.00 [0.00, 2.00], n = 3", "2.00 [1.00, 3.00], n = 3"],
        ["pen-human-v1", "–", "3.00 [2.00, 4.00], n = 2"],
    ]


def test_two_swept_settings_are_a_grid_of_each_task() -> None:
    rows = [("t", x, z, x + z, 3) for x in (0.5, 2.0) for z in (5, 1)]
    (block,) = ablation_tables(ablation(rows, "eval_context_length"))
    assert block.title == "TD3+ODT: rl_coefficient and eval_context_length, t"
    assert block.table.header == ("eval_context_length", "rl_coefficient = 0.5", "rl_coefficient = 2")
    assert [row[0].text for row in block.table.rows] == ["1", "5"]
    assert block.table.rows[0][1].value == 1.5
    assert "3 seeds each." in block.caption


def test_many_values_become_rows_and_stand_ins_are_marked() -> None:
    frame = ablation([("t", value, "", float(value), 3) for value in range(9)]).assign(data="SAC (stand-in)")
    (block,) = ablation_tables(frame)
    assert block.table.header == ("rl_coefficient", "t")
    assert len(block.table.rows) == 9
    assert block.table.rows[8][1].text == "8.00 [7.00, 9.00] ‡"
    assert "SAC (stand-in) (t)" in block.caption
