"""Pictures as files: the same bytes for the same figure, no warnings, nothing lost, whatever the names."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from tests.analysis.figures import NAN, curve, figure_of, interval, legend_texts, sheet_of
from vitamin.analysis.plots import draw
from vitamin.analysis.plots.texts import line_count, printable, text_width, wrapped
from vitamin.analysis.report.blocks import FigureKind

NAMES = ("_hidden", "$\\alpha$ $", "ODT, note=中文\udc80\n", "TD3+ODT, data=/" + "a_long/path" * 9)


pytestmark = pytest.mark.filterwarnings("error")


def frames() -> dict[FigureKind, pd.DataFrame]:
    """Of each kind, with names, numbers that are not, single points and empty panels."""
    first, second, third, fourth = NAMES
    line = {"low": [NAN, 1.0, NAN], "high": [NAN, 3.0, NAN]}
    scoped = pd.concat([pd.DataFrame(line).assign(scope=first, label=label) for label in NAMES])
    pairs = {"method_a": [first, third], "method_b": [second, fourth]}
    sweep = {"x": ["a", "$b$_c", "中" * 40], "mean": [1, NAN, 3], "seeds": [1, 1, 3]}
    return {
        "curves": pd.concat(
            [
                curve(first, first, [1, NAN, 3], half=NAN, seeds=[2, 2, 1]),
                curve(second, second, [NAN, NAN], half=NAN),
                curve(third, third, [5], half=1),
                curve(fourth, fourth, [float("-inf"), 2, float("inf")], half=1, data="stand-in"),
            ]
        ),
        "intervals": pd.DataFrame(
            [
                interval(scope, label, metric, 1, NAN, 2)
                for scope in NAMES[:2]
                for label in NAMES
                for metric in ("IQM", "$x")
            ]
            + [interval("empty", first, "IQM", NAN, NAN, NAN)]
        ),
        "profiles": scoped.assign(threshold=[0, 1, 2] * 4, share=[1, NAN, 0] * 4),
        "improvement": pd.DataFrame(
            pairs | {"probability": [NAN, 0.5], "low": [NAN, NAN], "high": [NAN, 1]}
        ).assign(scope=third),
        "efficiency": scoped.assign(x=[0, 0, 0] * 4, IQM=[1, 2, NAN] * 4),
        "ablation": pd.DataFrame(sweep | line).assign(
            task=second, method=third, x_name="$x_$", z_name="z$", z=fourth
        ),
    }


@pytest.mark.parametrize("kind", frames())
def test_every_kind_is_drawn_without_warnings_and_with_the_same_bytes(
    kind: FigureKind, tmp_path: Path
) -> None:
    figure = figure_of(kind, frames()[kind])
    (path,) = draw(figure, tmp_path, (".svg",))
    before = path.read_bytes()
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "text.parse_math": True}):  # of the user
        draw(figure, tmp_path, (".svg",))
    assert path.read_bytes() == before


def test_pictures_of_all_formats_have_the_same_bytes(tmp_path: Path) -> None:
    figure = figure_of("curves", curve("hopper", "ODT", [1, 5, 9]), name="curves-mujoco")
    paths = draw(figure, tmp_path)
    assert [path.name for path in paths] == ["curves-mujoco.png", "curves-mujoco.svg", "curves-mujoco.pdf"]
    assert len(np.unique(matplotlib.image.imread(paths[0])[..., :3].reshape(-1, 3), axis=0)) > 20
    assert b"<svg" in paths[1].read_bytes()
    assert paths[2].read_bytes().startswith(b"%PDF")
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw(figure, tmp_path)] == before


@pytest.mark.parametrize("kind", frames())
def test_a_figure_of_nothing_says_so(kind: FigureKind, tmp_path: Path) -> None:
    with sheet_of(kind, frames()[kind][:0]) as sheet:
        assert [text.get_text() for text in sheet.axes[0].texts] == ["no scores"]
    assert draw(figure_of(kind, frames()[kind][:0]), tmp_path, (".svg",)) == (tmp_path / f"{kind}.svg",)


def test_title_and_alternative_text_are_kept_in_the_files(tmp_path: Path) -> None:
    _, svg, pdf = draw(figure_of("curves", curve("hopper", "ODT", [1, 2])), tmp_path)
    assert "A title" in svg.read_text(encoding="utf-8")
    assert "What is seen." in svg.read_text(encoding="utf-8")
    assert b"What is seen." in pdf.read_bytes()


def test_names_are_drawn_as_they_are_spelled() -> None:
    frame = pd.concat([curve("hopper", name, [1, 2]) for name in NAMES[:3]])
    with sheet_of("curves", frame) as sheet:
        assert set(legend_texts(sheet)) >= {
            "_hidden (n = 3)",
            "$\\alpha$ $ (n = 3)",
            "ODT, note=\\u4e2d\\u6587\\udc80\\n (n = 3)",
        }


def test_nothing_is_cut_off(tmp_path: Path) -> None:
    """Beside a long label and below a long legend there is a white margin on all sides."""
    labels = [f"TD3+ODT, a_long_name={'x' * 60}{number}" for number in range(6)]
    curves = figure_of("curves", pd.concat([curve("hopper", label, [1, 2]) for label in labels]))
    bars = figure_of("intervals", pd.DataFrame([interval("all", label, "IQM", 2, 1, 3) for label in labels]))
    for figure in (curves, bars):
        (path,) = draw(figure, tmp_path, (".png",))
        pixels = matplotlib.image.imread(path)[..., :3]
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert (edge == 1).all(), figure.kind


def test_pictures_are_not_larger_than_they_must_be(tmp_path: Path) -> None:
    frame = pd.concat([curve(f"task {number}", "ODT", [1, 2]) for number in range(12)])
    (path,) = draw(figure_of("curves", frame), tmp_path, (".png",))
    height, width = matplotlib.image.imread(path).shape[:2]
    assert 2_000_000 < height * width < 3_100_000
    (path,) = draw(figure_of("curves", frame[:2]), tmp_path, (".png",))
    assert 800 < matplotlib.image.imread(path).shape[1] < 1200


def test_texts_are_wrapped_at_spaces_then_signs_then_anywhere() -> None:
    assert wrapped("short", 3, 9) == "short"
    assert wrapped("TD3+ODT, rl_coefficient=0.5", 1.2, 9) == "TD3+ODT,\nrl_coefficient=0.5"
    assert wrapped("hopper_medium_replay", 1, 9).split("\n") == ["hopper_", "medium_replay"]
    lines = wrapped("x" * 100, 1, 9)
    assert lines.replace("\n", "") == "x" * 100
    assert text_width(lines, 9) <= 1
    assert line_count(lines) > 4


def test_what_the_font_lacks_is_escaped() -> None:
    assert printable("α ‡ ± é") == "α ‡ ± é"
    assert printable("中\n\t\udcff") == "\\u4e2d\\n\\t\\udcff"
