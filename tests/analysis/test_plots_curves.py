"""Pictures of learning curves: what is drawn for a frame."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from tests.analysis.figures import NAN, curve, legend_texts, notes, sheet_of
from vitamin.analysis.styles import label_styles


def seeds_of(task: str, label: str, *scores: list[float]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"env_steps": [1000 * step for step in range(len(run))], "score": run}).assign(
            task=task, label=label, seed=seed
        )
        for seed, run in enumerate(scores)
    ]
    return pd.concat(parts, ignore_index=True)


def test_panels_stand_in_the_frames_order_with_units_and_one_legend() -> None:
    frame = pd.concat(
        [
            curve("walker2d-medium-v2", "ODT", [10, 20], seeds=2),
            curve("hopper-medium-v2", "TD3+ODT", [10, 20]),
            curve("hopper-medium-v2", "ODT", [95, 98]),
            curve("Pendulum-v1", "ODT", [-300, -250], unit="return"),
        ]
    )
    with sheet_of("curves", frame) as sheet:
        assert [axes.get_title() for axes in sheet.axes] == [
            "walker2d-medium-v2",
            "hopper-medium-v2",
            "Pendulum-v1",
        ]
        assert [axes.get_ylabel() for axes in sheet.axes] == ["Normalized score (0-100)"] * 2 + ["Return"]
        assert all(axes.get_xlabel() == "Online environment steps" for axes in sheet.axes)
        assert legend_texts(sheet) == ["ODT (n = 2 to 3)", "TD3+ODT (n = 3)", "pretrained"]


def test_a_curve_is_its_means_with_a_band_and_a_hollow_pretrained_marker() -> None:
    with sheet_of("curves", curve("hopper", "ODT", [10, 30, 20], half=4)) as sheet:
        (axes,) = sheet.axes
        line, pretrained = axes.lines[:2]
        assert np.array_equal(line.get_xydata(), [[0, 10], [1000, 30], [2000, 20]])
        assert line.get_color() == label_styles(["ODT"])["ODT"].color
        assert np.array_equal(pretrained.get_xydata(), [[0, 10]])
        assert pretrained.get_markerfacecolor() == "white"
        (band,) = axes.collections
        (outline,) = band.get_paths()
        assert outline.get_extents().extents == pytest.approx([0, 6, 2000, 34])


def test_curves_that_begin_later_have_no_pretrained_marker() -> None:
    frame = curve("hopper", "ODT", [10, 30, 20])[1:]
    with sheet_of("curves", frame) as sheet:
        assert legend_texts(sheet) == ["ODT (n = 3)"]


def test_curves_end_where_they_end_and_are_dotted_where_seeds_are_missing() -> None:
    frame = pd.concat(
        [curve("hopper", "ODT", [1, 2, 3, 4, 5], seeds=[3, 3, 3, 2, 1]), curve("hopper", "TD3+ODT", [5, 6])]
    )
    with sheet_of("curves", frame) as sheet:
        (axes,) = sheet.axes
        full, dotted, _, other = axes.lines[:4]
        assert np.array_equal(full.get_ydata(), [1, 2, 3])
        assert np.array_equal(dotted.get_ydata(), [NAN, NAN, 3, 4, 5], equal_nan=True)
        assert dotted.get_linewidth() < full.get_linewidth()
        assert other.get_xdata()[-1] == 1000
        assert legend_texts(sheet)[0] == "ODT (n = 1 to 3)"
        assert legend_texts(sheet)[-1] == "fewer seeds"


def test_single_runs_are_thin_lines_of_at_most_five_seeds() -> None:
    frame = pd.concat([curve("hopper", "ODT", [10, 20]), curve("hopper", "TD3", [10, 20], seeds=6)])
    runs = pd.concat(
        [seeds_of("hopper", "ODT", [9, 19], [11, 21, 22]), seeds_of("hopper", "TD3", *[[10, 20]] * 6)]
    )
    with sheet_of("curves", frame, runs=runs) as sheet:
        (lines,) = [found for found in sheet.axes[0].collections if isinstance(found, LineCollection)]
        assert [segment.tolist() for segment in lines.get_segments()] == [
            [[0, 9], [1000, 19]],
            [[0, 11], [1000, 21], [2000, 22]],
        ]
        assert "a single seed" in legend_texts(sheet)
    with sheet_of("curves", frame) as sheet:
        assert "a single seed" not in legend_texts(sheet)


def test_reference_lines_where_they_do_not_flatten_the_curves() -> None:
    frame = pd.concat(
        [
            curve("near-0", "ODT", [3, 10]),
            curve("between", "ODT", [45, 55]),
            curve("both", "ODT", [5, 95]),
            curve("returns", "ODT", [5, 95], unit="return"),
        ]
    )
    with sheet_of("curves", frame) as sheet:
        texts = [[text.get_text() for text in axes.texts] for axes in sheet.axes]
        assert texts == [["ref.\nmin"], [], ["ref.\nmin", "ref.\nmax"], []]
        low, high = sheet.axes[1].get_ylim()
        assert 30 < low < 45 < 55 < high < 70


def test_wide_bands_do_not_flatten_the_curves_and_the_legend_says_that_they_are_cut() -> None:
    frame = curve("hopper", "ODT", [40, 60], half=900, seeds=2)
    with sheet_of("curves", frame) as sheet:
        low, high = sheet.axes[0].get_ylim()
        assert high - low < 60
        assert "wide bands are cut" in notes(sheet)
    with sheet_of("curves", curve("hopper", "ODT", [40, 60], half=5)) as sheet:
        low, high = sheet.axes[0].get_ylim()
        assert low < 35
        assert high > 65
        assert "cut" not in notes(sheet)


def test_equal_scores_have_an_axis_of_ordinary_numbers() -> None:
    with sheet_of("curves", curve("antmaze", "ODT", [0, 0], half=0)) as sheet:
        low, high = sheet.axes[0].get_ylim()
        assert low < -0.4
        assert high > 0.4


def test_stand_in_data_is_marked_in_the_panel_and_for_the_method() -> None:
    frame = pd.concat(
        [
            curve("hopper", "ODT", [1, 2], data="random data"),
            curve("hopper", "TD3", [1, 2]),
            curve("ant", "TD3", [1, 2]),
        ]
    )
    with sheet_of("curves", frame) as sheet:
        assert [axes.get_title() for axes in sheet.axes] == ["hopper ‡", "ant"]
        assert legend_texts(sheet)[:2] == ["ODT ‡ (n = 3)", "TD3 (n = 3)"]
        assert "‡ stand-in data" in notes(sheet)


def test_what_bands_are_is_said_as_the_frame_knows_it() -> None:
    frame = curve("hopper", "ODT", [10, 20])
    with sheet_of("curves", frame) as sheet:
        assert notes(sheet) == "lines: means over n seeds; bands as the caption says"
    frame.attrs["band"] = "means ± standard deviations"
    with sheet_of("curves", frame) as sheet:
        assert notes(sheet) == "means ± standard deviations"
    with sheet_of("curves", curve("hopper", "ODT", [1, 2], half=NAN, seeds=1)) as sheet:
        assert notes(sheet) == "single seeds"


def test_many_labels_have_lines_only_and_those_beyond_24_are_grey_and_counted() -> None:
    frame = pd.concat([curve("hopper", f"TD3+ODT, a={number}", [number, 30]) for number in range(30)])
    with sheet_of("curves", frame) as sheet:
        (axes,) = sheet.axes
        assert sum(line.get_marker() != "None" for line in axes.lines) == 24
        (rest,) = axes.collections
        assert [segment[0, 1] for segment in rest.get_segments()] == [24, 25, 26, 27, 28, 29]
        assert legend_texts(sheet)[-1] == "and 6 more, see the CSV file"
        assert "bands are left out" in notes(sheet)
        low, high = axes.get_ylim()
        assert low < 0
        assert high > 30


def test_long_curves_are_thinned_but_keep_their_ends_and_where_seeds_end() -> None:
    seeds = [3] * 777 + [2] * 4223
    frame = curve("hopper", "ODT", np.sin(np.arange(5000)).tolist(), seeds=seeds)
    with sheet_of("curves", frame) as sheet:
        full, dotted = sheet.axes[0].lines[:2]
        assert len(full.get_xdata()) + len(dotted.get_xdata()) < 250
        assert full.get_xdata()[[0, -1]].tolist() == [0, 776_000]
        assert dotted.get_xdata()[-1] == 4_999_000
