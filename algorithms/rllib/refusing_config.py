"""An RLlib config that refuses the settings which nothing reads, whichever way they come."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Self

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig, NotProvided
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core.learner.learner import Learner
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils import force_list

from vitamin.algorithms.rllib.rllib_settings import METHODS, READ, REFUSED, reason
from vitamin.errors import SettingsError, nearest

# Attributes that have another name than the parameter which sets them.
_ATTRIBUTES = {
    "framework": "framework_str",
    "is_atari": "_is_atari",
    "env_to_module_connector": "_env_to_module_connector",
    "module_to_env_connector": "_module_to_env_connector",
    "learner_class": "_learner_class",
    "learner_connector": "_learner_connector",
    "train_batch_size_per_learner": "_train_batch_size_per_learner",
    "synchronize_filter": "synchronize_filters",
    "dataset_num_iters_per_offline_eval_runner": "dataset_num_iters_per_eval_runner",
    "custom_stats_cls_lookup": "stats_cls_lookup",
    "model_config": "_model_config",
    "rl_module_spec": "_rl_module_spec",
}
# What RLlib sets itself.
_INTERNAL = {"class", "algo_class", "_is_frozen", "in_evaluation", "simple_optimizer", "worker_index"}
# RLlib's env runner group gives its own to this method.
_SET_BY_RLLIB = {("framework", "tf_session_args")}


def _attribute(parameter: str) -> str:
    return f"callbacks_{parameter}" if parameter.startswith("on_") else _ATTRIBUTES.get(parameter, parameter)


_READ_ATTRIBUTES = {_attribute(name) for names in READ.values() for name in names.split()}
_REASONS = {
    _attribute(name): text
    for reasons in REFUSED.values()
    for names, text in reasons.items()
    for name in names.split()
}


def _refuse(name: str, why: str) -> NoReturn:
    raise SettingsError(f"RLlib's setting {name} has no effect here{f': {why}' if why else ''}.")


def refuse_unread(method: str, parameters: Iterable[str]) -> None:
    """Refuses parameters that were given to a method of RLlib and that nothing would read.

    Raises:
        SettingsError: If there is one, or the method has none of that name.
    """
    known = inspect.signature(getattr(AlgorithmConfig, method)).parameters
    read = READ.get(method, "").split()
    for parameter in parameters:
        if parameter not in known:
            raise SettingsError(f"{method}() has no setting {parameter!r}.{nearest(parameter, [*known][1:])}")
        if parameter not in read and (method, parameter) not in _SET_BY_RLLIB:
            _refuse(f"{method}({parameter}=...)", reason(method, parameter))


def _equal(one: Any, other: Any) -> bool:
    try:
        return one is other or (type(one) is type(other) and bool(one == other))
    except (AttributeError, TypeError, ValueError):  # of RLlib's policy specifications and of arrays
        return False


def _check_values(config: AlgorithmConfig) -> None:
    """Settings that are read, but cannot be anything."""
    if config.framework_str != "torch":
        _refuse(f"framework({config.framework_str!r})", "everything is written in torch")
    if not (config.enable_rl_module_and_learner and config.enable_env_runner_and_connector_v2):
        _refuse("api_stack(...=False)", "everything is written for RLlib's new API stack")
    overridden = {
        name
        for entry in force_list(config.callbacks_class)
        for name in vars(RLlibCallback)
        if name.startswith("on_")
        and getattr(_class_of(entry), name, None) is not getattr(RLlibCallback, name)
    }
    for name in sorted(overridden - set(READ["callbacks"].split())):
        _refuse(f"callbacks({name}=...)", reason("callbacks", name))


def _class_of(entry: Any) -> Any:
    """The class of callbacks that an entry of ``callbacks_class`` is, or makes."""
    return entry if isinstance(entry, type) else type(entry())


def check_class(name: str, value: Any, base: type[EnvRunner] | type[Learner]) -> None:
    """Checks a class that takes the place of one of ours.

    Raises:
        SettingsError: If it is not derived from ``base``.
    """
    if value is not None and not (isinstance(value, type) and issubclass(value, base)):
        shown = getattr(value, "__name__", repr(value))
        raise SettingsError(f"{name} {shown} must be derived from {base.__module__}.{base.__name__}.")


class RefusingConfig(AlgorithmConfig):
    """An RLlib config whose methods refuse what is not read."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class)
        # The driver only coordinates: it needs an environment of its own only if there is no remote runner.
        self.create_local_env_runner = False
        self.names_of_class: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """As RLlib's, with the names of what the class has: Tune makes a config of a base class from it."""
        names = self.names_of_class | vars(type(self)()).keys()
        settings: dict[str, Any] = super().to_dict()
        return settings | {"names_of_class": names}

    def update_from_dict(self, config_dict: Any) -> Self:
        """As RLlib's, which hands all settings of a dictionary through its methods; `validate` looks at them later."""
        plain = AlgorithmConfig.__new__(AlgorithmConfig)
        plain.__dict__ = self.__dict__
        plain.update_from_dict(config_dict)
        return self


def _refusing(method: str) -> Callable[..., Any]:
    original = getattr(AlgorithmConfig, method)

    @functools.wraps(original)
    def call(self: AlgorithmConfig, *args: Any, **kwargs: Any) -> Any:
        names = list(inspect.signature(original).parameters)[1:]
        given = [*names[: len(args)], *kwargs]
        refuse_unread(method, [name for name in given if kwargs.get(name) is not NotProvided])
        return original(self, *args, **kwargs)

    return call


for _method in METHODS:
    setattr(RefusingConfig, _method, _refusing(_method))


def refuse_unread_attributes(config: RefusingConfig) -> None:
    """Refuses settings that came past RLlib's methods, as attributes or in a dictionary of Tune's.

    To be called before RLlib validates the config, which changes some.

    Raises:
        SettingsError: If a setting is neither RLlib's nor of the config's class, or is RLlib's, not read, and not as
            RLlib has it.
    """
    of_rllib, usual = vars(AlgorithmConfig()), vars(RefusingConfig())
    passed_on = vars(RefusingConfig().update_from_dict(RefusingConfig().to_dict()))  # which changes some
    own = (config.names_of_class | vars(type(config)()).keys()) - of_rllib.keys()
    for name, value in vars(config).items():
        if name in own or name in _READ_ATTRIBUTES or name in _INTERNAL or name.startswith("__"):  # Tune's
            continue
        if name not in of_rllib:
            known = [name for name in own | _READ_ATTRIBUTES if not name.startswith("_")]
            raise SettingsError(f"There is no setting {name!r}.{nearest(name, known)}")
        if not (_equal(value, usual[name]) or _equal(value, passed_on[name])):
            _refuse(name, _REASONS.get(name, ""))
    _check_values(config)
