"""How every picture looks and is saved: PNG for looking, SVG for pages and PDF for papers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

_METADATA: Final[dict[str, dict[str, None]]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
PICTURE_SUFFIXES: Final = tuple(_METADATA)
_ABOUT: Final = {".png": "Description", ".svg": "Description", ".pdf": "Subject"}
_DPI: Final = 200
_LEAST_DPI: Final = 100
_MOST_PIXELS: Final = 3_000_000  # of a picture whose resolution is not the least
_PADDING: Final = 0.05  # inches


@contextmanager
def print_style(*, parse_math: bool = True) -> Iterator[None]:
    """The style in which figures are made and saved, whatever the user's own settings of matplotlib.

    Args:
        parse_math: Whether text between dollars is a formula; not where texts are names that users gave.
    """
    ours = {
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titley": 1.0,  # looking for room above ticks, of which there are none, takes long
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "pdf.fonttype": 42,  # text stays text in papers
        "svg.hashsalt": "vitamin",  # reproducible element names
        "text.hinting": "none",  # texts are as wide at every resolution
        "text.parse_math": parse_math,
    }
    with matplotlib.style.context(["default", ours]):
        yield


def save_picture(
    figure: Figure,
    out: Path,
    suffixes: Sequence[str] = PICTURE_SUFFIXES,
    *,
    title: str | None = None,
    alt: str | None = None,
) -> tuple[Path, ...]:
    """Writes ``out`` with each of the suffixes; the same figure gives the same bytes.

    Args:
        figure: Made in `print_style`, which must still hold.
        out: Path without suffix, in an existing folder.
        suffixes: Some of `PICTURE_SUFFIXES`.
        title: Kept in the file, for those who look for it or cannot see it.
        alt: What is seen, kept in the file likewise.

    Returns:
        The paths written.
    """
    area = _drawn_area(figure)
    pixels = area.width * area.height * _DPI**2
    dpi = max(_LEAST_DPI, _DPI * min(1.0, (_MOST_PIXELS / pixels) ** 0.5))
    paths = []
    for suffix in suffixes:
        path = out.with_name(out.name + suffix)
        texts = {"Title": title, _ABOUT[suffix]: alt}
        metadata = _METADATA[suffix] | {key: text for key, text in texts.items() if text}
        figure.savefig(path, dpi=dpi, metadata=metadata, bbox_inches=area)
        paths.append(path)
    return tuple(paths)


def _drawn_area(figure: Figure) -> Bbox:
    """The area drawn on, in inches, with a margin: found once, since each format would lay out the figure again."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
    return figure.get_tightbbox().padded(_PADDING)
