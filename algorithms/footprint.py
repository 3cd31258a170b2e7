"""How much memory a run's settings ask for, known before anything of it is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import torch
from torch import nn

from vitamin.algorithms.assembly import build_networks, build_policy
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, get_method

_NUMBER: Final = 4  # bytes, in float32
_STATES_OF_A_WEIGHT: Final = 4  # itself, its gradient, two moments
_TENSOR: Final = (
    2_000  # of Python's and PyTorch's objects around each tensor, its share of the module included
)
_ENVIRONMENT: Final = 3_000  # of the smallest one, as made by Gymnasium
_EPISODE: Final = 100  # of the numbers that are kept of an evaluated episode
_PROCESS: Final = 200_000_000  # of an env runner or learner without its networks
_BEYOND_COUNTING: Final = 2**63

# Numbers kept for the backward pass, in multiples of a layer's width, and of a token's attention weights; as measured.
_SAVED_IN_A_BLOCK: Final = 17
_SAVED_IN_A_PERCEPTRON: Final = 6
_SAVED_OF_ATTENTION: Final = 2

_OF_POLICIES: Final = (
    "num_layers",
    "hidden_size",
    "context_length",
    "max_timestep",
    "latent_size",
)
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "the networks": (*_OF_POLICIES, "critic_members", "critic_hidden_size", "future_length", "num_learners"),
    "a batch": (
        "batch_size",
        "context_length",
        "hidden_size",
        "num_layers",
        "num_heads",
        "critic_members",
        "critic_hidden_size",
        "future_length",
        "group_batch_size",
        "subtrajectory_length",
    ),
    "the replay": ("online_steps", "replay_capacity", "transition_capacity", "num_learners"),
    "an iteration's steps": ("min_env_steps_per_iteration", "warmup_env_steps"),
    "the environments": (
        "envs_per_unit",
        "eval_envs_per_unit",
        "group_size",
        "num_latent_samples",
        "hidden_size",
        "context_length",
    ),
    "an evaluation's episodes": ("eval_episodes",),
    "the env runners": ("num_env_runners", *_OF_POLICIES),
}
"""By part the settings that it grows with."""


@dataclass(frozen=True)
class NetworkSize:
    """Numbers that networks consist of.

    Attributes:
        trained: Parameters that learn.
        frozen: Parameters of targets and of the reference policy.
        buffers: Other numbers.
        tensors: How many tensors hold the parameters.
    """

    trained: int
    frozen: int
    buffers: int
    tensors: int

    @property
    def nbytes(self) -> int:
        """Bytes in training, with gradients and the optimizers' moments."""
        numbers = _STATES_OF_A_WEIGHT * self.trained + self.frozen + self.buffers
        return _NUMBER * numbers + _TENSOR * self.tensors

    @property
    def nbytes_at_rest(self) -> int:
        """Bytes where nothing is trained."""
        return _NUMBER * (self.trained + self.frozen + self.buffers) + _TENSOR * self.tensors


@dataclass(frozen=True)
class Footprint:
    """The memory that a run's settings need, roughly and at least.

    Attributes:
        parameters: Of all networks that learn.
        of_learner: Bytes on a learner's device, by part.
        elsewhere: Bytes in the memory of env runners and the driver, by part.
    """

    parameters: int
    of_learner: Mapping[str, int]
    elsewhere: Mapping[str, int]


def network_size(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
) -> NetworkSize:
    """The size of `build_networks`' networks; numbers that 64 bits do not hold are given as 2^63."""
    return _size(build_networks, observation_size, action_size, method.name, _shaping(hyperparameters))


def policy_size(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
) -> NetworkSize:
    """The size of `build_policy`'s network, as `network_size`."""
    return _size(build_policy, observation_size, action_size, method.name, _shaping(hyperparameters))


def _shaping(hyperparameters: Hyperparameters) -> tuple[tuple[str, Any], ...]:
    """The settings that may shape networks: none of the real numbers does, but by being zero or not."""
    values = hyperparameters.model_dump()
    return tuple(
        (name, float(value > 0) if name == "action_regularization" else value)
        for name, value in values.items()
        if name == "action_regularization" or not isinstance(value, float)
    )


@lru_cache(maxsize=256)
def _size(
    build: Callable[..., nn.Module],
    observation_size: int,
    action_size: int,
    method: str,
    shaping: tuple[tuple[str, Any], ...],
) -> NetworkSize:
    """The size of networks of one and of two blocks, and from the two the size of as many blocks as there are.

    They are built on PyTorch's meta device, where tensors have shapes, but no numbers.
    """
    settings = Hyperparameters.model_construct(**dict(shaping))
    sizes = []
    try:
        for blocks in (1, 2):
            one = settings.model_copy(update={"num_layers": blocks})
            with torch.device("meta"):
                sizes.append(_count(build(observation_size, action_size, get_method(method), one)))
    except RuntimeError:  # a tensor of more bytes than 64 bits count
        return NetworkSize(_BEYOND_COUNTING, 0, 0, 0)
    first, second = sizes
    more = settings.num_layers - 1
    return NetworkSize(
        *(a + more * (b - a) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))
    )


def _count(networks: nn.Module) -> NetworkSize:
    parameters = list(networks.parameters())
    return NetworkSize(
        trained=sum(tensor.numel() for tensor in parameters if tensor.requires_grad),
        frozen=sum(tensor.numel() for tensor in parameters if not tensor.requires_grad),
        buffers=sum(tensor.numel() for tensor in networks.buffers()),
        tensors=len(parameters),
    )


def footprint(
    method: Method,
    hyperparameters: Hyperparameters,
    observation_size: int = 1,
    action_size: int = 1,
    episode_length: int | None = None,
    num_env_runners: int = 0,
    num_learners: int = 0,
) -> Footprint:
    """The memory that a run needs.

    Args:
        method: Its method.
        hyperparameters: Its settings.
        observation_size: S; 1 where it is not known yet.
        action_size: A, likewise.
        episode_length: Steps of an episode at most, if known.
        num_env_runners: Remote env runners.
        num_learners: Remote learners, each of which holds all networks and the whole replay.
    """
    settings, S, A = hyperparameters, observation_size, action_size
    size = network_size(S, A, method, settings)
    policy = policy_size(S, A, method, settings).nbytes_at_rest
    online = settings.online_steps > 0
    collected = settings.min_env_steps_per_iteration
    if method.network == "future_transformer":
        collected = max(collected, settings.warmup_env_steps)
    widths = [min(settings.eval_envs_per_unit, settings.eval_episodes)]
    if online:
        widths += [settings.envs_per_unit, settings.group_size if method.groups else 0]
    of_a_step = (2 * S + A + 3) * _NUMBER
    capacity = settings.transition_capacity if method.network == "mlp" else settings.replay_capacity
    return Footprint(
        size.trained,
        {
            "the networks": size.nbytes + _PROCESS,
            "a batch": _batch(method, settings, S, A, episode_length) // max(1, num_learners),
            "the replay": min(settings.online_steps, capacity) * of_a_step,
        },
        {
            "an iteration's steps": online * collected * of_a_step,
            "the environments": max(widths)
            * (_ENVIRONMENT + (episode_length or 1) * of_a_step + _inference(method, settings)),
            "an evaluation's episodes": settings.eval_episodes * _EPISODE,
            "the env runners": max(1, num_env_runners) * policy + num_env_runners * _PROCESS,
        },
    )


def _batch(method: Method, settings: Hyperparameters, S: int, A: int, episode_length: int | None) -> int:
    """Bytes that the losses of a batch keep for the backward pass."""
    steps = settings.batch_size * settings.context_length
    numbers = steps * (2 * S + 2 * A + 4)
    if method.network == "mlp":
        numbers += steps * _SAVED_IN_A_PERCEPTRON * settings.hidden_size
    else:
        numbers += _blocks(settings, settings.batch_size, 3 * settings.context_length)
    if method.network == "future_transformer":
        numbers += _blocks(settings, settings.batch_size, 2 * settings.future_length)
    if method.gradient is not None:
        numbers += settings.critic_members * steps * _SAVED_IN_A_PERCEPTRON * settings.critic_hidden_size
    if method.groups:
        length = min(settings.subtrajectory_length, episode_length or 1)
        contexts = settings.group_batch_size * length
        numbers = max(numbers, _blocks(settings, contexts, 3 * settings.eval_context_length))
    return numbers * (2 if settings.precision == "bfloat16" else _NUMBER)


def _blocks(settings: Hyperparameters, rows: int, slots: int) -> int:
    """Numbers that the blocks of a transformer keep of ``rows`` rows of ``slots`` tokens."""
    of_a_token = _SAVED_IN_A_BLOCK * settings.hidden_size + _SAVED_OF_ATTENTION * settings.num_heads * slots
    return settings.num_layers * rows * slots * of_a_token


def _inference(method: Method, settings: Hyperparameters) -> int:
    """Bytes that one episode's next action takes in rollouts."""
    if method.network == "mlp":
        return settings.hidden_size * _NUMBER
    slots = 3 * settings.eval_context_length
    numbers = slots * (4 * settings.hidden_size + settings.num_heads * slots)
    if method.network == "future_transformer":
        numbers += settings.num_latent_samples * (settings.latent_size + 2 * settings.hidden_size)
    return numbers * _NUMBER


def settings_of(part: str) -> tuple[str, ...]:
    """The names of the settings that a part of a `Footprint` grows with."""
    return _NAMES[part]
