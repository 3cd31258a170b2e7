"""Colors, lines and markers of methods: the same in every picture, distinct to color-blind eyes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from matplotlib.colors import to_rgb

from vitamin.analysis.labels import base_label, sort_labels

Color = tuple[float, float, float]
Dashes = tuple[float, tuple[float, ...]]

# Okabe and Ito (2008), without the yellow that vanishes on white.
_METHODS: Final = {
    "TD3+ODT": "#0072B2",
    "ODT": "#D55E00",
    "TD3": "#009E73",
    "DDPG+ODT": "#CC79A7",
    "PDT": "#E69F00",
    "TD3+BC": "#56B4E9",
    "IQL": "#000000",
}
_OTHERS: Final = ("#882255", "#999933", "#332288", "#44AA99", "#661100", "#777777")
_COLORS: Final = (*_METHODS.values(), *_OTHERS)
_LINES: Final[tuple[Dashes, ...]] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (2, 1.2)),
    (0, (9, 2)),
)
_MARKERS: Final = "osD^vPX*<>ph"


@dataclass(frozen=True)
class Style:
    """How a label is drawn."""

    color: Color
    line: Dashes
    marker: str


def label_styles(labels: Iterable[str]) -> dict[str, Style]:
    """A style for each label.

    A method of the paper always has the same style, any other the next free one. Variants of one method (a
    swept setting) have its color, from dark to light, and differ in line and marker.
    """
    variants: dict[str, list[str]] = defaultdict(list)
    for label in sort_labels(labels):
        variants[base_label(label)].append(label)
    order = [*_METHODS, *sorted(method for method in variants if method not in _METHODS)]
    styles = {}
    for method, group in variants.items():
        place = order.index(method)
        color = to_rgb(_COLORS[place % len(_COLORS)])
        for rank, label in enumerate(group):
            line, marker = _LINES[(place + rank) % len(_LINES)], _MARKERS[(place + rank) % len(_MARKERS)]
            styles[label] = Style(_shade(color, rank, len(group)), line, marker)
    return styles


def _shade(color: Color, rank: int, count: int) -> Color:
    """The color itself, or the ``rank``-th of ``count`` steps from a darker to a lighter one."""
    if count == 1:
        return color
    position = 2 * rank / (count - 1) - 1
    end, weight = (0.0, -0.6 * position) if position < 0 else (1.0, 0.6 * position)
    red, green, blue = ((1 - weight) * part + weight * end for part in color)
    return red, green, blue
