"""Pictures of ablations: the swept setting is the axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.analysis.figures import NAN, legend_texts, notes, sheet_of


def sweep(x: Sequence[Any], means: Sequence[float], *, half: float = 1, **more: Any) -> pd.DataFrame:
    values = pd.Series(means, dtype=float)
    columns = {
        "task": "hopper",
        "method": "TD3+ODT",
        "x_name": "rl_coefficient",
        "z_name": "",
        "z": "",
        "seeds": 3,
    }
    ends = {"x": list(x), "mean": means, "low": values - half, "high": values + half}
    return pd.DataFrame(ends).assign(**(columns | more))


def ticks(axes) -> list[str]:  # type: ignore[no-untyped-def]
    return [text.get_text() for text in axes.get_xticklabels()]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.1, 0.2, 0.3], "linear"),
        ([1, 5, 20], "log"),
        (["0.001", "0.1", "10"], "log"),
        ([0, 0.01, 1], "symlog"),
        ([0, 1, 2], "linear"),
        ([-1, 0.01, 1], "symlog"),
        ([7], "linear"),
    ],
)
def test_numbers_are_an_axis_whose_scale_fits_their_spread(values: list[Any], scale: str) -> None:
    with sheet_of("ablation", sweep(values[::-1], [*range(len(values))])) as sheet:
        (axes,) = sheet.axes
        assert axes.get_xscale() == scale
        numbers = [float(value) for value in values]
        assert axes.get_xticks().tolist() == numbers
        assert [float(text) for text in ticks(axes)] == numbers
        low, high = axes.get_xlim()
        assert low < numbers[0]
        assert high > numbers[-1]
        line = axes.lines[-1]
        assert line.get_xdata().tolist() == numbers
        assert line.get_ydata().tolist() == [*range(len(values))][::-1]
        assert axes.get_xlabel() == "rl_coefficient"


def test_texts_are_unconnected_categories_numbers_first() -> None:
    with sheet_of("ablation", sweep(["td3", "10", "default", "2"], [1, 2, 3, 4])) as sheet:
        (axes,) = sheet.axes
        assert ticks(axes) == ["2", "10", "td3", "default"]
        line = axes.lines[-1]
        assert line.get_linestyle() == "None"
        assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == {0: 4, 1: 2, 2: 1, 3: 3}
    with sheet_of("ablation", sweep([True, False], [1, 2])) as sheet:
        assert ticks(sheet.axes[0]) == ["True", "False"]


def test_a_second_setting_gives_lines_with_their_intervals_beside_each_other() -> None:
    frame = pd.concat(
        [
            sweep([1, 2], [10, 20], z_name="eval_context_length", z="1"),
            sweep([1, 2], [30, 40], z_name="eval_context_length", z="20", half=NAN, seeds=1),
            sweep([1, 2], [5, 6], task="ant", z_name="eval_context_length", z="20", data="random"),
        ]
    )
    with sheet_of("ablation", frame) as sheet:
        hopper, ant = sheet.axes
        assert [axes.get_title() for axes in sheet.axes] == ["hopper", "ant ‡"]
        one, twenty = (line for line in hopper.lines if line.get_linewidth() == 1.4)
        assert one.get_ydata().tolist() == [10, 20]
        assert twenty.get_ydata().tolist() == [30, 40]
        places = [line.get_transform().transform([[1, 10]])[0, 0] for line in (one, twenty)]
        assert places[1] - places[0] == pytest.approx(3 / 72 * sheet.dpi)
        assert len(ant.lines) == 3  # two caps and the line
        assert legend_texts(sheet) == [
            "TD3+ODT, eval_context_length=1 (n = 3)",
            "TD3+ODT, eval_context_length=20 ‡ (n = 1 to 3)",
        ]
        assert "‡ stand-in data" in notes(sheet)


def test_intervals_are_drawn_to_their_ends_unless_they_flatten_the_rest() -> None:
    with sheet_of("ablation", sweep([1, 2], [10, 20], half=8)) as sheet:
        low, high = sheet.axes[0].get_ylim()
        assert low < 2
        assert high > 28
        (bar_lines,) = sheet.axes[0].collections
        assert np.array_equal(bar_lines.get_segments()[0], [[1, 2], [1, 18]])
        assert "cut" not in notes(sheet)
    with sheet_of("ablation", sweep([1, 2], [10, 20], half=500)) as sheet:
        low, high = sheet.axes[0].get_ylim()
        assert high - low < 60
        assert "wide intervals are cut" in notes(sheet)


def test_crowded_values_leave_out_texts_that_would_overlap() -> None:
    values = np.linspace(0.001, 0.01, 40).round(6)
    with sheet_of("ablation", sweep(values, [1.0] * 40)) as sheet:
        assert 2 <= len(ticks(sheet.axes[0])) < 12


def test_a_task_without_scores_is_an_empty_panel() -> None:
    frame = pd.concat([sweep([1, 2], [NAN, NAN]), sweep([1, 2], [1, 2], task="ant")])
    with sheet_of("ablation", frame) as sheet:
        assert [text.get_text() for text in sheet.axes[0].texts] == ["no scores"]
