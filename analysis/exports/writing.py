"""Writes results as data that can be kept: without hosts, paths of a machine, metrics and checkpoints."""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vitamin.analysis.experiments import file_name
from vitamin.analysis.exports.layout import (
    COUNTED,
    EVALUATION_COLUMNS,
    EVALUATIONS,
    MARKS,
    MISSING,
    RUNS,
    SETTINGS,
    flatten,
    number_text,
    numbers_to_cell,
    to_cell,
)
from vitamin.analysis.results import Results
from vitamin.analysis.schema import RunInfo, RunTime
from vitamin.analysis.timing import PARTS
from vitamin.analysis.together import written_together
from vitamin.errors import ReportError
from vitamin.scores import normalized_score

# An absolute path, or a URI; what follows it in a sentence is no part of it.
_PLACE: Final = re.compile(
    r"(?<![\w.~/\\])(?:[A-Za-z][\w+.-]*://|~?/|[A-Za-z]:[\\/])[^\s'\"`,;:()<>|]*[^\s'\"`,;:()<>|.]"
)
_MINARI: Final = "minari:"
_ORDER: Final = ("run", *RunInfo.model_fields, *COUNTED, *MARKS, SETTINGS)
_OF_EPISODES: Final = ("return", "length", "normalized_score", "success")


@dataclass(frozen=True)
class Export:
    """The outcome of an export.

    Attributes:
        files: The files, that of the runs first.
        runs: How many runs are in them.
        evaluations: How many evaluations.
        notes: What is not in them, and what is damaged, a sentence each.
    """

    files: tuple[Path, ...]
    runs: int
    evaluations: int
    notes: tuple[str, ...]


def write_export(results: Results, out: Path) -> Export:
    """Writes ``OUT-runs.csv`` and ``OUT-evaluations.csv``, which are read as the run folders are.

    The same results give the same bytes. Damaged evaluations are not in them, and runs that are damaged in part say so
    in their notes.

    Args:
        results: What ``load_results`` read.
        out: Where to; a suffix of either file is taken off it.

    Raises:
        ReportError: If the files cannot be written.
    """
    if not out.name.strip("."):
        raise ReportError(f"--out {out} does not name the export. Name it too: --out {out / 'NAME'}.")
    out = _without_suffix(out)
    runs = list(_runs(results))
    evaluations = list(_evaluations(results))
    columns = dict.fromkeys(name for row in runs for name in row)
    header = sorted(columns, key=lambda name: _ORDER.index(name.partition(".")[0]))
    files = {
        f"{out.name}{RUNS}": (header, runs),
        f"{out.name}{EVALUATIONS}": ([column.name for column in EVALUATION_COLUMNS], evaluations),
    }
    try:
        with written_together(out.parent) as folder:
            for name, (names, rows) in files.items():
                _write(folder / name, names, rows)
    except (OSError, ValueError) as error:  # such as a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise ReportError(f"Cannot write {out}{RUNS}: {reason}. Choose another --out.") from error
    notes = (f"Skipped: {warning}" for warning in results.warnings)
    return Export(
        tuple(out.parent / name for name in files),
        len(results.infos),
        len(evaluations),
        (*notes, *results.damages),
    )


def without_places(value: Any) -> Any:
    """A value of JSON in whose texts absolute paths and URIs are cut to their last part."""
    if isinstance(value, str):
        return _PLACE.sub(lambda match: file_name(match[0].rstrip("/\\")), value)
    if isinstance(value, Mapping):
        return {name: without_places(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(each) for each in value]
    return value


def _without_suffix(out: Path) -> Path:
    for suffix in (RUNS, EVALUATIONS, ".csv"):
        if out.name.endswith(suffix) and out.name != suffix:
            return out.with_name(out.name.removesuffix(suffix))
    return out


def _runs(results: Results) -> Iterator[dict[str, str]]:
    counts = results.evaluations["run"].value_counts()
    times = {str(row["run"]): row for row in results.timing().to_dict("records")}
    damages: dict[str, list[str]] = {}
    for text in results.damages:
        place, _, what = text.partition(": ")
        damages.setdefault(place, []).append(what)
    for row in results.runs.to_dict("records"):
        run = str(row["run"])
        info = _with_time(results.infos[run], times[run])
        cells = {"run": to_cell(run), **_info_cells(info, damages.get(str(row["folder"]), []))}
        for name in COUNTED:
            cells[name] = str(int(counts.get(run, 0)) if name == "evaluations" else row[name])
        marks = {"altered": run in results.altered, "shortened": run in results.shortened}
        cells |= {name: "true" for name in MARKS if marks[name]}
        settings = dict(results.settings(run) or {})
        if isinstance(settings.get("data"), str):
            settings["data"] = _file(settings["data"])
        yield cells | flatten({SETTINGS: without_places(settings)} if settings else {})
    for run in results.missing:
        yield {"run": to_cell(run), "status": MISSING}


def _info_cells(info: RunInfo, damages: list[str]) -> dict[str, str]:
    """The contents of ``run.json``, but for the machine's name and paths."""
    content = info.model_dump(mode="json", exclude={"host"}, exclude_defaults=True)
    if info.dataset is not None:
        content["dataset"]["path"] = _file(info.dataset.path)
    if damages:
        content["notes"] = [*content.get("notes", []), *damages]
    return flatten(without_places({"schema_version": info.schema_version, **content}))


def _with_time(info: RunInfo, row: Mapping[Any, Any]) -> RunInfo:
    """With the times that an earlier version has in ``metrics.jsonl`` alone."""
    time = {part: float(row[part]) for part in PARTS}
    if info.time is not None or any(map(math.isnan, time.values())):
        return info
    return info.model_copy(update={"time": RunTime(**time)})


def _file(path: str) -> str:
    return path if path.startswith(_MINARI) else file_name(path)


def _evaluations(results: Results) -> Iterator[dict[str, str]]:
    episodes = results.episodes()
    for (run, iteration), rows in episodes.groupby(["run", "iteration"], observed=True, sort=False):
        first = rows.iloc[0]
        values = {name: rows[name].to_numpy(np.float64) for name in _OF_EPISODES}
        if _follows(values["return"], values["normalized_score"], results.infos[str(run)]):
            values["normalized_score"] = np.array([np.nan])
        yield {
            "run": to_cell(str(run)),
            "phase": str(first["phase"]),
            "iteration": str(iteration),
            "env_steps": str(first["env_steps"]),
            "gradient_updates": str(first["gradient_updates"]),
            "target_return": number_text(first["target_return"]).replace("nan", ""),
            "episodes": str(len(rows)),
            **{name: numbers_to_cell(each) for name, each in values.items()},
        }


def _follows(returns: Any, scores: Any, info: RunInfo) -> bool:
    """Whether a reader computes the same scores, to the last bit."""
    reference = info.reference_scores
    if reference is None or reference.max == reference.min:
        return False
    return bool((normalized_score(returns, reference.min, reference.max) == scores).all())


def _write(file: Path, header: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(header), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
