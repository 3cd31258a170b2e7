"""From a task, a method, a preset and the user's own settings to the full set of hyperparameters."""

from collections.abc import Mapping
from typing import Any

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, nearest
from vitamin.platform.tasks.overrides import build_hyperparameters
from vitamin.platform.tasks.registry_files import presets_file
from vitamin.platform.tasks.task import Task


def preset_names() -> list[str]:
    """All presets, ``paper`` first."""
    return list(presets_file().presets)


def preset_summary(name: str) -> str:
    """One line on a preset."""
    return presets_file().presets[name].summary


def resolve_hyperparameters(
    task: Task, method: str, preset: str, overrides: Mapping[str, Any]
) -> Hyperparameters:
    """The settings of a run.

    Later ones win: defaults, task's, method's, preset's, task's for the preset, ``overrides``.

    Raises:
        SettingsError: If there is no such method, preset or setting (names the nearest), or a value does not
            fit.
    """
    get_method(method)
    known = presets_file()
    if preset not in known.presets:
        raise SettingsError(
            f"Unknown preset {preset!r}.{nearest(preset, known.presets)} Presets: {', '.join(known.presets)}."
        )
    return build_hyperparameters(
        {
            **task.hyperparameters,
            **known.methods.get(method, {}),
            **known.presets[preset].hyperparameters,
            **task.presets.get(preset, {}),
            **overrides,
        }
    )
