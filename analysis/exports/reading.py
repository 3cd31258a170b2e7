"""Reads an export: its runs become run folders in a temporary place, which all readers know."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml
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
)
from vitamin.analysis.mirror import Mirror
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    METRICS_FILE,
    ONLINE,
    PRETRAIN,
    RUN_FILE,
    SCHEMA_VERSION,
    SWEEP_FILE,
    RunInfo,
)
from vitamin.errors import ReportError

_AGAIN: Final = "Restore it, or make it again with `vitamin export`."
_REQUIRED: Final = ("run", "status", "schema_version", *COUNTED)
_MAY_BE_EMPTY: Final = ("normalized_score", "success")
_OF_EPISODES: Final = ("return", "length", *_MAY_BE_EMPTY)


@dataclass(frozen=True)
class Unpacked:
    """An export as run folders.

    Attributes:
        mirror: The temporary folder; each run's is below it, by its key.
        infos: What stands in ``run.json`` of each run, by key.
        altered: Keys of runs whose ``run.json`` had changed.
        shortened: Keys of runs whose last evaluation may be lost.
    """

    mirror: Mirror
    infos: Mapping[str, RunInfo]
    altered: frozenset[str]
    shortened: frozenset[str]


class _Later(Exception):
    """A later version wrote the file; holds that of the schema."""


class _Damage(Exception):
    """What is wrong with a line of a file."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")


def unpack(file: Path, shown: str) -> Unpacked:
    """The runs of an export.

    Args:
        file: That of the runs; that of the evaluations lies beside it.
        shown: What it is called in messages.

    Raises:
        ReportError: If one of the files is missing, cannot be read, or is damaged, or a later version wrote them.
    """
    other = file.with_name(file.name.removesuffix(RUNS) + EVALUATIONS)
    other_shown = shown.removesuffix(RUNS) + EVALUATIONS
    mirror = Mirror()
    current = shown
    try:
        runs = {key: (line, row) for line, key, row in _keyed(_rows(file, _REQUIRED))}
        infos = {key: _info(line, row) for key, (line, row) in runs.items() if row["status"] != MISSING}
        current = other_shown
        lines = _episode_lines(other, infos)
        current = shown
        for key, (line, row) in runs.items():
            if key in infos:
                _write_run(mirror.root / key, line, row, infos[key], lines.get(key, []))
        _write_sweeps(mirror.root, [key for key in runs if key not in infos])
    except FileNotFoundError as error:
        raise ReportError(f"{current} is not there. {_pair(shown, other_shown)}") from error
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
    marked = {mark: frozenset(key for key in infos if runs[key][1].get(mark) == "true") for mark in MARKS}
    return Unpacked(mirror, infos, **marked)


def _pair(shown: str, other: str) -> str:
    return f"An export has two files: {PurePosixPath(shown).name} and {PurePosixPath(other).name}."


def _rows(file: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by column, with the number of its last line.

    Raises:
        OSError: If the file cannot be read.
        _Damage: If a column is missing or twice, or a row has another number of cells.
    """
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        header = next(reader, [])
        missing = [name for name in required if name not in header]
        if missing:
            raise _Damage(1, f"there is no column {', '.join(missing)}")
        if len({*header}) < len(header):
            raise _Damage(1, "a column is there twice")
        for cells in reader:
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


def _info(line: int, row: Mapping[str, str]) -> RunInfo:
    """What stood in ``run.json``.

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


def _episode_lines(file: Path, infos: Mapping[str, RunInfo]) -> dict[str, list[str]]:
    """The lines of ``evaluations.csv`` of each run, by evaluation.

    Raises:
        OSError: If the file cannot be read.
        _Damage: If a line is not an evaluation of one of the runs.
    """
    lines: dict[str, list[str]] = {}
    for line, row in _rows(file, tuple(column.name for column in EVALUATION_COLUMNS)):
        key = str(from_cell(row["run"]))
        if key not in infos:
            raise _Damage(line, f"{key!a:.60} is none of the runs")
        if row["phase"] not in (PRETRAIN, ONLINE):
            raise _Damage(line, f"{row['phase']!a:.60} is no phase")
        try:
            lines.setdefault(key, []).extend(_of_evaluation(row))
        except ValueError as error:
            raise _Damage(line, str(error)) from error
    return lines


def _of_evaluation(row: Mapping[str, str]) -> Iterator[str]:
    """The line of each episode.

    Raises:
        ValueError: If a number is none, or one is missing.
    """
    count = int(row["episodes"])
    shared = {name: str(int(row[name])) for name in ("iteration", "env_steps", "gradient_updates")}
    (target,) = numbers_from_cell(row["target_return"], 1)
    values = {name: numbers_from_cell(row[name], count) for name in _OF_EPISODES}
    if count < 1 or any("" in values[name] for name in _OF_EPISODES if name not in _MAY_BE_EMPTY):
        raise ValueError("an episode has no return or no length")
    for episode in range(count):
        cells = {"phase": row["phase"], "target_return": target, "episode": str(episode), **shared}
        cells |= {name: texts[episode] for name, texts in values.items()}
        yield ",".join(cells[name] for name in EVALUATION_HEADER)


def _write_run(folder: Path, line: int, row: Mapping[str, str], info: RunInfo, episodes: list[str]) -> None:
    """The run folder, with all of it that readers look at.

    Raises:
        _Damage: If evaluations are missing, or a number is none.
    """
    try:
        counts = {name: int(row[name]) for name in COUNTED}
        settings = unflatten({name: text for name, text in row.items() if name.startswith(f"{SETTINGS}.")})
    except ValueError as error:
        raise _Damage(line, str(error)) from error
    found = len({text.split(",")[1] for text in episodes})
    if found != counts.pop("evaluations"):
        raise _Damage(line, f"{row['evaluations']} evaluations were exported, and the other file has {found}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILE).write_text(info.text(), encoding="utf-8")
    text = "\n".join([",".join(EVALUATION_HEADER), *episodes]) + "\n"
    (folder / EVALUATIONS_FILE).write_text(text, encoding="utf-8")
    progress = {"iteration": found, "phase": ONLINE if counts["env_steps"] else PRETRAIN, **counts}
    (folder / METRICS_FILE).write_text(json.dumps(progress) + "\n", encoding="utf-8")
    if settings:
        content: dict[str, Any] = {"hyperparameters": settings[SETTINGS]}
        (folder / CONFIG_FILE).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _write_sweeps(root: Path, missing: list[str]) -> None:
    """The lists of sweeps with the trials that left no run."""
    trials: dict[Path, list[dict[str, str]]] = {}
    for key in missing:
        trials.setdefault((root / key).parent, []).append({"name": PurePosixPath(key).name})
    for folder, names in trials.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SWEEP_FILE).write_text(json.dumps({"trials": names}), encoding="utf-8")
