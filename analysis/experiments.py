"""Which runs are seeds of one experiment: those whose task, method, data and settings of influence are equal.

Settings are compared as they are resolved, in ``config.yaml``, however they were given. Since reading it is slow, one
run is read for each way in which settings were given, and only for methods that have several ways on some task.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import PureWindowsPath
from typing import Final, NamedTuple

import pandas as pd

from vitamin.analysis.influence import FREE, inert_settings, unread, without_influence
from vitamin.analysis.labels import setting_text, short_fingerprint
from vitamin.analysis.results import Results
from vitamin.errors import ReportError, nearest, shown

DATASET: Final = "dataset"
PRESET: Final = "preset"
RESULTS: Final = "results"
"""Which of several results a run is of: named in ``by``, it tells runs apart as a setting does."""
UNKNOWN: Final = "default"
"""Value of a setting that is the preset's, where no ``config.yaml`` says what that is."""

_FROM_DATA: Final = ("eval_target_return", "online_target_return", "return_scale")
"""Settings that runs take from their data if nobody sets them: other data explain other values."""
_FEW: Final = 2
"""Up to this number, settings by which presets differ are shown instead of the preset's name."""
_TRIES: Final = 3

Texts = Mapping[str, str | None]
"""Settings as text by name, None where the others make it one that is not read."""


class Given(NamedTuple):
    """How the settings of a run were given; what has no influence is left out."""

    preset: str
    overrides: tuple[tuple[str, str], ...]
    fingerprint: str


class _Cell(NamedTuple):
    """The runs of a method on a task.

    Attributes:
        runs: Those for each way of giving settings, the trusted ones first.
        sure: The ways of trusted runs: these alone tell experiments apart.
        files: Names of the datasets' files by fingerprint.
    """

    runs: dict[Given, list[str]]
    sure: frozenset[Given]
    files: dict[str, str]


def told_apart(results: Results, runs: pd.DataFrame, by: Collection[str] = ()) -> dict[str, dict[str, str]]:
    """The settings that tell the experiments of a run's method apart, as text by name; none if it has but one.

    On one task, runs of a method are seeds of one experiment exactly if these are equal. A setting that differs only
    between tasks, as in presets tuned for each task, does not tell experiments apart.

    Args:
        results: What ``load_results`` read.
        runs: The rows of ``results.runs`` that are looked at.
        by: Further settings to name, whether they differ or not.

    Returns:
        Such settings for each of ``runs``, by key.

    Raises:
        ReportError: If no method has a setting that is named in ``by``.
    """
    apart: dict[str, dict[str, str]] = {}
    known = {DATASET, PRESET}
    by_results, by = RESULTS in by, [name for name in by if name != RESULTS]
    for method, cells in _cells(results, runs).items():
        texts: list[dict[Given, Texts]] = [{} for _ in cells]
        if by or any(len(cell.sure) > 1 for cell in cells):
            texts = [_resolved(results, method, cell.runs) for cell in cells]
        known |= {name for text in texts for values in text.values() for name in values}
        names = {name for cell, text in zip(cells, texts, strict=True) for name in _differing(cell, text)}
        names |= known.intersection(by) - inert_settings(method)
        shows_files = all(len({*cell.files.values()}) == len(cell.files) for cell in cells)
        for cell, text in zip(cells, texts, strict=True):
            for given, keys in cell.runs.items():
                data = cell.files[given.fingerprint] if shows_files else short_fingerprint(given.fingerprint)
                values = {**text.get(given, {}), PRESET: given.preset, DATASET: data or "none"}
                named = {name: values.get(name, UNKNOWN) for name in sorted(names)}
                chosen = {name: value for name, value in named.items() if value is not None}
                apart |= dict.fromkeys(keys, chosen)
    _check_fields(by, known)
    if by_results:
        apart = {run: {**chosen, RESULTS: run.split("/", maxsplit=1)[0]} for run, chosen in apart.items()}
    return apart


def _check_fields(by: Iterable[str], known: Collection[str]) -> None:
    """Checks that all fields are known.

    Raises:
        ReportError: If one is not.
    """
    for name in by:
        if name in FREE:
            raise ReportError(
                f"{name} has no influence on what is learned, so runs that differ in it are seeds of one experiment."
                " Choose a setting that has."
            )
        if name not in known:
            raise ReportError(
                f"No run's method has the setting {shown(name)}.{nearest(name, known)} `vitamin tasks TASK` lists all"
                " settings."
            )


def _cells(results: Results, runs: pd.DataFrame) -> dict[str, list[_Cell]]:
    """The runs by method, for each of its tasks."""
    ignored: dict[str, frozenset[str]] = {}
    ways: dict[tuple[str, str], dict[Given, list[str]]] = defaultdict(lambda: defaultdict(list))
    sure: dict[tuple[str, str], set[Given]] = defaultdict(set)
    files: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    columns = ["run", "task", "method", "preset", "fingerprint"]
    rows = runs[columns].assign(trusted=~runs["run"].isin(results.altered))
    rows = rows.sort_values("trusted", ascending=False, kind="stable")
    for run, task, method, preset, fingerprint, trusted in rows.itertuples(index=False):
        if method not in ignored:
            ignored[method] = without_influence(method)
        info = results.infos[run]
        overrides = (
            (name, setting_text(value))
            for name, value in info.overrides.items()
            if name not in ignored[method]
        )
        given = Given(preset, tuple(sorted(overrides)), fingerprint)
        cell = method, task
        ways[cell][given].append(run)
        if trusted:
            sure[cell].add(given)
        if fingerprint not in files[cell]:
            files[cell][fingerprint] = "" if info.dataset is None else file_name(info.dataset.path)
    cells: dict[str, list[_Cell]] = defaultdict(list)
    for (method, task), runs_of in ways.items():
        cells[method].append(_Cell(dict(runs_of), frozenset(sure[method, task]), files[method, task]))
    return cells


def file_name(path: str) -> str:
    """The last part of a path, whichever system wrote it."""
    return PureWindowsPath(path).name or path


def _resolved(results: Results, method: str, runs: Mapping[Given, list[str]]) -> dict[Given, Texts]:
    """The settings of influence, of one run for each way of giving them.

    What the ``config.yaml`` of a run does not say, because it cannot be read or an earlier version wrote it, is taken
    from another run of the preset that nobody gave this setting.
    """
    without = without_influence(method)
    read: dict[Given, dict[str, str | None]] = {}
    for given, keys in runs.items():
        read[given] = {**dict(given.overrides)}
        if settings := next(filter(None, map(results.settings, keys[:_TRIES])), None):
            idle = unread(settings)
            for name in settings.keys() - without:
                read[given][name] = None if name in idle else setting_text(settings[name])
    names = {name for values in read.values() for name in values}

    def from_another(given: Given, name: str) -> str | None:
        return next(
            (
                values[name]
                for other, values in read.items()
                if other.preset == given.preset and name in values and name not in dict(other.overrides)
            ),
            UNKNOWN,
        )

    return {
        given: values | {name: from_another(given, name) for name in sorted(names - values.keys())}
        for given, values in read.items()
    }


def _differing(cell: _Cell, text: Mapping[Given, Texts]) -> set[str]:
    """The names by which the experiments of the cell are told apart.

    Other data explain settings that are taken from them. A preset's name stands for the settings of presets that
    differ in more than a few, and also where no run says what a preset stands for.
    """
    ways = sorted(cell.sure)
    names = {DATASET} if len({given.fingerprint for given in ways}) > 1 else set()
    if not text:
        return names
    values = {name: [text[given][name] for given in ways] for name in text[ways[0]]} if ways else {}
    differing = {name for name, of_ways in values.items() if len({*of_ways} - {None}) > 1}
    if names:
        data = [given.fingerprint for given in ways]
        differing -= {name for name in _FROM_DATA if name in differing and _decides(data, values[name])}
    presets = [given.preset for given in ways]
    given_names = {name for given in ways for name, _ in given.overrides}
    explained = {name for name in differing - given_names if _decides(presets, values[name])}
    untold = any(
        all(value == UNKNOWN for name, value in text[given].items() if name not in dict(given.overrides))
        for given in ways
    )
    if len({*presets}) > 1 and (len(explained) > _FEW or untold):
        return names | differing - explained | {PRESET}
    return names | differing


def _decides(causes: Iterable[str], values: Iterable[str | None]) -> bool:
    """Whether equal causes always have equal values."""
    pairs = {*zip(causes, values, strict=True)}
    return len(pairs) == len({cause for cause, _ in pairs})
