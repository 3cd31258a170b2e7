"""From a task, a method, a preset, the user's own settings and the data to the full set of hyperparameters."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.combinations import check_combination, check_settings, ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, nearest
from vitamin.platform.tasks.overrides import build_hyperparameters, checked_settings
from vitamin.platform.tasks.registry_files import presets_file
from vitamin.platform.tasks.task import PresetLayers, SettingsLayer, Task

_DEFAULTS = SettingsLayer(
    "default",
    "the paper's MuJoCo settings (appendix, and its code's argument parser); ours where it has none",
    {},
)

TAKEN_FROM_DATA = ("eval_target_return", "online_target_return", "return_scale")
LEFT_TO_DATA = SettingsLayer(
    "the offline data",
    "the best return in the data; as far above it as it is above the mean; the power of ten that brings the largest"
    " absolute return into [1, 10). --set goes first.",
    {},
)
"""Decides what is `left_to_data`, as `settings_from_data` does."""


class Episodes(Protocol):
    """The part of `Trajectories` that `settings_from_data` needs."""

    @property
    def returns(self) -> NDArray[np.float64]:
        """Undiscounted return of each trajectory, (E,)."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each trajectory, (E,)."""


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
        SettingsError: If there is no such method, preset or setting (names the nearest), a value does not
            fit, or an override makes no sense for the method.
    """
    settings = build_hyperparameters(_given(task, method, preset, overrides))
    usual = preset_hyperparameters(task, method, preset)
    check_combination(
        get_method(method),
        [name for name in overrides if getattr(settings, name) != getattr(usual, name)],
    )
    check_settings(get_method(method), settings)
    return settings


def preset_hyperparameters(task: Task, method: str, preset: str) -> Hyperparameters:
    """The settings of a run for which nobody has set anything.

    Raises:
        SettingsError: If there is no such method or preset.
    """
    return build_hyperparameters(_given(task, method, preset, {}))


def left_to_data(task: Task, method: str, preset: str, overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings of the method that only the task's offline data can decide, since nobody has set them.

    Raises:
        SettingsError: If there is no such method or preset.
    """
    decided = _given(task, method, preset, overrides).keys() | ignored_settings(get_method(method)).keys()
    return tuple(name for name in TAKEN_FROM_DATA if name not in decided)


def settings_from_data(
    task: Task, method: str, preset: str, overrides: Mapping[str, Any], load: Callable[[], Episodes]
) -> dict[str, float]:
    """The settings that are `left_to_data`, from the returns of the offline trajectories in scaled-reward units.

    ``eval_target_return`` is the best of them. ``online_target_return`` is as far above ``eval_target_return`` as
    the best is above their mean: the paper doubles its targets instead, which leads down where returns are
    negative. ``return_scale`` is the power of ten that brings the largest absolute value among returns and
    evaluation target into [1, 10), as 0.001 does for Hopper. The targets are rounded to four digits.

    Args:
        task: The task.
        method: Its method.
        preset: Its preset.
        overrides: The user's own settings.
        load: Returns the offline data; not called if nothing is left to them.

    Raises:
        SettingsError: As `resolve_hyperparameters`.
    """
    names = left_to_data(task, method, preset, overrides)
    if not names:
        return {}
    settings = Hyperparameters.model_construct(**checked_settings(_given(task, method, preset, overrides)))
    data = load()
    returns = (data.returns + settings.reward_shift * data.lengths) / settings.reward_divisor
    best, mean = float(returns.max()), float(returns.mean())
    target = _rounded(best) if "eval_target_return" in names else settings.eval_target_return
    largest = max(float(np.abs(returns).max()), abs(target))
    found = {
        "eval_target_return": target,
        "online_target_return": _rounded(target + best - mean),
        "return_scale": float(f"1e{-math.floor(math.log10(largest))}") if largest else 1.0,
    }
    return {name: found[name] for name in names}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _given(task: Task, method: str, preset: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that anything sets; defaults left out."""
    layers = settings_layers(task, method, preset)
    return {name: value for layer in layers for name, value in layer.values.items()} | dict(overrides)


def settings_layers(task: Task, method: str, preset: str) -> tuple[SettingsLayer, ...]:
    """Every place that sets something for a run over the defaults, later ones over earlier ones.

    The task's (suite, environment, data, task), the preset, the task's for the preset (suite, environment), the method,
    the task's for the method, the preset's for the method, the task's for the preset and the method, the method's
    definition.

    Raises:
        SettingsError: If there is no such method or preset (names the nearest).
    """
    row = get_method(method)
    known = presets_file()
    if preset not in known.presets:
        raise SettingsError(
            f"Unknown preset {preset!r}.{nearest(preset, known.presets)} Presets: {', '.join(known.presets)}."
        )
    chosen = known.presets[preset]
    here = task.presets.get(preset, PresetLayers((), {}))
    layers = [
        *task.settings,
        SettingsLayer(f"preset {preset}", chosen.summary, chosen.hyperparameters),
        *here.settings,
    ]
    if (block := known.methods.get(method)) is not None:
        layers.append(SettingsLayer(f"method {method}", block.source, block.hyperparameters))
    if method in task.methods:
        layers.append(task.methods[method])
    if (block := chosen.methods.get(method)) is not None:
        layers.append(SettingsLayer(f"preset {preset}, method {method}", block.source, block.hyperparameters))
    layers += here.methods.get(method, ())
    layers.append(SettingsLayer(f"definition of {method}", row.summary, row.fixed))
    return tuple(layer for layer in layers if layer.values)


def setting_origins(layers: Iterable[SettingsLayer]) -> dict[str, SettingsLayer]:
    """By name of each setting the layer that decides it: the last one that sets it, else the defaults."""
    decided = {name: layer for layer in layers for name in layer.values}
    return {name: decided.get(name, _DEFAULTS) for name in Hyperparameters.model_fields}
