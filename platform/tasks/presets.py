"""From a task, a method, a preset and the user's own settings to the full set of hyperparameters."""

from collections.abc import Iterable, Mapping
from typing import Any

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, nearest
from vitamin.platform.tasks.overrides import build_hyperparameters
from vitamin.platform.tasks.registry_files import presets_file
from vitamin.platform.tasks.task import SettingsLayer, Task

_DEFAULTS = SettingsLayer(
    "default",
    "the paper's MuJoCo settings (appendix, and its code's argument parser); ours where it has none",
    {},
)
_METHOD_SOURCE = "the method's definition"


def preset_names() -> list[str]:
    """All presets, ``paper`` first."""
    return list(presets_file().presets)


def preset_summary(name: str) -> str:
    """One line on a preset."""
    return presets_file().presets[name].summary


def resolve_hyperparameters(
    task: Task, method: str, preset: str, overrides: Mapping[str, Any]
) -> Hyperparameters:
    """The settings of a run: `settings_layers` merged, then ``overrides``.

    Raises:
        SettingsError: If there is no such method, preset or setting (names the nearest), or a value does not
            fit.
    """
    layers = settings_layers(task, method, preset)
    merged = {name: value for layer in layers for name, value in layer.values.items()}
    return build_hyperparameters({**merged, **overrides})


def settings_layers(task: Task, method: str, preset: str) -> tuple[SettingsLayer, ...]:
    """Every place that sets something for a run over the defaults, later ones over earlier ones.

    The task's (suite, environment, data, task), the method, the preset, the task's for the preset.

    Raises:
        SettingsError: If there is no such method or preset (names the nearest).
    """
    get_method(method)
    known = presets_file()
    if preset not in known.presets:
        raise SettingsError(
            f"Unknown preset {preset!r}.{nearest(preset, known.presets)} Presets: {', '.join(known.presets)}."
        )
    chosen = known.presets[preset]
    layers = (
        *task.settings,
        SettingsLayer(f"method {method}", _METHOD_SOURCE, known.methods.get(method, {})),
        SettingsLayer(f"preset {preset}", chosen.summary, chosen.hyperparameters),
        *([task.presets[preset]] if preset in task.presets else []),
    )
    return tuple(layer for layer in layers if layer.values)


def setting_origins(layers: Iterable[SettingsLayer]) -> dict[str, SettingsLayer]:
    """By name of each setting the layer that decides it: the last one that sets it, else the defaults."""
    decided = {name: layer for layer in layers for name in layer.values}
    return {name: decided.get(name, _DEFAULTS) for name in Hyperparameters.model_fields}
