"""docs/presets.md names every setting in which `small` departs from `paper`, with both values."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.methods import METHODS
from vitamin.platform.catalog import get_task
from vitamin.platform.tasks import preset_names, task_names
from vitamin.platform.tasks.presets import preset_hyperparameters, setting_origins, settings_layers

PAGE = (Path(__file__).parents[2] / "docs" / "presets.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?:((?:suite|environment) [^|]+) \| )?`(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE
)

Departures = dict[tuple[str, str], tuple[list[Any], list[Any]]]


def departures() -> Departures:
    """By the place that sets a value of `small` and by the setting: `paper`'s values, and `small`'s."""
    found: dict[tuple[str, str], tuple[set[Any], set[Any]]] = defaultdict(lambda: (set(), set()))
    for task in map(get_task, task_names()):
        for method in METHODS.values():
            paper, small = (preset_hyperparameters(task, method.name, it) for it in ("paper", "small"))
            origins = setting_origins(settings_layers(task, method.name, "small"))
            for name, value in small:
                usual = getattr(paper, name)
                if value != usual and name not in ignored_settings(method):
                    values = found[origins[name].place, name]
                    values[0].add(usual)
                    values[1].add(value)
    return {key: (sorted(usual), sorted(own)) for key, (usual, own) in found.items()}


def told() -> Departures:
    """The same from the page's tables."""
    return {
        (_place(where), name): tuple(
            [yaml.safe_load(value) for value in cell.split(" or ")] for cell in cells
        )  # type: ignore[misc]
        for where, name, *cells in ROW.findall(PAGE)
    }


def _place(where: str) -> str:
    suite, *method = where.split(", ")
    return ", ".join([*([suite] if suite else []), "preset small", *method])


def test_the_page_has_every_departure_of_small_with_its_values() -> None:
    assert told() == departures()


def test_the_page_names_every_preset() -> None:
    assert re.findall(r"^\| `(\w+)`", PAGE.split("##")[0], re.MULTILINE) == preset_names()
