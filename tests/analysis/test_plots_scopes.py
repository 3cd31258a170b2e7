"""Pictures of aggregates: intervals, profiles, probabilities of improvement, efficiency."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from tests.analysis.figures import NAN, interval, legend_texts, notes, sheet_of


def bars(axes) -> list[tuple[float, float]]:  # type: ignore[no-untyped-def]
    """Ends of the intervals, from the top."""
    (found,) = [part for part in axes.collections if isinstance(part, PolyCollection)]
    return [tuple(path.get_extents().extents[[0, 2]].tolist()) for path in found.get_paths()]


def estimates(axes) -> list[float]:  # type: ignore[no-untyped-def]
    (found,) = [part for part in axes.collections if isinstance(part, LineCollection)]
    return [float(segment[0, 0]) for segment in found.get_segments()]


def rows(axes) -> list[str]:  # type: ignore[no-untyped-def]
    return [text.get_text() for text in axes.get_yticklabels()]


def test_intervals_are_a_row_of_panels_a_scope_and_a_column_a_metric() -> None:
    frame = pd.DataFrame(
        [
            interval(scope, label, metric, value, value - 2, value + 3)
            for scope in ("mujoco (2 tasks)", "all tasks (3)")
            for metric, shift in (("median", 0), ("optimality gap", 40))
            for label, value in (("TD3+ODT", 50 + shift), ("ODT", 30 + shift))
        ]
    )
    with sheet_of("intervals", frame) as sheet:
        assert len(sheet.axes) == 4
        titles = [axes.get_title() for axes in sheet.axes]
        assert titles == ["median", "optimality gap (lower is better)"] * 2
        assert rows(sheet.axes[0]) == ["ODT (n = 3)", "TD3+ODT (n = 3)"]
        assert rows(sheet.axes[1]) == []
        assert bars(sheet.axes[0]) == [(28, 33), (48, 53)]
        assert estimates(sheet.axes[1]) == [70, 90]
        assert [text.get_text() for axes in sheet.axes[::2] for text in axes.texts] == [
            "mujoco (2 tasks)",
            "all tasks (3)",
        ]


def test_an_estimate_without_interval_is_a_tick_only_and_nothing_is_said_to_be_nothing() -> None:
    frame = pd.DataFrame(
        [
            interval("all", "ODT", "IQM", 5, NAN, NAN, seeds=1, seeds_most=2),
            interval("all", "TD3", "IQM", 7, 6, 9),
            interval("all", "ODT", "mean", NAN, NAN, NAN),
        ]
    )
    with sheet_of("intervals", frame) as sheet:
        first, second = sheet.axes
        assert rows(first) == ["ODT (n = 1 to 3)", "TD3 (n = 3)"]
        assert bars(first) == [(6, 9)]
        assert estimates(first) == [5, 7]
        assert [text.get_text() for text in second.texts] == ["none"]


def test_many_labels_of_intervals_are_counted() -> None:
    frame = pd.DataFrame([interval("all", f"M, a={number}", "IQM", number, 0, 99) for number in range(70)])
    with sheet_of("intervals", frame) as sheet:
        assert len(rows(sheet.axes[0])) == 60
        assert "and 10 more, in aggregates.csv" in [text.get_text() for text in sheet.axes[0].texts]


def test_stand_in_data_is_marked_beside_intervals() -> None:
    frame = pd.DataFrame(
        [interval("all", "ODT", "IQM", 5, 4, 6, data="random"), interval("all", "TD3", "IQM", 5, 4, 6)]
    )
    with sheet_of("intervals", frame) as sheet:
        assert rows(sheet.axes[0]) == ["ODT ‡ (n = 3)", "TD3 (n = 3)"]
        assert notes(sheet) == "‡ stand-in data"


def test_profiles_are_shares_above_thresholds_with_bands() -> None:
    thresholds = [0.0, 50.0, 100.0]
    parts = [
        pd.DataFrame(
            {
                "threshold": thresholds,
                "share": [1, share, 0],
                "low": [1, share - 0.1, 0],
                "high": [1, share + 0.1, 0],
            }
        ).assign(scope=scope, label=label)
        for scope in ("mujoco", "all")
        for label, share in (("TD3+ODT", 0.75), ("ODT", 0.25))
    ]
    with sheet_of("profiles", pd.concat(parts)) as sheet:
        assert [axes.get_title() for axes in sheet.axes] == ["mujoco", "all"]
        odt, td3_odt = sheet.axes[0].lines
        assert odt.get_xydata().tolist() == [[0, 1], [50, 0.25], [100, 0]]
        assert td3_odt.get_ydata().tolist() == [1, 0.75, 0]
        assert len(sheet.axes[0].collections) == 2
        assert sheet.axes[0].get_ylabel() == "Share of runs above τ"
        assert sheet.axes[0].get_ylim() == (-0.02, 1.02)
        assert legend_texts(sheet) == ["ODT", "TD3+ODT"]


def test_improvement_names_x_left_and_y_right_of_each_interval() -> None:
    frame = pd.DataFrame(
        {
            "scope": "all",
            "method_a": ["ODT", "TD3"],
            "method_b": ["TD3+ODT", "TD3+ODT"],
            "probability": [0.3, 0.6],
            "low": [0.1, NAN],
            "high": [0.45, NAN],
        }
    )
    with sheet_of("improvement", frame) as sheet:
        left, right = sheet.axes
        assert rows(left) == ["ODT", "TD3"]
        assert rows(right) == ["TD3+ODT", "TD3+ODT"]
        assert left.get_ylim() == right.get_ylim()
        assert bars(left) == [pytest.approx((0.1, 0.45))]
        assert estimates(left) == [0.3, 0.6]
        assert left.lines[0].get_xdata() == [0.5, 0.5]
        assert left.get_xlabel() == "P(X > Y)"


def test_efficiency_has_steps_or_hours_along_the_axis() -> None:
    frame = pd.DataFrame(
        {"scope": "all", "label": "ODT", "x": [0, 1e5], "IQM": [5, 50], "low": [4, 40], "high": [6, 60]}
    )
    with sheet_of("efficiency", frame, name="efficiency-steps") as sheet:
        assert sheet.axes[0].get_xlabel() == "Online environment steps"
        assert sheet.axes[0].xaxis.get_major_formatter()(1e5) == "100k"
        assert np.array_equal(sheet.axes[0].lines[0].get_xydata(), [[0, 5], [1e5, 50]])
    with sheet_of("efficiency", frame.assign(x=[0, 2.5]), name="efficiency-hours") as sheet:
        assert sheet.axes[0].get_xlabel() == "Hours of wall-clock time"
