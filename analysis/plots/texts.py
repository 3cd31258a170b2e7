"""Texts in pictures: names that users gave, of any characters and any length."""

from functools import cache
from typing import Final

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

STAND_IN: Final = "‡"
STAND_IN_TEXT: Final = f"{STAND_IN} stand-in data"
NO_BREAK: Final = "\xa0"
"""A space at which no line ends; drawn as a space."""
_BREAK_AFTER: Final = "+-_/"


def printable(text: str) -> str:
    """The text with Python's escapes for what the font lacks, line breaks and the like."""
    known = _known_characters()
    return "".join(
        character if ord(character) in known else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def wrapped(text: str, width: float, size: float) -> str:
    """The printable text in lines of at most ``width`` inches at ``size`` points.

    Lines end at spaces, in words that are too long after signs, and in words without signs anywhere.
    """
    lines = [""]
    for word in _split(printable(text), " "):
        whole = text_width(word.rstrip(), size) <= width
        for piece in [word] if whole else _split(word, _BREAK_AFTER):
            rest = piece
            if lines[-1] and text_width(lines[-1] + rest.rstrip(), size) > width:
                lines.append("")
            while text_width(rest.rstrip(), size) > width and len(rest) > 1:
                fitting = _fitting(rest, width, size)
                lines[-1], rest = rest[:fitting], rest[fitting:]
                lines.append("")
            lines[-1] += rest
    return "\n".join(line.rstrip() for line in lines).replace(NO_BREAK, " ")


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


def _split(text: str, ends: str) -> list[str]:
    """Parts that end with one of the characters, which stays."""
    parts = [""]
    for character in text:
        parts[-1] += character
        if character in ends:
            parts.append("")
    return [part for part in parts if part]


@cache
def _known_characters() -> frozenset[int]:
    charmap = get_font(findfont("DejaVu Sans")).get_charmap()
    return frozenset(code for code in charmap if chr(code).isprintable() or chr(code) == NO_BREAK)
