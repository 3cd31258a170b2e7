"""Colors, lines and markers of methods: the same in every picture and on the page, distinct to color-blind eyes.

Plain data, so that a page can be made without a plotting library.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from vitamin.analysis.labels import base_label, sort_labels

Dashes = tuple[float, ...]

# On white and on a dark page. From the hues of Okabe and Ito (2008), moved as little as makes each stand out from its
# background and from the others, also to eyes without red, green or blue cones.
_METHODS: Final = {
    "TD3+ODT": ("#0372b1", "#3e77b6"),
    "ODT": ("#cc4701", "#e66400"),
    "TD3": ("#069873", "#06a265"),
    "DDPG+ODT": ("#ca79ad", "#ca8eac"),
    "PDT": ("#dd7917", "#eaa606"),
    "TD3+BC": ("#7c8dea", "#4fb4ee"),
    "IQL": ("#000000", "#e8e8e8"),
}
_OTHERS: Final = (
    ("#882255", "#d4699f"),
    ("#8a8a2b", "#c8c860"),
    ("#332288", "#9c8fef"),
    ("#2f9485", "#66d0be"),
    ("#661100", "#d98a6a"),
    ("#777777", "#aaaaaa"),
)
_COLORS: Final = (*_METHODS.values(), *_OTHERS)
_DASHES: Final[tuple[Dashes, ...]] = ((), (5, 1.5), (5, 1.5, 1.2, 1.5), (2, 1.2), (9, 2))
_MARKERS: Final = "osD^vPX*<>ph"

LIGHT_PAGE: Final = "#ffffff"
DARK_PAGE: Final = "#1e1e1e"
"""The backgrounds for which colors are chosen; a darker page than this is fine, too."""
LEAST_CONTRAST: Final = 3.0
"""Of a line with its background (WCAG 2.2, 1.4.11)."""
_MOST_MIXED: Final = 0.6


@dataclass(frozen=True)
class Style:
    """How a label is drawn.

    Attributes:
        color: On white, as ``#rrggbb``.
        dark: On a dark page.
        dashes: Lengths of strokes and gaps in widths of the line; empty for a solid line.
        marker: As matplotlib names it.
    """

    color: str
    dark: str
    dashes: Dashes
    marker: str

    @property
    def line(self) -> tuple[float, Dashes]:
        """The dashes as matplotlib has them."""
        return 0, self.dashes


def label_styles(labels: Iterable[str]) -> dict[str, Style]:
    """A style for each label, in the order of ``sort_labels``.

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
        light, dark = _COLORS[place % len(_COLORS)]
        shades = zip(
            _shades(light, len(group), LIGHT_PAGE), _shades(dark, len(group), DARK_PAGE), strict=True
        )
        for rank, (label, (color, on_dark)) in enumerate(zip(group, shades, strict=True)):
            dashes = _DASHES[(place + rank) % len(_DASHES)]
            styles[label] = Style(color, on_dark, dashes, _MARKERS[(place + rank) % len(_MARKERS)])
    return styles


def contrast(color: str, background: str) -> float:
    """Contrast ratio of two colors, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((_luminance(color), _luminance(background)))
    return (high + 0.05) / (low + 0.05)


def _shades(color: str, count: int, background: str) -> list[str]:
    """The color itself, or ``count`` steps from a darker to a lighter one that stand out from the background."""
    if count == 1:
        return [color]
    darkest = -_most(lambda weight: contrast(_mixed(color, -weight), background) >= LEAST_CONTRAST)
    lightest = _most(lambda weight: contrast(_mixed(color, weight), background) >= LEAST_CONTRAST)
    return [_mixed(color, darkest + (lightest - darkest) * rank / (count - 1)) for rank in range(count)]


def _most(holds: Callable[[float], bool]) -> float:
    """The largest weight in percent steps for which it holds, for all smaller ones, too."""
    weights = (step / 100 for step in range(1, round(100 * _MOST_MIXED) + 1))
    largest = 0.0
    for weight in weights:
        if not holds(weight):
            break
        largest = weight
    return largest


def _mixed(color: str, weight: float) -> str:
    """The color mixed with white, or, by a negative weight, with black."""
    end = 255 if weight > 0 else 0
    parts = (round((1 - abs(weight)) * part + abs(weight) * end) for part in _parts(color))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    """Of a part of sRGB in [0, 1], the light it stands for."""
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
