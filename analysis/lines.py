"""The two files that a run appends to, line by line: what is sound is read, what is not is numbered.

Of ``evaluations.csv`` this is the careful way, for files in which something is unusual; see
``vitamin.analysis.episode_rows``.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.schema import (
    EVALUATION_COLUMNS,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    LATER_COLUMNS,
    METRIC_KEYS,
    METRICS_FILE,
    ONLINE,
    PRETRAIN,
)
from vitamin.errors import RunError

_PHASES: Final = (PRETRAIN, ONLINE)
_REQUIRED_KEYS: Final = ("iteration", "phase", "env_steps", "gradient_updates")
_KEY_TYPES: Final = {"str": (str,), "int64": (int,), "float64": (int, float)}
_KINDS: Final = {key.name: _KEY_TYPES[key.dtype] for key in METRIC_KEYS}
_MAY_BE_EMPTY: Final = frozenset({"normalized_score", *LATER_COLUMNS})
# The means in metrics.jsonl are those of the numbers in evaluations.csv, but for rounding.
_MEANS: Final = {"evaluation/return_mean": "return", "evaluation/normalized_score": "normalized_score"}
_TOLERANCE: Final = 1e-6
# Python reads more as numbers, such as 1_000 and digits of other scripts, than those that read the file as a table.
_NUMBER: Final = re.compile(r"[0-9.eE+-]+")
# What an episode that went astray may have been written with: it costs its evaluation, and is no damage of the file.
_MAY_BE_INFINITE: Final = frozenset(_MEANS.values())
_ANY_NUMBER: Final = re.compile(r"[0-9.eE+-]+|[+-]?(nan|inf|infinity)", re.IGNORECASE)
# Up to it a float64 holds every integer.
LARGEST_INTEGER: Final = 2**53


class MetricsLine(NamedTuple):
    """A line of ``metrics.jsonl``: its text without the newline, and what it holds."""

    iteration: int
    text: str
    record: dict[str, Any]

    @property
    def key(self) -> tuple[int, ...]:
        """The key that no other line has."""
        return (self.iteration,)

    @property
    def evaluated(self) -> bool:
        """Whether the iteration ended with an evaluation."""
        return "evaluation/return_mean" in self.record


class EpisodeLine(NamedTuple):
    """A row of ``evaluations.csv``: its fields by column, those of the schema alone."""

    iteration: int
    episode: int
    fields: dict[str, str]

    @property
    def key(self) -> tuple[int, ...]:
        """The key that no other row has."""
        return (self.iteration, self.episode)

    @property
    def text(self) -> str:
        """The row with the columns of this version, which are empty where an earlier one had not got them."""
        return ",".join(self.fields.get(name, "") for name in EVALUATION_HEADER)


Line = TypeVar("Line", MetricsLine, EpisodeLine)


@dataclass(frozen=True)
class Lines(Generic[Line]):
    """The lines of a file.

    Attributes:
        file: The file.
        sound: Its sound lines, in their order.
        damaged: Numbers of the others, from 1. A line without a newline, which a kill may leave, counts as neither.
    """

    file: Path
    sound: tuple[Line, ...]
    damaged: tuple[int, ...]

    @property
    def damage(self) -> str | None:
        """A sentence on the damaged lines; None if there are none."""
        if not self.damaged:
            return None
        lines = f"line{'s' * (len(self.damaged) > 1)} {ranges(self.damaged)}"
        return f"{self.file.name} is damaged: its {lines} cannot be read."


def ranges(numbers: Iterable[int]) -> str:
    """Increasing numbers in few words: ``3, 5-7``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def whole_lines(file: Path) -> list[bytes]:
    """The lines of a file up to its last newline: what follows one was being written when the run was killed.

    Raises:
        RunError: If the file is there but cannot be read.
    """
    return _lines(RunFiles(file.parent), file.name)


def _lines(files: RunFiles, name: str) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in content_of(files, name).split(b"\n")[:-1]]


def content_of(files: RunFiles, name: str) -> bytes:
    """The bytes of a file; of one that is not there, none.

    Raises:
        RunError: If the file is there but cannot be read.
    """
    try:
        return files.find(name) or b""
    except OSError as error:
        raise RunError(f"Cannot read {files.path(name)}: {error.strerror}.") from error


def read_metrics(run: Path | RunFiles) -> Lines[MetricsLine]:
    """The lines of ``metrics.jsonl`` of a run folder; none if it has no such file.

    Raises:
        RunError: If the file is there but cannot be read.
    """
    files = RunFiles.of(run)
    lines = _lines(files, METRICS_FILE)
    return _sound(files.path(METRICS_FILE), lines, metrics_line, first=1)


def metrics_line(line: bytes) -> MetricsLine | None:
    """A line of ``metrics.jsonl``; None if it is none."""
    try:
        text = line.decode()
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or any(name not in record for name in _REQUIRED_KEYS):
        return None
    known = ((value, _KINDS[name]) for name, value in record.items() if name in _KINDS)
    if not all(_fits(value, kinds) for value, kinds in known):
        return None
    if record["phase"] not in _PHASES:
        return None
    return MetricsLine(record["iteration"], text, record)


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return not isinstance(value, int) or abs(value) <= LARGEST_INTEGER


def read_episodes(run: Path | RunFiles) -> Lines[EpisodeLine]:
    """The rows of ``evaluations.csv`` of a run folder; none if it has no such file.

    Where the header is damaged, the rows are taken to have the columns of this version.

    Raises:
        RunError: If the file is there but cannot be read.
    """
    files = RunFiles.of(run)
    file, lines = files.path(EVALUATIONS_FILE), _lines(files, EVALUATIONS_FILE)
    header = lines[0].decode(errors="replace").split(",") if lines else []
    is_header = {*EVALUATION_HEADER}.difference(LATER_COLUMNS) <= {*header}
    columns = header if is_header else list(EVALUATION_HEADER)
    rows = _sound(file, lines[1:], lambda line: _episode_line(line, columns), first=2)
    return rows if is_header or not lines else Lines(file, rows.sound, (1, *rows.damaged))


def _episode_line(line: bytes, columns: list[str]) -> EpisodeLine | None:
    try:
        values = line.decode().split(",")
        fields = {
            name: value for name, value in zip(columns, values, strict=True) if name in EVALUATION_HEADER
        }
        for column in EVALUATION_COLUMNS:
            value = fields.get(column.name, "")
            if column.dtype == "str":
                sound = value in _PHASES
            elif value == "" and column.name in _MAY_BE_EMPTY:
                sound = True
            elif column.dtype == "int64":
                sound = bool(_NUMBER.fullmatch(value)) and abs(int(value)) <= LARGEST_INTEGER
            else:
                number, allowed = float(value), column.name in _MAY_BE_INFINITE
                sound = bool((_ANY_NUMBER if allowed else _NUMBER).fullmatch(value))
                sound = sound and (allowed or math.isfinite(number))
            if not sound:
                return None
    except ValueError:
        return None
    return EpisodeLine(int(fields["iteration"]), int(fields["episode"]), fields)


def _sound(
    file: Path, lines: Iterable[bytes], parse: Callable[[bytes], Line | None], *, first: int
) -> Lines[Line]:
    """Lines that can be parsed and are not there twice, the others by number."""
    sound: dict[tuple[int, ...], Line] = {}
    damaged: list[int] = []
    for number, text in enumerate(lines, start=first):
        line = parse(text)
        if line is None or line.key in sound:
            damaged.append(number)
        else:
            sound[line.key] = line
    return Lines(file, tuple(sound.values()), tuple(damaged))


def lost_evaluations(metrics: Lines[MetricsLine], episodes: Lines[EpisodeLine]) -> list[int]:
    """Iterations whose episodes do not have the mean return or score that ``metrics.jsonl`` gives of them.

    Some or all of them are missing, or a number is not what it was.
    """
    of_iteration: dict[int, list[EpisodeLine]] = {}
    for line in episodes.sound:
        of_iteration.setdefault(line.iteration, []).append(line)
    return [
        line.iteration
        for line in metrics.sound
        if not all(
            _has_mean(of_iteration.get(line.iteration, []), column, line.record[key])
            for key, column in _MEANS.items()
            if key in line.record
        )
    ]


def _has_mean(episodes: Sequence[EpisodeLine], column: str, mean: float) -> bool:
    values = [float(value) for episode in episodes if (value := episode.fields.get(column))]
    if len(values) < max(1, len(episodes)) or not all(map(math.isfinite, values)):
        return False
    scale = max(1.0, *(abs(value) for value in values))
    return abs(sum(values) / len(values) - mean) <= _TOLERANCE * scale
