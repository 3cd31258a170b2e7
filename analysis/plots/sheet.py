"""A sheet of panels with one legend below, laid out in inches: a solver of layouts takes longer than the drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D

from vitamin.analysis.plots.texts import line_count, text_width, wrapped
from vitamin.analysis.styles import Style

MOST_COLUMNS: Final = 3
REST_COLOR: Final = "0.78"
TITLE_SIZE: Final = 10  # points
TEXT_SIZE: Final = 9
NOTE_SIZE: Final = 8
_LINE: Final = 1.25  # height of a line, in sizes of its text
_LEFT, _BOTTOM = 0.62, 0.42  # inches between panels, for their texts
_RIGHT: Final = 0.3
PANEL: Final = (2.75, 1.75)
_SINGLE_PANEL: Final = (3.6, 2.4)
_TITLE_GAP: Final = 0.1
_LEGEND_GAP: Final = 0.1
_LEAST_LEGEND_WIDTH: Final = 4.8
_LABEL_WIDTHS: Final = (3.3, 4.2)
_HANDLE_WIDTH: Final = 6.2 * TEXT_SIZE / 72  # with the gaps to its text and the next column


def make_panels(titles: Sequence[str], *, tick_lines: int = 1) -> tuple[Sheet, list[Axes]]:
    """Panels in rows of three, in the order of their titles; a single one is larger.

    Args:
        titles: As they stand above the panels, unless they must be wrapped.
        tick_lines: Lines of the texts below each panel.
    """
    columns = min(len(titles), MOST_COLUMNS)
    width, height = PANEL if len(titles) > 1 else _SINGLE_PANEL
    below = _BOTTOM + (tick_lines - 1) * NOTE_SIZE / 72 * _LINE
    texts = [wrapped(title, width + _RIGHT, TITLE_SIZE) for title in titles]
    rows = [texts[start : start + columns] for start in range(0, len(texts), columns)]
    above = [max(map(line_count, row)) * TITLE_SIZE / 72 * _LINE + _TITLE_GAP for row in rows]
    total = sum(above) + len(rows) * (height + below)
    sheet = Sheet(figsize=(columns * (_LEFT + width + _RIGHT), total))
    panels, top = [], total
    for row, space in zip(rows, above, strict=True):
        top -= space + height
        for place, text in enumerate(row):
            panels.append(add_panel(sheet, place * (_LEFT + width + _RIGHT) + _LEFT, top, width, height))
            panels[-1].set_title(text)
        top -= below
    return sheet, panels


def add_panel(sheet: Sheet, left: float, bottom: float, width: float, height: float) -> Axes:
    """A panel at a place in inches."""
    wide, high = sheet.get_size_inches()
    return sheet.add_axes((left / wide, bottom / high, width / wide, height / high))


def is_lowest(place: int, count: int) -> bool:
    """Whether no panel stands below this one."""
    return place + MOST_COLUMNS >= count


@dataclass
class Legend:
    """The legend below the panels: samples with their texts, and under these lines of notes.

    Attributes:
        entries: Sample and text, in their order.
        notes: Sentences.
    """

    entries: list[tuple[Artist, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_style(self, style: Style, text: str, *, has_marker: bool = True) -> None:
        """An entry of a method."""
        sample = Line2D([], [], color=style.color, linestyle=style.line, linewidth=1.5)
        if has_marker:
            sample.set(marker=style.marker, markersize=4)
        self.entries.append((sample, text))

    def add_rest(self, count: int) -> None:
        """An entry of labels without a style of their own, if there are any."""
        if count > 0:
            sample = Line2D([], [], color=REST_COLOR, linewidth=1.5)
            self.entries.append((sample, f"and {count} more, see the CSV file"))

    def draw(self, sheet: Sheet) -> None:
        """Hangs it below the sheet's panels. Pictures are saved with all that is drawn, so the sheet need not grow."""
        width = max(sheet.get_size_inches()[0], _LEAST_LEGEND_WIDTH)
        room = min(max(width / 2 - _HANDLE_WIDTH, _LABEL_WIDTHS[0]), _LABEL_WIDTHS[1])
        texts = [wrapped(text, room, TEXT_SIZE) for _, text in self.entries]
        bottom = -_LEGEND_GAP / sheet.get_size_inches()[1]
        middle = 0.5 + (_LEFT - _RIGHT) / 2 / sheet.get_size_inches()[0]
        rows = 0.0
        if texts:
            widest = max(text_width(text, TEXT_SIZE) for text in texts)
            columns = max(1, min(len(texts), int(width / (widest + _HANDLE_WIDTH))))
            columns = math.ceil(
                len(texts) / math.ceil(len(texts) / columns)
            )  # columns of about the same length
            legend = sheet.legend(
                [sample for sample, _ in self.entries],
                ["text"] * len(texts),  # a name that begins with _ would be left out
                loc="upper center",
                bbox_to_anchor=(middle, bottom),
                ncols=columns,
                handlelength=3.2,
                borderpad=0,
                borderaxespad=0,
            )
            for place, text in zip(legend.get_texts(), texts, strict=True):
                place.set_text(text)
            rows = legend.get_window_extent().height / sheet.dpi + 0.06
        if self.notes:
            sheet.text(
                middle,
                bottom - rows / sheet.get_size_inches()[1],
                "\n".join(
                    wrapped(note, max(width - _LEFT, _LEAST_LEGEND_WIDTH), NOTE_SIZE) for note in self.notes
                ),
                size=NOTE_SIZE,
                color="0.25",
                ha="center",
                va="top",
            )
