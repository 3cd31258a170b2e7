"""The markers in a page, and what they ask for.

<!-- results: results/halfcheetah curves file=images/halfcheetah.svg final=mean:3 -->
…what is made of the results
<!-- end -->
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from vitamin.analysis.choice import Choice
from vitamin.analysis.report.options import ReportOptions, parse_interval
from vitamin.errors import ReportError, nearest, shown

_BEGIN: Final = "<!-- results:"
_CLOSE: Final = "-->"
_END: Final = "<!-- end -->"
_BEGINS: Final = re.compile(r"<!--\s*results:")
_ENDS: Final = re.compile(r"<!--\s*end\s*-->")
_FENCES: Final = ("```", "~~~")
_CODE: Final = re.compile(r" {0,3}\t| {4}")  # what a line of code that is indented begins with
_BYTE_ORDER: Final = "\ufeff"
_OPTION: Final = re.compile(r"([a-z_]+)=(.*)", re.DOTALL)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return read


_OF_CHOICE: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "tasks": _names,
        "methods": _names,
        "by": _names,
        "baseline": str,
        "final": str,
        "at_steps": _whole(1, 10**15),
    }
)
_OF_REPORT: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {"interval": parse_interval, "reps": _whole(1, 100_000), "seed": _whole(0, 2**32 - 1)}
)
_FLAGS: Final = ("include_unfinished", "std", "bare")
_NAMES: Final = (*_OF_CHOICE, *_OF_REPORT, *_FLAGS, "file")


@dataclass(frozen=True)
class Block:
    """The part of a page between two markers.

    Attributes:
        line: Number of the line of the first marker.
        sources: Where the results are, relative to the page.
        kind: What is shown of them.
        arguments: Further words, such as claims.
        options: Which runs, and how they are compared.
        file: The picture, relative to the page; None without.
        bare: Leave out what is said below a table or picture.
    """

    line: int
    sources: tuple[str, ...]
    kind: str
    arguments: tuple[str, ...] = ()
    options: ReportOptions = field(default_factory=ReportOptions)
    file: str | None = None
    bare: bool = False


@dataclass(frozen=True)
class Page:
    """A page: its text, and its blocks between the pieces of it.

    Attributes:
        pieces: One more than there are blocks, each with the markers at its ends; together with what the blocks hold
            they are the page.
        blocks: The blocks, in their order.
        newline: What its lines end with.
    """

    pieces: tuple[str, ...]
    blocks: tuple[Block, ...]
    newline: str

    def filled(self, contents: list[str]) -> str:
        """The text of the page with these contents of its blocks."""
        inner = [
            f"{self.newline}{text.strip().replace(chr(10), self.newline)}{self.newline * 2}"
            for text in contents
        ]
        return "".join(part for pair in zip(self.pieces, [*inner, ""], strict=True) for part in pair)


def parse_page(text: str) -> Page:
    """The blocks of a page; markers in code that it shows are text.

    Raises:
        ReportError: If a block has no end, an end no block, or a marker asks for what there is not.
    """
    pieces, blocks = [""], list[Block]()
    fence = ""
    marker: list[str] = []  # lines of a marker that goes on
    first = 0  # line of the last marker
    began = 0  # line of the block that is open, 0 if none is
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        bare = line.removeprefix(_BYTE_ORDER).strip()
        is_code = bool(fence or _CODE.match(line))
        if marker or (_BEGINS.match(bare) and not is_code):
            if began:
                raise ReportError(
                    f"line {number}: the block of line {began} has no {_END} before this one begins."
                )
            first = first if marker else number
            marker.append(bare)
            pieces[-1] += line
            if bare.endswith(_CLOSE):
                began = number
                blocks.append(_block(first, " ".join(marker)))
                pieces.append("")
                marker = []
            elif _CLOSE in bare:
                raise ReportError(f"line {number}: nothing can follow the marker on its line.")
        elif began:
            if _ENDS.fullmatch(bare):
                pieces[-1] += line
                began = 0
        elif _ENDS.fullmatch(bare) and not is_code:
            raise ReportError(f"line {number}: {_END} ends no block.")
        else:
            fence = _next_fence(fence, bare)
            pieces[-1] += line
    if began or marker:
        raise ReportError(f"line {first}: the block has no {_END if began else _CLOSE}.")
    return Page(tuple(pieces), tuple(blocks), "\r\n" if "\r\n" in text else "\n")


def _next_fence(fence: str, line: str) -> str:
    """The fence that ends the code block that is open after this line; empty outside of code."""
    if fence:
        return "" if line.startswith(fence) and not line.strip(fence[0]) else fence
    sign = next((sign for sign in _FENCES if line.startswith(sign)), "")
    after = line.lstrip(sign[:1]) if sign else ""
    if not sign or (sign == _FENCES[0] and "`" in after):  # the latter is code within a line
        return ""
    return line[: len(line) - len(after)]


def _block(line: int, marker: str) -> Block:
    """The block that a marker asks for.

    Raises:
        ReportError: If it cannot be read.
    """
    try:
        words = shlex.split(_BEGINS.sub("", marker, count=1).removesuffix(_CLOSE))
    except ValueError as error:
        raise ReportError(f"line {line}: {str(error).lower()} in the marker.") from error
    if len(words) < 2:
        raise ReportError(
            f"line {line}: a block names its results and what to show of them, as in `{_EXAMPLE}`."
        )
    sources, kind, *rest = words
    arguments: list[str] = []
    options: dict[str, str] = {}
    for word in rest:
        match = _OPTION.fullmatch(word)
        name, value = match.groups() if match else (word, "")
        if match is None and word not in _FLAGS:
            arguments.append(word)
        elif name not in _NAMES:
            raise ReportError(
                f"line {line}: No option {shown(name)}.{nearest(name, _NAMES)} There are {', '.join(_NAMES)}."
            )
        elif (name in _FLAGS) != (match is None) or (match and not value):
            needed = "takes no value" if name in _FLAGS else "needs a value"
            raise ReportError(f"line {line}: {name} {needed}.")
        else:
            options[name] = value
    return Block(
        line,
        _names(sources),
        kind,
        tuple(arguments),
        _report_options(line, options),
        options.get("file"),
        "bare" in options,
    )


_EXAMPLE: Final = f"{_BEGIN} results/halfcheetah scores {_CLOSE}"


def _report_options(line: int, options: Mapping[str, str]) -> ReportOptions:
    def read(parsers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
        found = {}
        for name in parsers.keys() & options.keys():
            try:
                found[name] = parsers[name](options[name])
            except ReportError as error:
                raise ReportError(f"line {line}: {error}") from error
            except ValueError as error:
                raise ReportError(
                    f"line {line}: {name}={options[name]} is no whole number, or too small or large."
                ) from error
        return found

    choice = Choice(**read(_OF_CHOICE), include_unfinished="include_unfinished" in options)
    return ReportOptions(choice=choice, std="std" in options, **read(_OF_REPORT))
