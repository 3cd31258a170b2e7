"""Texts in pictures: names that users gave, of any characters and any length."""

from functools import cache
from typing import Final

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

STAND_IN: Final = "‡"
STAND_IN_TEXT: Final = f"{STAND_IN} stand-in data"
_BREAK_AFTER: Final = " ,=+-_/"


def printable(text: str) -> str:
    """The text with escapes for what the font lacks, line breaks and the like: U+4E2D becomes ``u4e2d`` behind a backslash."""
    known = _known_characters()
    return "".join(
        character if ord(character) in known else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def wrapped(text: str, width: float, size: float) -> str:
    """A printable text in lines of at most ``width`` inches at ``size`` points, broken after signs if there are any."""
    lines, line = [], ""
    for piece in _pieces(printable(text)):
        rest = piece
        if line and text_width(line + rest.rstrip(), size) > width:
            lines.append(line.rstrip())
            line = ""
        while text_width(rest.rstrip(), size) > width and len(rest) > 1:
            fitting = _fitting(rest, width, size)
            lines.append(rest[:fitting])
            rest = rest[fitting:]
        line += rest
    return "\n".join([*lines, line.rstrip()])


def text_width(text: str, size: float) -> float:
    """How wide the widest line of a printable text is, in inches, at ``size`` points."""
    return max(_line_width(line) for line in text.split("\n")) * size


def line_count(text: str) -> int:
    """Number of lines."""
    return text.count("\n") + 1


@cache
def _line_width(line: str) -> float:
    """In inches at a size of one point."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        line, FontProperties(family="DejaVu Sans", size=100), False
    )
    return float(width) / 100 / 72


def _fitting(text: str, width: float, size: float) -> int:
    """How many of the first characters fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle], size) <= width else (low, middle - 1)
    return low


def _pieces(text: str) -> list[str]:
    """Parts that lines may end after."""
    pieces = [""]
    for character in text:
        pieces[-1] += character
        if character in _BREAK_AFTER:
            pieces.append("")
    return [piece for piece in pieces if piece]


@cache
def _known_characters() -> frozenset[int]:
    charmap = get_font(findfont("DejaVu Sans")).get_charmap()
    return frozenset(code for code in charmap if chr(code).isprintable())
