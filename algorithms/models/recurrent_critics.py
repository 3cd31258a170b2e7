"""Recurrent critics, the ablation of the reflective ones: Q of the segment up to an action (paper, appendix)."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitamin.algorithms.models.critics import Critic, member_parameters
from vitamin.algorithms.models.layers import member_linear

_GATES = {"rnn": 1, "lstm": 4}
_LAYERS = 3


class RecurrentCritic(Critic):
    """Independent Q functions: three recurrent layers that read s_1 a_1 ... s_t a_t, a ReLU and one linear layer.

    They start anew in each segment: what came before it, they do not know. Weights have a leading axis of length
    ``members`` and the layout and initialization of ``nn.RNN`` with ReLU, and of ``nn.LSTM``.

    Args:
        cell: Which of the two.
        observation_size: S.
        action_size: A.
        hidden_size: Width of the recurrent layers.
        layer_norm: Whether a LayerNorm without scale and shift follows the last recurrent layer.
        members: Number of Q functions.
        reads_padding: Whether they read padded positions as if they were real, as the published code does.
    """

    def __init__(
        self,
        cell: Literal["rnn", "lstm"],
        observation_size: int,
        action_size: int,
        hidden_size: int,
        layer_norm: bool,
        members: int = 2,
        reads_padding: bool = True,
    ) -> None:
        super().__init__(hidden_size, 0, hidden_size, layer_norm, members, hidden_layers=0)
        self.cell = cell
        self.reads_padding = reads_padding
        rows = _GATES[cell] * hidden_size
        inputs = [observation_size + action_size, *[hidden_size] * (_LAYERS - 1)]
        self.input_weights = nn.ParameterList(torch.empty(members, rows, size) for size in inputs)
        self.recurrent_weights = nn.ParameterList(torch.empty(members, rows, hidden_size) for _ in inputs)
        self.input_biases = nn.ParameterList(torch.empty(members, rows) for _ in inputs)
        self.recurrent_biases = nn.ParameterList(torch.empty(members, rows) for _ in inputs)
        bound = 1 / math.sqrt(hidden_size)
        for parameters in self._recurrent:
            for parameter in parameters:
                nn.init.uniform_(parameter, -bound, bound)

    @property
    def _recurrent(self) -> tuple[nn.ParameterList, ...]:
        """Parameters of the recurrent layers, in ``nn.RNN``'s order."""
        return self.input_weights, self.recurrent_weights, self.input_biases, self.recurrent_biases

    def _features(
        self, states: Tensor, actions: Tensor, mask: Tensor | None, detached_members: int | None
    ) -> Tensor:
        read = torch.cat([states, actions], dim=-1)  # (B, K, S + A)
        read = read.expand(self.members if detached_members is None else detached_members, *read.shape)
        skipped = None if self.reads_padding or mask is None else ~mask
        for layer in zip(
            *(member_parameters(parameters, detached_members) for parameters in self._recurrent), strict=True
        ):
            read = self._read(read, skipped, *layer)  # (members, B, K, H)
        if self.layer_norm:
            read = F.layer_norm(read, read.shape[-1:])
        return F.relu(read).flatten(1, 2)

    def _read(
        self,
        inputs: Tensor,
        skipped: Tensor | None,
        input_weight: Tensor,
        recurrent_weight: Tensor,
        input_bias: Tensor,
        recurrent_bias: Tensor,
    ) -> Tensor:
        """Outputs of one layer, whose state ``skipped`` steps (B, K) leave as it is; (members, B, K, I) -> (..., H)."""
        members, B, K, _ = inputs.shape
        projected = member_linear(inputs.flatten(1, 2), input_weight, input_bias + recurrent_bias)
        hidden = memory = inputs.new_zeros(members, B, recurrent_weight.shape[-1])
        outputs = []
        for t, from_input in enumerate(projected.view(members, B, K, -1).unbind(2)):
            gates = torch.baddbmm(from_input, hidden, recurrent_weight.transpose(1, 2))
            before = hidden, memory
            if self.cell == "rnn":
                hidden = gates.relu()
            else:
                take, keep, new, show = gates.chunk(4, dim=-1)
                memory = keep.sigmoid() * memory + take.sigmoid() * new.tanh()
                hidden = show.sigmoid() * memory.tanh()
            if skipped is not None:
                skip = skipped[:, t, None]
                hidden, memory = (
                    torch.where(skip, old, now) for old, now in zip(before, (hidden, memory), strict=True)
                )
            outputs.append(hidden)
        return torch.stack(outputs, dim=2)
