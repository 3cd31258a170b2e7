"""Reads an export: what each run was, and its evaluations."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pydantic import ValidationError

from vitamin.analysis.exports.layout import (
    COUNTED,
    EVALUATION_COLUMNS,
    EVALUATIONS,
    MARKS,
    MISSING,
    RUNS,
    SETTINGS,
    from_cell,
    numbers_from_cell,
    unflatten,
    whole_from_cell,
)
from vitamin.analysis.schema import EVALUATION_HEADER, ONLINE, PRETRAIN, SCHEMA_VERSION, RunInfo
from vitamin.errors import ReportError

_AGAIN: Final = "Restore it, or make it again with `vitamin export`."
_REQUIRED: Final = ("run", "status", "schema_version", *COUNTED)
_MAY_BE_EMPTY: Final = ("normalized_score", "success")
_MOST_EPISODES: Final = 1_000_000  # as in `vitamin evaluate`
_LONGEST_CELL: Final = 30 * _MOST_EPISODES
_OF_EPISODES: Final = ("return", "length", *_MAY_BE_EMPTY)


@dataclass(frozen=True)
class ExportedRun:
    """A run of an export.

    Attributes:
        info: What stood in its ``run.json``.
        settings: All of its settings; empty if they are not known.
        counts: By the names in ``COUNTED``.
        marks: Those of ``MARKS`` that it has.
        episodes: The lines of its ``evaluations.csv``, without the header.
    """

    info: RunInfo
    settings: Mapping[str, Any]
    counts: Mapping[str, int]
    marks: frozenset[str]
    episodes: list[str]


class _Later(Exception):
    """A later version wrote the file; holds that of the schema."""


class _Damage(Exception):
    """A defect of a line of a file."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")


def read_export(file: Path, shown: str) -> dict[str, ExportedRun | None]:
    """The runs of an export by key; None of a trial of a sweep that left no run.

    Args:
        file: That of the runs; that of the evaluations lies beside it.
        shown: What it is called in messages.

    Raises:
        ReportError: If one of the files is missing, cannot be read, or is damaged, or a later version wrote them.
    """
    current, other = shown, shown.removesuffix(RUNS) + EVALUATIONS
    try:
        runs = {
            key: None if row["status"] == MISSING else _run(line, row)
            for line, key, row in _keyed(_rows(file, _REQUIRED))
        }
        current = other
        _add_episodes(runs, file.with_name(file.name.removesuffix(RUNS) + EVALUATIONS))
    except FileNotFoundError as error:
        names = " and ".join(PurePosixPath(name).name for name in (shown, other))
        raise ReportError(f"{current} is not there. An export has two files: {names}.") from error
    except OSError as error:
        raise ReportError(f"Cannot read {current}: {error.strerror}.") from error
    except _Later as version:
        raise ReportError(
            f"{current} has schema version {version}; this Vitamin reads version {SCHEMA_VERSION}. Upgrade Vitamin."
        ) from version
    except _Damage as damage:
        raise ReportError(f"{current} is damaged: {damage}. {_AGAIN}") from damage
    except (csv.Error, ValueError) as error:
        raise ReportError(f"{current} is damaged: it is no table of an export. {_AGAIN}") from error
    return runs


def _rows(file: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by column, with the number of its last line.

    Raises:
        OSError: If the file cannot be read.
        _Damage: If a column is missing or twice, or a row has another number of cells.
    """
    with file.open(encoding="utf-8-sig", newline="") as stream:  # a spreadsheet adds a mark of the encoding
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(stream, strict=True)
        header = next(reader, [])
        missing = [name for name in required if name not in header]
        if missing:
            raise _Damage(1, f"there is no column {', '.join(missing)}")
        if len({*header}) < len(header):
            raise _Damage(1, "a column is there twice")
        for cells in filter(None, reader):
            if len(cells) != len(header):
                raise _Damage(reader.line_num, f"it has {len(cells)} of {len(header)} cells")
            yield reader.line_num, dict(zip(header, cells, strict=True))


def _keyed(rows: Iterator[tuple[int, dict[str, str]]]) -> Iterator[tuple[int, str, dict[str, str]]]:
    """With the key of each run, which is the path of a folder.

    Raises:
        _Damage: If it is none, is there twice, or lies in that of another run.
    """
    seen: dict[PurePosixPath, bool] = {}
    for line, row in rows:
        key = str(from_cell(row["run"]))
        path = PurePosixPath(key)
        if not key or path.is_absolute() or ".." in path.parts or "\0" in key:
            raise _Damage(line, f"{key!a:.60} is not the key of a run")
        if path in seen:
            raise _Damage(line, f"{key} is there twice")
        seen[path] = row["status"] != MISSING
        yield line, key, row
    if inner := next((path for path in seen if any(seen.get(parent) for parent in path.parents)), None):
        raise _Damage(1, f"the run {inner} lies in another run")


def _run(line: int, row: Mapping[str, str]) -> ExportedRun:
    """The run of a row, without episodes.

    Raises:
        _Damage: If it is not a run's.
        _Later: If a later version wrote it.
    """
    try:
        counts = {name: whole_from_cell(row[name]) for name in COUNTED}
        settings = unflatten({name: text for name, text in row.items() if name.startswith(f"{SETTINGS}.")})
    except ValueError as error:
        raise _Damage(line, str(error)) from error
    marks = frozenset(mark for mark in MARKS if row.get(mark) == "true")
    return ExportedRun(_info(line, row), settings.get(SETTINGS, {}), counts, marks, [])


def _info(line: int, row: Mapping[str, str]) -> RunInfo:
    """The contents of ``run.json``.

    Raises:
        _Damage: If it is not a run's.
        _Later: If a later version wrote it.
    """
    names = {name: text for name, text in row.items() if name.split(".")[0] in RunInfo.model_fields}
    try:
        content = unflatten(names)
        version = content.get("schema_version")
        if not isinstance(version, int) or version < 1:
            raise _Damage(line, "schema_version is no version")
        if version > SCHEMA_VERSION:
            raise _Later(version)
        return RunInfo.model_validate({"host": "", **content})
    except ValidationError as error:
        first = error.errors()[0]
        raise _Damage(line, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise _Damage(line, str(error)) from error


def _add_episodes(runs: Mapping[str, ExportedRun | None], file: Path) -> None:
    """Reads the evaluations.

    Raises:
        OSError: If the file cannot be read.
        _Damage: If a line is not an evaluation of one of the runs, or some are missing.
    """
    line = 0
    for line, row in _rows(file, tuple(column.name for column in EVALUATION_COLUMNS)):
        key = str(from_cell(row["run"]))
        run = runs.get(key)
        if run is None:
            raise _Damage(line, f"{key!a:.60} is none of the runs")
        if row["phase"] not in (PRETRAIN, ONLINE):
            raise _Damage(line, f"{row['phase']!a:.60} is no phase")
        try:
            run.episodes.extend(_of_evaluation(row))
        except ValueError as error:
            raise _Damage(line, str(error)) from error
    for key, run in runs.items():
        if run is None:
            continue
        found, exported = len({text.split(",")[1] for text in run.episodes}), run.counts["evaluations"]
        if found != exported:
            raise _Damage(line, f"{key} had {exported} evaluations, and here are {found}")


def _of_evaluation(row: Mapping[str, str]) -> Iterator[str]:
    """The line of each episode.

    Raises:
        ValueError: If a number is none, or one is missing.
    """
    count = whole_from_cell(row["episodes"])
    if not 1 <= count <= _MOST_EPISODES:
        raise ValueError(f"{count} is no number of episodes")
    shared = {
        name: str(whole_from_cell(row[name])) for name in ("iteration", "env_steps", "gradient_updates")
    }
    (target,) = numbers_from_cell(row["target_return"], 1)
    values = {name: numbers_from_cell(row[name], count) for name in _OF_EPISODES}
    if any("" in values[name] for name in _OF_EPISODES if name not in _MAY_BE_EMPTY):
        raise ValueError("an episode has no return or no length")
    for length in {*values["length"]}:
        whole_from_cell(length)
    for episode in range(count):
        cells = {"phase": row["phase"], "target_return": target, "episode": str(episode), **shared}
        cells |= {name: texts[episode] for name, texts in values.items()}
        yield ",".join(cells[name] for name in EVALUATION_HEADER)
