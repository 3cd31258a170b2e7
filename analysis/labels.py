"""What a run is called in tables and legends: its method, and the settings by which its runs differ."""

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Any

from vitamin.analysis.schema import RunInfo

UNSET = "default"
DATASET = "dataset"
REFERENCE = "reference_scores"
_PAPER_ORDER = ("TD3+BC", "IQL", "ODT", "PDT", "TD3", "DDPG+ODT", "TD3+ODT")


def method_label(method: str) -> str:
    """``td3_odt`` → ``TD3+ODT``, as the paper writes its methods."""
    return method.upper().replace("_", "+")


def short_fingerprint(fingerprint: str) -> str:
    """The first 8 digits, without the name of the digest that may precede them."""
    return fingerprint.rsplit(":", maxsplit=1)[-1][:8]


def run_settings(info: RunInfo) -> dict[str, str]:
    """What a user chose for a run besides task, method and seed, as text: preset, data, scale of scores, overrides."""
    settings = {"preset": info.preset}
    if info.dataset is not None:
        settings[DATASET] = short_fingerprint(info.dataset.fingerprint)
    if info.reference_scores is not None:
        settings[REFERENCE] = f"{info.reference_scores.min:g} … {info.reference_scores.max:g}"
    return settings | {key: _text(value) for key, value in info.overrides.items()}


def differing_settings(infos: Iterable[RunInfo]) -> dict[str, tuple[str, ...]]:
    """Settings whose value is not the same in all of ``infos``, with their values, sorted."""
    settings = [run_settings(info) for info in infos]
    values = {
        key: {chosen.get(key, UNSET) for chosen in settings}
        for key in sorted({key for chosen in settings for key in chosen})
    }
    return {key: tuple(sorted(found, key=_natural)) for key, found in values.items() if len(found) > 1}


def run_labels(infos: Mapping[str, RunInfo], apart: Container[str] = ()) -> dict[str, str]:
    """A label for each run: its method, and the settings that differ between runs of that method on a task.

    Two runs have the same label exactly if they are seeds of one experiment: ``TD3+ODT, rl_coefficient=0.5``.
    A setting that only differs between tasks (as in presets tuned for each task) is not part of the label.

    Args:
        infos: The ``run.json`` of each run, by key.
        apart: Keys of runs that do not count, so that their settings are not part of others' labels.
    """
    cells: dict[tuple[str, str], list[RunInfo]] = defaultdict(list)
    for info in (info for run, info in infos.items() if run not in apart):
        cells[info.method, info.task].append(info)
    swept: dict[str, set[str]] = defaultdict(set)
    for (method, _), cell in cells.items():
        swept[method].update(differing_settings(cell))

    def label(info: RunInfo) -> str:
        settings = run_settings(info)
        suffix = (f", {key}={settings.get(key, UNSET)}" for key in sorted(swept[info.method]))
        return method_label(info.method) + "".join(suffix)

    return {run: label(info) for run, info in infos.items()}


def base_label(label: str) -> str:
    """The label's method: ``TD3+ODT, rl_coefficient=0.5`` → ``TD3+ODT``."""
    return label.split(",", maxsplit=1)[0]


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Distinct labels in the order of the paper's tables (its own method last), swept values ascending."""

    def order(label: str) -> tuple[int, Any]:
        method = base_label(label)
        rank = _PAPER_ORDER.index(method) if method in _PAPER_ORDER else len(_PAPER_ORDER)
        return rank, [_natural(part) for part in label.replace("=", ", ").split(", ")]

    return sorted(set(labels), key=order)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value, sort_keys=True)
