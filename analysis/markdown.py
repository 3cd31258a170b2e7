"""Text that says in Markdown what it says, whatever characters it has."""

import re
from typing import Final

# What starts emphasis, code, the target of a link, a column of a table, or a struck text.
_SPECIAL: Final = re.compile(r"([\\`*|]|~~|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:]))")
_SPECIAL_IN_LINKS: Final = re.compile(rf"([\[\]]|{_SPECIAL.pattern})")
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")
_TAG: Final = re.compile(r"<(?=[^\s\d=])")
_BLOCK_START: Final = re.compile(r"^(>|#{1,6}(?=\s|$)|[-+](?=\s|$)|=+$|-+$)")
_NUMBERED: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_NOT_IN_LINKS: Final = re.compile(r"[<>|\\\n\r]")
_CODE: Final = re.compile(r"`([^`]+)`")


def escape(text: str) -> str:
    """The text as GitHub's Markdown shows it literally, on one line: in a cell, a heading or the midst of a line."""
    return _escape(text, _SPECIAL)


def paragraph(text: str) -> str:
    """The text, in which ``code`` stands between backticks and nothing else is marked up: also no list or heading."""
    parts = _CODE.split(text)  # outside and inside of backticks, in turn
    line = "".join(
        f"`{' '.join(part.split())}`" if number % 2 else _escape_part(part)
        for number, part in enumerate(parts)
    ).strip()
    return _NUMBERED.sub(r"\1\\\2", _BLOCK_START.sub(r"\\\1", line))


def link(text: str, target: str) -> str:
    """A link; the target is a URL, or a path as one has it."""
    address = _NOT_IN_LINKS.sub(lambda match: f"%{ord(match[0]):02X}", target)
    return f"[{_escape(text, _SPECIAL_IN_LINKS)}](<{address}>)"


def image(alt: str, target: str) -> str:
    """A picture with the text for those who do not see it."""
    return f"!{link(alt, target)}"


def _escape_part(text: str) -> str:
    """As `escape`, with the spaces at its ends kept."""
    start, end = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{' ' if start else ''}{escape(text)}{' ' if end and text.strip() else ''}"


def _escape(text: str, special: re.Pattern[str]) -> str:
    line = special.sub(
        lambda match: "".join(f"\\{character}" for character in match[0]), " ".join(text.split())
    )
    return _TAG.sub("&lt;", _ENTITY.sub("&amp;", line))
