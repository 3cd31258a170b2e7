"""How an export is laid out: columns, and what stands in a cell."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from vitamin.analysis.schema import Column
from vitamin.errors import shown

RUNS: Final = "-runs.csv"
"""The end of the name of the file of runs."""
EVALUATIONS: Final = "-evaluations.csv"
"""That of the file of their evaluations, which lies beside it."""

RUN_COLUMNS: Final = (
    Column("run", "str", "key of the run: path of its folder, relative to where it was looked for"),
    Column(
        "…",
        "any",
        "keys of `run.json` without its host; those of its parts after a dot: `versions.torch`, `dataset.label`; of "
        "paths the last part",
    ),
    Column(
        "status",
        "str",
        "as in `run.json`; `missing`: a trial of a sweep that left no run, with no other columns",
    ),
    Column("env_steps", "int64", "online environment steps so far"),
    Column("gradient_updates", "int64", "actor updates so far"),
    Column("evaluations", "int64", "how many rows of the other file are of this run"),
    Column("altered", "bool", "true if its `run.json` changed since the run wrote it: it never counts"),
    Column("shortened", "bool", "true if its last evaluation may be lost"),
    Column("settings.…", "any", "every setting, resolved, as in `config.yaml`"),
)
EVALUATION_COLUMNS: Final = (
    Column("run", "str", "key of the run"),
    Column("phase", "str", "`pretrain` or `online`"),
    Column("iteration", "int64", "iteration that ended with the evaluation"),
    Column("env_steps", "int64", "online environment steps so far; 0 during pretraining"),
    Column("gradient_updates", "int64", "actor updates so far"),
    Column("target_return", "float64", "return-to-go at the start of its episodes, scaled-reward units"),
    Column("episodes", "int64", "how many episodes it has"),
    Column("return", "float64", "of each episode, by spaces; once, if all have the same"),
    Column("length", "int64", "likewise, steps"),
    Column(
        "normalized_score",
        "float64",
        "likewise; empty if they follow from the run's reference scores, or it has none",
    ),
    Column("success", "float64", "likewise, 1 if the goal was reached; empty if the environment has no goal"),
)
MISSING: Final = "missing"
SETTINGS: Final = "settings"
COUNTED: Final = ("env_steps", "gradient_updates", "evaluations")
MARKS: Final = ("altered", "shortened")

_DIGITS: Final = 18  # an int64 holds every integer of 18 digits
_LARGEST: Final = 2**53  # up to it a float64 holds every integer


def to_cell(value: Any) -> str:
    """The text that stands for a value: JSON, and texts as they are where they cannot be taken for something else."""
    if isinstance(value, str):
        return value if _is_plain(value) else json.dumps(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def from_cell(text: str) -> Any:
    """The value that a text stands for."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The cells of a mapping by column; those of a mapping in it have its name and a dot before their own."""
    cells: dict[str, str] = {}
    for name, value in content.items():
        if isinstance(value, Mapping) and value and all(map(_is_name, value)):
            cells |= flatten(value, f"{prefix}{name}.")
        else:
            cells[f"{prefix}{name}"] = to_cell(value)
    return cells


def unflatten(cells: Mapping[str, str]) -> dict[str, Any]:
    """The mapping of which `flatten` made the cells; empty cells are no part of it.

    Raises:
        ValueError: If a name has a value and parts as well.
    """
    content: dict[str, Any] = {}
    for column, text in cells.items():
        if text:
            *outer, name = column.split(".")
            place = content
            for part in outer:
                place = place.setdefault(part, {})
                if not isinstance(place, dict):
                    raise ValueError(f"{part} has a value and parts")  # noqa: TRY004 (of a file, not of an argument)
            place[name] = from_cell(text)
    return content


def numbers_to_cell(values: Iterable[float]) -> str:
    """Numbers by spaces, those of an evaluation's episodes; one if all are the same, none if none is known."""
    texts = [number_text(value) for value in values]
    if len({*texts}) == 1:
        return texts[0].replace("nan", "")
    return " ".join(texts)


def numbers_from_cell(text: str, count: int) -> list[str]:
    """The texts of ``count`` numbers, empty where one is not known.

    Raises:
        ValueError: If they are no numbers, or another number of them.
    """
    texts = text.split(" ")
    if len(texts) == 1:
        texts *= count
    if len(texts) != count:
        raise ValueError(f"has {len(texts)} values for {count} episodes")
    for each in {*texts} - {""}:
        try:
            float(each)
        except ValueError as error:
            raise ValueError(f"{shown(each)} is no number") from error
    return ["" if each == "nan" else each for each in texts]


def whole_from_cell(text: str) -> int:
    """A whole number that an int64 holds.

    Raises:
        ValueError: If it is none.
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS):
        raise ValueError(f"{shown(text)} is no whole number")
    return int(text)


def number_text(value: float) -> str:
    """The shortest text that is read as the same number."""
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) <= _LARGEST else repr(number)


def _is_plain(text: str) -> bool:
    return bool(text) and text.isprintable() and text == text.strip() and from_cell(text) is text


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and "." not in name
