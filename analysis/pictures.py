"""How every picture looks and is saved: PNG for looking, SVG for pages and PDF for papers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

_METADATA: Final[dict[str, dict[str, None]]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
PICTURE_SUFFIXES: Final = tuple(_METADATA)


@contextmanager
def print_style() -> Iterator[None]:
    """The style in which figures are made and saved."""
    with mpl.rc_context(
        {
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "pdf.fonttype": 42,  # text stays text in papers
            "svg.hashsalt": "vitamin",  # reproducible element names
        }
    ):
        yield


def save_picture(figure: Figure, out: Path) -> tuple[Path, ...]:
    """Writes ``out`` with the suffixes ``.png``, ``.svg`` and ``.pdf``; the same figure gives the same bytes.

    Args:
        figure: Made in `print_style`, which must still hold.
        out: Path without suffix, in an existing folder.

    Returns:
        The paths written.
    """
    paths = []
    for suffix, metadata in _METADATA.items():
        path = out.with_name(out.name + suffix)
        figure.savefig(path, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.05)
        paths.append(path)
    return tuple(paths)
