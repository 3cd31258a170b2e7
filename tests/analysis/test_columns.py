import pandas as pd
import pytest

from vitamin.analysis.report.columns import CSV_COLUMNS, frames_for_csv


def empty_frames() -> list[pd.DataFrame]:
    return [pd.DataFrame(columns=[column.name for column in columns]) for columns in CSV_COLUMNS.values()]


def test_comparisons_begin_as_the_issue_has_them() -> None:
    names = [column.name for column in CSV_COLUMNS["comparisons.csv"]]
    assert ",".join(names[:12]) == (
        "scope,metric,method_a,method_b,n_a,n_b,difference,low,high,p,p_corrected,apart"
    )


def test_no_column_is_documented_twice() -> None:
    for columns in CSV_COLUMNS.values():
        assert len({column.name for column in columns}) == len(columns)
        assert all(column.description for column in columns)


def test_columns_are_put_in_their_order_and_others_behind_them() -> None:
    frames = empty_frames()
    mixed = frames[4][frames[4].columns[::-1]].assign(more=1)
    ordered = frames_for_csv(*frames[:4], mixed)
    assert list(ordered) == list(CSV_COLUMNS)
    assert list(ordered["comparisons.csv"].columns) == [*frames[4].columns, "more"]


def test_a_missing_column_is_named() -> None:
    frames = empty_frames()
    with pytest.raises(ValueError, match=r"scores.csv lacks regret"):
        frames_for_csv(frames[0], frames[1].drop(columns="regret"), *frames[2:])
