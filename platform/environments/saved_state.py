"""Saving the state of an environment in the middle of an episode, and restoring it there or in a twin of it.

What goes on after a restore is, bit for bit, what went on after the save. An environment is taken apart into its
wrappers and itself. Of each, all plain data is kept: numbers, text, arrays, numpy generators, and containers of these;
so elapsed steps, goals, the state of classic control and sources of randomness are. Of a MuJoCo simulation the whole
``MjData`` is: positions, velocities, time and the solver's warm start would not do, since rewards look at quantities
that MuJoCo derived from the step before. What Gymnasium needs beside (spaces, specs, renderers) does not change.

Anything else in an environment is refused, unless it answers for itself with ``save_state()`` and
``restore_state(state)``.
"""

import copy
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from vitamin.errors import TaskError

_GYMNASIUM = frozenset(("metadata", "_metadata", "_saved_kwargs", "_ezpickle_args", "_ezpickle_kwargs"))
_PICTURES = frozenset(("screen", "surf", "clock", "viewer", "mujoco_renderer"))
_NAMES_OF_PARTS = frozenset(("_model_names",))  # of gymnasium-robotics
_CONSTANT_NAMES = _GYMNASIUM | _PICTURES | _NAMES_OF_PARTS
_CONSTANT_TYPES = (
    gymnasium.Env,
    gymnasium.Space,
    EnvSpec,
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
)
_VALUES = (bool, int, float, complex, str, bytes, type(None), np.generic, np.random.Generator)
# Resets move bodies and sites; environments that vary masses, frictions or gears between episodes change others.
_MODEL_PARTS = ("body_", "geom_", "site_", "jnt_", "dof_", "actuator_", "tendon_", "qpos")


@dataclass(frozen=True)
class SavedState:
    """A state of an environment.

    Attributes:
        layers: Plain data by name, of each wrapper from the outside in and of the environment itself; of one that
            answers for itself, what its ``save_state`` gave.
        simulation: MuJoCo's ``MjData``; None for other environments.
        model: Arrays of MuJoCo's model by name.
    """

    layers: tuple[Any, ...]
    simulation: Any = None
    model: dict[str, NDArray[Any]] | None = None


def save_state(environment: gymnasium.Env[Any, Any]) -> SavedState:
    """The state that ``environment`` is in.

    Raises:
        TaskError: If it holds something that cannot be saved; the message says what.
    """
    layers: list[Any] = []
    simulation, model = None, None
    for layer in _layers(environment):
        if _answers_for_itself(layer):
            layers.append(layer.save_state())  # type: ignore[attr-defined]
        else:
            layers.append(_copied(_plain_data(layer)))
            if (physics := _simulation(layer)) is not None:
                simulation = copy.copy(physics[1])
                model = {name: array.copy() for name, array in _model_arrays(physics[0]).items()}
    return SavedState(tuple(layers), simulation, model)


def restore_state(environment: gymnasium.Env[Any, Any], state: SavedState) -> None:
    """Puts ``environment`` into a ``state`` of itself or of another one that was made in the same way."""
    for layer, saved in zip(_layers(environment), state.layers, strict=True):
        if _answers_for_itself(layer):
            layer.restore_state(saved)  # type: ignore[attr-defined]
            continue
        attributes = vars(layer)
        for name in _plain_data(layer).keys() - saved.keys():
            del attributes[name]
        for name, value in _copied(saved).items():
            present = attributes.get(name)
            if (
                isinstance(present, np.ndarray)
                and _root(present).base is not None
                and present.flags.writeable
            ):
                present[...] = value  # memory of the simulation's
            else:
                attributes[name] = value
        if (physics := _simulation(layer)) is not None:
            import mujoco

            own_model, own_data = physics
            for name, array in _model_arrays(own_model).items():
                assert state.model is not None
                array[...] = state.model[name]
            mujoco.mj_copyData(own_data, own_model, state.simulation)


def _layers(environment: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Env[Any, Any]]:
    """Wrappers from the outside in, then the environment itself; ends at one that answers for itself."""
    yield environment
    while isinstance(environment, gymnasium.Wrapper) and not _answers_for_itself(environment):
        environment = environment.env
        yield environment


def _answers_for_itself(layer: gymnasium.Env[Any, Any]) -> bool:
    return hasattr(layer, "save_state") and hasattr(layer, "restore_state")


def _plain_data(layer: gymnasium.Env[Any, Any]) -> dict[str, Any]:
    """The contents of the attributes of ``layer``, without what does not change and without its simulation."""
    physics = _simulation(layer) or ()
    data = {}
    for name, value in vars(layer).items():
        if name in _CONSTANT_NAMES or isinstance(value, _CONSTANT_TYPES) or any(value is p for p in physics):
            continue
        if not _is_plain(value):
            kind = type(layer)
            raise TaskError(
                f"The state of this environment cannot be saved and restored: {kind.__module__}.{kind.__qualname__} "
                f"keeps a {type(value).__name__} in its attribute {name!r}. Give it the methods save_state() and "
                "restore_state(state), or choose a method that does not go back to earlier states."
            )
        data[name] = value
    return data


def _is_plain(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return isinstance(value, _VALUES)


def _copied(data: dict[str, Any]) -> dict[str, Any]:
    """A deep copy in which views still look into the same arrays."""
    copies: dict[int, Any] = {}
    for value in data.values():
        if isinstance(value, np.ndarray) and (root := _root(value)) is not value:
            whole = copies.setdefault(id(root), root.copy(order="K"))
            offset = value.ctypes.data - root.ctypes.data
            copies[id(value)] = np.ndarray(value.shape, value.dtype, whole, offset, value.strides)
    return copy.deepcopy(data, copies)


def _root(array: NDArray[Any]) -> NDArray[Any]:
    """The array that ``array`` is a view of, itself if of none; it has a ``base`` if its memory is not numpy's."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _simulation(layer: gymnasium.Env[Any, Any]) -> tuple[Any, Any] | None:
    """MuJoCo's model and data of ``layer``; None if it has none."""
    attributes = vars(layer)
    model, data = attributes.get("model"), attributes.get("data")
    names = (type(model).__name__, type(data).__name__)
    return (model, data) if names == ("MjModel", "MjData") else None


def _model_arrays(model: Any) -> dict[str, NDArray[Any]]:
    """Those arrays of a model that environments change, by name."""
    names = (name for name in dir(model) if name.startswith(_MODEL_PARTS))
    found = {name: getattr(model, name) for name in names}
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}
