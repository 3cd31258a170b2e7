"""Swept settings as axes: final scores against the values of one or two of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd

from vitamin.analysis.labels import base_label

ABLATION_COLUMNS: Final = (
    "task",
    "suite",
    "method",
    "label",
    "unit",
    "x_name",
    "x",
    "z_name",
    "z",
    "mean",
    "low",
    "high",
    "seeds",
    "data",
)
_FEWEST: Final = 3
"""Fewer values than this are two methods that are compared, not a sweep."""


def label_settings(label: str) -> dict[str, str]:
    """The settings in a label: ``TD3+ODT, rl_coefficient=0.5`` → ``{"rl_coefficient": "0.5"}``."""
    return dict(part.split("=", maxsplit=1) for part in label.split(", ")[1:] if "=" in part)


def ablations(summary: pd.DataFrame, by: tuple[str, ...] = ()) -> Iterator[pd.DataFrame]:
    """For each method one of whose settings has three values or more, or is named, its final scores.

    The setting with most values is the x axis; the values of the others tell the lines apart.

    Args:
        summary: What ``summarize`` returned.
        by: Settings that are axes whatever their number of values, the first one along x.

    Yields:
        Frames with ``ABLATION_COLUMNS``, one for each method; x and z are text, sorted as in the tables.
    """
    for method, rows in summary.groupby(summary["label"].map(base_label), sort=False):
        settings = {label: label_settings(label) for label in rows["label"].unique()}
        axes = _axes(settings, by)
        if not axes:
            continue
        x_name, *z_names = axes
        frame = rows.rename(columns={"final_mean": "mean", "final_low": "low", "final_high": "high"}).assign(
            method=method,
            x_name=x_name,
            x=[settings[label].get(x_name, "") for label in rows["label"]],
            z_name=", ".join(z_names),
            z=[", ".join(settings[label].get(name, "") for name in z_names) for label in rows["label"]],
        )
        yield frame[list(ABLATION_COLUMNS)].reset_index(drop=True)


def _axes(settings: Mapping[str, Mapping[str, str]], by: tuple[str, ...]) -> list[str]:
    """Names of the settings, the one along x first; none if nothing is swept."""
    values: dict[str, set[str]] = defaultdict(set)
    for chosen in settings.values():
        for name, value in chosen.items():
            values[name].add(value)
    named = [name for name in by if name in values]
    most = sorted(values, key=lambda name: (-len(values[name]), name))
    if not named and (not most or len(values[most[0]]) < _FEWEST):
        return []
    return [*named, *(name for name in most if name not in named and len(values[name]) > 1)]
