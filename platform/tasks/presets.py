"""From a task, a method, a preset, the user's own settings and the data to the full set of hyperparameters."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, nearest
from vitamin.platform.tasks.overrides import build_hyperparameters, checked_settings
from vitamin.platform.tasks.registry_files import presets_file
from vitamin.platform.tasks.task import Task

_LEFT_TO_DATA = ("eval_target_return", "online_target_return", "return_scale")
FROM_DATA = (
    "the best return in the data; as far above it as it is above the mean; the power of ten that brings the largest"
    " absolute return into [1, 10). --set goes first."
)
"""`settings_from_data` in one line."""


class Episodes(Protocol):
    """What `settings_from_data` needs of `Trajectories`."""

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
    """The settings of a run.

    Later ones win: defaults, task's, method's, preset's, task's for the preset, ``overrides``.

    Raises:
        SettingsError: If there is no such method, preset or setting (names the nearest), or a value does not
            fit.
    """
    return build_hyperparameters(_given(task, method, preset, overrides))


def left_to_data(task: Task, method: str, preset: str, overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings that only the task's offline data can decide, since nobody has set them.

    Raises:
        SettingsError: If there is no such method or preset.
    """
    given = _given(task, method, preset, overrides)
    return tuple(name for name in _LEFT_TO_DATA if name not in given)


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
    """What is set, by whomever; defaults left out."""
    get_method(method)
    known = presets_file()
    if preset not in known.presets:
        raise SettingsError(
            f"Unknown preset {preset!r}.{nearest(preset, known.presets)} Presets: {', '.join(known.presets)}."
        )
    return {
        **task.hyperparameters,
        **known.methods.get(method, {}),
        **known.presets[preset].hyperparameters,
        **task.presets.get(preset, {}),
        **overrides,
    }
