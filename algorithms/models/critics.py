"""Reflective critics: perceptrons on (s, a) alone, which estimate a value averaged over contexts (paper §3, Eq. 3)."""

import math
from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitamin.algorithms.models.layers import member_linear


class _Perceptrons(nn.Module):
    """Independent perceptrons with one output each, evaluated together.

    Parameters have a leading axis of length ``members``; one member's slice has the shape and the initialization of an
    ``nn.Linear``.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden layers.
        layer_norm: Whether a LayerNorm without scale and shift follows each linear layer but the last.
        members: Number of perceptrons.
        hidden_layers: Number of hidden layers.
    """

    def __init__(
        self, input_size: int, hidden_size: int, layer_norm: bool, members: int, hidden_layers: int = 2
    ) -> None:
        super().__init__()
        self.layer_norm = layer_norm
        sizes = [input_size, *[hidden_size] * hidden_layers, 1]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.empty(members, out, into)) for into, out in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(members, out)) for out in sizes[1:])
        for weight, bias in zip(self.weights, self.biases, strict=True):
            bound = 1 / math.sqrt(weight.shape[-1])
            nn.init.uniform_(weight, -bound, bound)
            nn.init.uniform_(bias, -bound, bound)

    def _evaluate(self, hidden: Tensor, detached_members: int | None = None) -> Tensor:
        """(members, N, I) -> (members, N); of the members that `member_parameters` gives."""
        weights, biases = (
            member_parameters(parameters, detached_members) for parameters in (self.weights, self.biases)
        )
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            hidden = member_linear(hidden, weight, bias, rectify=not self.layer_norm)
            if self.layer_norm:
                hidden = F.relu(F.layer_norm(hidden, hidden.shape[-1:]))
        return member_linear(hidden, weights[-1], biases[-1])[..., 0]


def member_parameters(parameters: Iterable[Tensor], detached_members: int | None) -> list[Tensor]:
    """All members' parameters; with ``detached_members`` = n those of the first n members, without gradients."""
    return [item if detached_members is None else item[:detached_members].detach() for item in parameters]


class Critic(_Perceptrons):
    """An ensemble of independent Q functions.

    Args:
        observation_size: S.
        action_size: A.
        hidden_size: Width of the hidden layers.
        layer_norm: Whether a LayerNorm without scale and shift follows each linear layer but the last.
        members: Number of Q functions.
        hidden_layers: Number of hidden layers.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden_size: int,
        layer_norm: bool,
        members: int = 2,
        hidden_layers: int = 2,
    ) -> None:
        super().__init__(observation_size + action_size, hidden_size, layer_norm, members, hidden_layers)

    @property
    def members(self) -> int:
        """Number of Q functions."""
        return len(self.weights[0])

    def forward(self, states: Tensor, actions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Q of all members; (..., S), (..., A) -> (members, ...). The segments' ``mask`` is not looked at here."""
        return self._values(states, actions, mask)

    def first(self, states: Tensor, actions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Q of the first member, whose parameters get no gradient; (..., S), (..., A) -> (...)."""
        return self._values(states, actions, mask, detached_members=1)[0]

    def smallest(self, states: Tensor, actions: Tensor, mask: Tensor | None = None) -> Tensor:
        """The smallest Q of all members, whose parameters get no gradient; (..., S), (..., A) -> (...)."""
        return self._values(states, actions, mask, detached_members=self.members).amin(0)

    def mean(self, states: Tensor, actions: Tensor, mask: Tensor | None = None) -> Tensor:
        """The mean Q of all members, whose parameters get no gradient; (..., S), (..., A) -> (...)."""
        return self._values(states, actions, mask, detached_members=self.members).mean(0)

    def _values(
        self, states: Tensor, actions: Tensor, mask: Tensor | None, detached_members: int | None = None
    ) -> Tensor:
        values = self._evaluate(self._features(states, actions, mask, detached_members), detached_members)
        return values.to(states.dtype).view(-1, *states.shape[:-1])

    def _features(
        self,
        states: Tensor,
        actions: Tensor,
        mask: Tensor | None,  # noqa: ARG002 (for recurrent critics)
        detached_members: int | None,
    ) -> Tensor:
        """The inputs of the perceptrons; (..., S), (..., A) -> (members, N, I)."""
        inputs = torch.cat([states, actions], dim=-1).flatten(0, -2)
        return inputs.expand(self.members if detached_members is None else detached_members, *inputs.shape)


class ValueFunction(_Perceptrons):
    """A value function of the state alone; arguments as for `Critic`."""

    def __init__(self, observation_size: int, hidden_size: int, layer_norm: bool) -> None:
        super().__init__(observation_size, hidden_size, layer_norm, members=1)

    def forward(self, states: Tensor) -> Tensor:
        """(..., S) -> (...)."""
        values = self._evaluate(states.flatten(0, -2)[None])[0]
        return values.to(states.dtype).view(states.shape[:-1])
