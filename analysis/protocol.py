"""Under which conditions the methods of a comparison ran, and in which of these they differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from vitamin.analysis.choice import parse_final
from vitamin.analysis.experiments import file_name
from vitamin.analysis.influence import inert_settings, unread
from vitamin.analysis.labels import setting_text, short_fingerprint
from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.results import Results
from vitamin.analysis.schema import RunInfo
from vitamin.analysis.scores import Scores
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.grid import MOST_METHODS

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "budget": "Online steps",
        "gradient_updates": "Gradient updates",
        "pretrain_updates": "Pretraining updates",
        "updates_per_iteration": "Updates per online iteration",
        "update_to_data_ratio": "Updates per online step",
        "preset": "Preset",
        "context_length": "Context in training",
        "eval_context_length": "Context in rollouts",
        "hidden_size": "Width of the policy",
        "num_layers": "Layers of the policy",
        "batch_size": "Batch size",
        "eval_episodes": "Episodes of an evaluation",
        "eval_interval": "Iterations between evaluations",
        "reference_scores": "Reference scores",
        "dataset": "Dataset",
        "data": "Data",
        "version": "Version",
        "commit": "Commit",
        "final": "Final score",
    }
)
"""The settings and facts that are compared, with their headings."""

PUBLISHED: Final = "published"
"""Value of ``data`` for the task's published dataset."""
_SETTINGS: Final = (
    *("pretrain_updates", "updates_per_iteration", "update_to_data_ratio", "context_length"),
    *("eval_context_length", "hidden_size", "num_layers", "batch_size", "eval_episodes", "eval_interval"),
)
_CAPTION: Final = (
    "Of the runs that count, over all tasks. ≠: on some task runs have several values, so that methods are not compared"
    " like with like in this; =: the same on each task. –: not known, or of no influence on the method."
)
_TRIES: Final = 3
_MOST_TASKS: Final = 3
_LARGEST: Final = 1e300
_BY_CHANCE: Final = frozenset({"gradient_updates"})
"""Fields whose values differ a little by chance, since iterations end with episodes."""

Value = float | str


@dataclass(frozen=True)
class Protocol:
    """The conditions of a comparison.

    Attributes:
        frame: A row for each task, label and field. Columns ``task``, ``label``, ``field`` (a key of ``FIELDS``),
            ``value`` (as text), ``differs`` (whether the task's runs, of all labels, have several values).
        over_tasks: The values that the runs of a label have on any task, by label and field.
        sentences: What differs, a sentence each.
        labels: In the order of tables.
    """

    frame: pd.DataFrame
    over_tasks: Mapping[tuple[str, str], tuple[Value, ...]]
    sentences: tuple[str, ...]
    labels: tuple[str, ...]


def protocol(results: Results, scores: Scores) -> Protocol:
    """The conditions of the runs that count; of a label none of whose runs counts, of all its runs.

    Settings that a method does not read, and values that no file tells, make no difference.
    """
    counted = scores.frame["label"].isin(scores.counted["label"])
    rows = scores.frame[(scores.frame["left_out"] == "") | ~counted]
    runs = _conditions(results, scores, rows)
    parts = []
    over_tasks: dict[tuple[str, str], set[Value]] = defaultdict(set)
    for name in FIELDS:
        by_task: dict[str, dict[str, list[Value]]] = defaultdict(lambda: defaultdict(list))
        found = runs[["task", "label", name]].dropna().drop_duplicates()
        for task, label, value in found.itertuples(index=False):
            by_task[task][label].append(value)
            over_tasks[label, name].add(value)
        for task, by_label in by_task.items():
            differs = _differ(name, by_label)
            parts += [(task, label, name, values, differs) for label, values in by_label.items()]
    frame = pd.DataFrame(parts, columns=["task", "label", "field", "values", "differs"])
    return Protocol(
        frame=frame.assign(value=frame["values"].map(_text))[["task", "label", "field", "value", "differs"]],
        over_tasks={key: tuple(sorted(values, key=_order)) for key, values in over_tasks.items()},
        sentences=_sentences(frame, scores),
        labels=scores.labels,
    )


def protocol_table(found: Protocol) -> TableBlock:
    """A row for each field that has a value, a column for each label; fields in which runs differ are marked.

    Of many labels, as of a sweep, each has a row.
    """
    differing = set(found.frame.loc[found.frame["differs"], "field"])
    rows = []
    for name, title in FIELDS.items():
        values = [found.over_tasks.get((label, name), ()) for label in found.labels]
        if not any(values) or (name == "update_to_data_ratio" and {*values} <= {(0,), ()}):
            continue
        differs = name in differing
        cells = (Cell(_text(each), bold=differs, value=_number(each)) for each in values)
        rows.append((Cell(title, bold=differs), *cells, Cell("≠" if differs else "=", bold=differs)))
    if len(found.labels) > MOST_METHODS:
        heads, *columns = zip(*rows, strict=True)
        header = ("Method", *(cell.text for cell in heads))
        lines = zip((*found.labels, "Same?"), columns, strict=True)
        table = Table(header, tuple((Cell(label), *cells) for label, cells in lines), label_column=0)
    else:
        table = Table(("", *found.labels, "Same?"), tuple(rows), labels=(None, *found.labels, None))
    return TableBlock("protocol", "Conditions of the runs", table, _CAPTION)


def _conditions(results: Results, scores: Scores, rows: pd.DataFrame) -> pd.DataFrame:
    """The value of each field for each run of ``rows``, missing where it is not known; with ``task`` and ``label``."""
    columns = ["run", "gradient_updates", "preset", "version", "commit", "fingerprint"]
    runs = rows[["run", "task", "label", "budget", "data"]].merge(
        results.runs[[*columns, "method", "reference_min", "reference_max"]], on="run"
    )
    infos = [results.infos[run] for run in runs["run"]]
    settings = _settings(results, runs, infos)
    for name in _SETTINGS:
        runs[name] = [values.get(name) for values in settings]
    references = zip(runs["reference_min"], runs["reference_max"], strict=True)
    runs["reference_scores"] = [f"{low:g} … {high:g}" if low < high else "none" for low, high in references]
    runs["dataset"] = [
        f"{file_name(info.dataset.path)} ({short_fingerprint(info.dataset.fingerprint)})"
        if info.dataset
        else "none"
        for info in infos
    ]
    runs["data"] = runs["data"].where(runs["data"] != "", PUBLISHED)
    runs["commit"] = runs["commit"].str[:12]
    runs["final"] = parse_final(scores.choice.final).text
    return runs


def _settings(results: Results, runs: pd.DataFrame, infos: Sequence[RunInfo]) -> list[Mapping[str, Value]]:
    """The fields that are settings for each run, ``NOTHING`` for those that its method does not read.

    One run is read for all that were given the same settings in the same words.
    """
    given = [
        (task, method, preset, *sorted((name, setting_text(value)) for name, value in info.overrides.items()))
        for task, method, preset, info in zip(
            runs["task"], runs["method"], runs["preset"], infos, strict=True
        )
    ]
    keys: dict[Any, list[str]] = defaultdict(list)
    for key, run in zip(given, runs["run"], strict=True):
        keys[key].append(run)
    read: dict[Any, Mapping[str, Value]] = {}
    for key, group in keys.items():
        resolved = next(filter(None, map(results.settings, group[:_TRIES])), None)
        known = results.infos[group[0]].overrides if resolved is None else resolved
        inert = inert_settings(key[1]) | (unread(resolved) if resolved else frozenset())
        read[key] = {
            name: NOTHING if name in inert else _value(known[name]) for name in _SETTINGS if name in known
        }
    return [read[key] for key in given]


def _value(setting: Any) -> Value:
    """A number or text; what is neither, or no number that a float holds, as text."""
    is_number = isinstance(setting, int | float) and abs(setting) < _LARGEST
    return setting if is_number or isinstance(setting, str) else setting_text(setting)


def _differ(name: str, by_label: Mapping[str, Iterable[Value]]) -> bool:
    """Whether a task's runs have several values; if these vary by chance, whether the ranges of labels are apart."""
    known = [[value for value in values if value != NOTHING] for values in by_label.values()]
    if name in _BY_CHANCE:
        numbers = [[float(value) for value in values] for values in known if values]
        ranges = [(min(values), max(values)) for values in numbers]
        return bool(ranges) and max(low for low, _ in ranges) > min(high for _, high in ranges)
    return len({value for values in known for value in values}) > 1


def _sentences(frame: pd.DataFrame, scores: Scores) -> tuple[str, ...]:
    """Sentences about what differs, on tasks with the same values together."""
    swept = {name for settings in scores.settings.values() for name in settings}
    sentences = []
    for name, title in FIELDS.items():
        rows = frame[(frame["field"] == name) & frame["differs"]]
        if name in swept or rows.empty:
            continue
        tasks: dict[str, list[str]] = defaultdict(list)
        for task, on_task in rows.groupby("task", sort=False):
            words: dict[str, list[str]] = defaultdict(list)
            for label, values in zip(on_task["label"], on_task["values"], strict=True):
                words[_text(values)].append(label)
            body = "; ".join(f"{' and '.join(labels)} {text}" for text, labels in words.items())
            if name == "budget" and task in scores.common_steps:
                body += f". Finals are compared at {_text((scores.common_steps[str(task)],))}"
            tasks[body].append(str(task))
        sentences += [f"{title} on {_some(named)}: {body}." for body, named in tasks.items()]
    return tuple(sentences)


def _some(tasks: Sequence[str]) -> str:
    if len(tasks) <= _MOST_TASKS:
        return ", ".join(tasks)
    return f"{len(tasks)} tasks ({', '.join(tasks[:_MOST_TASKS])} …)"


def _text(values: Sequence[Value]) -> str:
    """One value, the range of numbers, or how many there are."""
    if not values:
        return NOTHING
    numbers = [value for value in values if not isinstance(value, str)]
    if len(values) == 1 or (len(numbers) == len(values) and min(numbers) == max(numbers)):
        return _one(values[0])
    if len(numbers) == len(values):
        return f"{_one(min(numbers))} … {_one(max(numbers))}"
    return f"{len(values)} values"


def _one(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:,.12g}".replace(",", " ")


def _number(values: Sequence[Value]) -> float | None:
    return float(values[0]) if len(values) == 1 and not isinstance(values[0], str) else None


def _order(value: Value) -> tuple[bool, Value]:
    return isinstance(value, str), value
