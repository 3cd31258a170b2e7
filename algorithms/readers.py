"""The parts of methods that read settings, and why a method lacks one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from vitamin.algorithms.assembly import uses_temperature
from vitamin.algorithms.gradients import GRADIENTS, RLGradient
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.algorithms.setting_types import READ_BY, Reader

_Condition = Callable[[Method], bool]


def readers_of(setting: str) -> list[Reader]:
    """The parts that read a hyperparameter, as its declaration has them.

    Raises:
        KeyError: If there is no such hyperparameter.
    """
    extra = Hyperparameters.model_fields[setting].json_schema_extra
    assert isinstance(extra, dict)
    return cast(list[Reader], extra[READ_BY])


def why_unread(method: Method, setting: str) -> str | None:
    """Why nothing of a method reads a hyperparameter, as half a sentence; None if something does."""
    for reader in readers_of(setting):
        if reader == "gradient":
            gradient = _gradient(method)
            if gradient is None or setting not in gradient.reads:
                names = [other.__name__ for other in GRADIENTS.values() if setting in other.reads]
                return f"it belongs to the gradients of {', '.join(names)}"
        for lacks, reason in _LACKS[reader]:
            if lacks(method):
                return reason.format(label=method.label)
    return None


def _gradient(method: Method) -> type[RLGradient] | None:
    return None if method.gradient is None else GRADIENTS[method.gradient]


def _gradient_is(condition: Callable[[type[RLGradient]], bool]) -> _Condition:
    """Whether a method has an RL gradient of which the condition holds."""

    def holds(method: Method) -> bool:
        gradient = _gradient(method)
        return gradient is not None and condition(gradient)

    return holds


def _no_gradient(method: Method) -> bool:
    return method.gradient is None


def _single_steps(method: Method) -> bool:
    return method.network == "mlp"


def _no_single_steps(method: Method) -> bool:
    return method.network != "mlp"


def _futures(method: Method) -> bool:
    return method.network == "future_transformer"


def _no_futures(method: Method) -> bool:
    return method.network != "future_transformer"


def _groups(method: Method) -> bool:
    return method.groups


_NO_GRADIENT = (_no_gradient, "{label} has no RL gradient")
_NO_Q_FUNCTIONS = (
    _gradient_is(lambda gradient: not gradient.has_q),
    "{label} has a value function, but no Q functions",
)
_OWN_ACTIONS = "{label} learns from actions of its own policy alone"
_NO_RETURNS_TO_GO = (_single_steps, "the policy of {label} does not look at returns-to-go")

_LACKS: Mapping[Reader, tuple[tuple[_Condition, str], ...]] = MappingProxyType(
    {
        "policy": (),
        "losses": (),
        "optimizer": (),
        "replay": (),
        "rollouts": (),
        "evaluation": (),
        "schedule": (),
        "arithmetic": (),
        "transformer": ((_single_steps, "the policy of {label} is no transformer, and Adam trains it"),),
        "segments": ((_single_steps, "the segments of {label} are one step long"),),
        "returns_to_go": (
            (_futures, "{label} is conditioned on latent futures, not on returns"),
            _NO_RETURNS_TO_GO,
        ),
        "scaled_returns": (_NO_RETURNS_TO_GO,),
        "deterministic_policy": (
            (
                lambda method: method.policy == "stochastic",
                "{label} explores with samples of its stochastic policy",
            ),
        ),
        "entropy": (
            (
                lambda method: method.policy == "deterministic",
                "the policy of {label} is deterministic and has no entropy",
            ),
            (lambda method: not uses_temperature(method), "no loss of {label} has an entropy term"),
        ),
        "supervised_term": ((lambda method: not method.supervised, "{label} has no supervised term online"),),
        "reference_policy": (
            (_groups, "{label} has its clipped ratio to keep near the policy that acted"),
            (_futures, "{label} acts on latent futures, which are drawn anew for each action"),
        ),
        "rl_gradient": (_NO_GRADIENT,),
        "gradient": (),
        "q_functions": (_NO_GRADIENT, _NO_Q_FUNCTIONS),
        "several_q_functions": (
            (lambda method: method.fixed.get("critic_members") == 1, "{label} has one Q function"),
        ),
        "recurrent_critics": (
            _NO_GRADIENT,
            _NO_Q_FUNCTIONS,
            (
                _gradient_is(lambda gradient: gradient.has_value),
                "{label} has a value function beside its Q functions, which sees the state alone",
            ),
        ),
        "soft_targets": (
            _NO_GRADIENT,
            (
                _gradient_is(lambda gradient: gradient.targets != "soft"),
                "{label} has no slowly moving targets",
            ),
        ),
        "target_policy": ((_futures, "{label} has no target policy"),),
        "smoothing_noise": (
            (lambda method: method.fixed.get("target_policy_noise") == 0, "{label} has no smoothing noise"),
        ),
        "value_of_replay": (
            _NO_GRADIENT,
            (
                _gradient_is(lambda gradient: gradient.data != "replay"),
                "{label} learns from values of online iterations",
            ),
        ),
        "trajectory_replay": (
            (_single_steps, "the replay of {label} counts steps; transition_capacity is its size"),
        ),
        "transition_replay": (
            (_no_single_steps, "the replay of {label} counts trajectories; replay_capacity is its size"),
        ),
        "ranked_trajectories": (
            (_futures, "{label} pretrains without rewards, and so on all trajectories"),
            (_single_steps, "{label} learns from all of the offline data"),
        ),
        "jump_start": (
            (_groups, _OWN_ACTIONS),
            (_gradient_is(lambda gradient: gradient.data == "iteration"), _OWN_ACTIONS),
            (_futures, "the pretrained policy of {label} does not know which latents pay"),
        ),
        "curriculum": ((_futures, "{label} has no curriculum"),),
        "futures": ((_no_futures, "{label} is not conditioned on latent futures"),),
        "groups": (
            (lambda method: not method.groups, "{label} does not learn from groups of sub-trajectories"),
        ),
    }
)
"""For each part, the methods that lack it and why. ``gradient`` stands for the RL gradients that name the setting."""
