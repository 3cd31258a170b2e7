"""Pictures of a report: one module a kind of figure."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from matplotlib.figure import Figure as Sheet

from vitamin.analysis.pictures import PICTURE_SUFFIXES, print_style, save_picture
from vitamin.analysis.plots.ablation import ablation_sheet
from vitamin.analysis.plots.axes import say_empty
from vitamin.analysis.plots.curves import curves_sheet
from vitamin.analysis.plots.efficiency import efficiency_sheet
from vitamin.analysis.plots.improvement import improvement_sheet
from vitamin.analysis.plots.intervals import intervals_sheet
from vitamin.analysis.plots.profiles import profiles_sheet
from vitamin.analysis.plots.sheet import make_panels
from vitamin.analysis.plots.texts import printable
from vitamin.analysis.report.blocks import Figure, FigureKind

__all__ = ["draw", "make_sheet"]

_SHEETS: Mapping[FigureKind, Callable[[Figure], Sheet]] = MappingProxyType(
    {
        "curves": curves_sheet,
        "intervals": intervals_sheet,
        "profiles": profiles_sheet,
        "improvement": improvement_sheet,
        "efficiency": efficiency_sheet,
        "ablation": ablation_sheet,
    }
)


def draw(figure: Figure, folder: Path, suffixes: Sequence[str] = PICTURE_SUFFIXES) -> tuple[Path, ...]:
    """Draws a figure and writes it under its name with each of the suffixes.

    Args:
        figure: What to draw.
        folder: An existing folder.
        suffixes: Some of `vitamin.analysis.pictures.PICTURE_SUFFIXES`.

    Returns:
        The paths written. The same figure gives the same bytes.
    """
    with print_style(parse_math=False):
        sheet = make_sheet(figure)
        title, alt = printable(figure.title), printable(figure.alt)
        return save_picture(sheet, folder / figure.name, suffixes, title=title, alt=alt)


def make_sheet(figure: Figure) -> Sheet:
    """The figure in matplotlib, made within `print_style`."""
    if figure.frame.empty:
        sheet, (axes,) = make_panels([figure.title])
        say_empty(axes)
        return sheet
    return _SHEETS[figure.kind](figure)
