"""Recurrent critics, the ablation of the reflective ones: Q of an action given the segment's past (paper, appendix)."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from vitamin.algorithms.models.critics import Critic, taken
from vitamin.algorithms.models.layers import member_linear
from vitamin.algorithms.segments import History

_GATES = {"rnn": 1, "lstm": 4}


class RecurrentCritic(Critic):
    """Independent Q functions: a recurrent cell that reads s_1 a_1 ... s_t, and a perceptron on its output and a_t.

    Cells start anew in each segment: what came before it, they do not know. Their weights have a leading axis of length
    ``members`` and the layout and initialization of ``nn.RNN`` (tanh) and ``nn.LSTM``, whose two biases are one here.

    Args:
        cell: Which of the two.
        observation_size: S.
        action_size: A.
        hidden_size: Width of the cell and of the perceptron's two hidden layers.
        layer_norm: As for `Critic`, in the perceptron.
        members: Number of Q functions.
    """

    def __init__(
        self,
        cell: Literal["rnn", "lstm"],
        observation_size: int,
        action_size: int,
        hidden_size: int,
        layer_norm: bool,
        members: int = 2,
    ) -> None:
        super().__init__(hidden_size, action_size, hidden_size, layer_norm, members)
        rows = _GATES[cell] * hidden_size
        self.cell = cell
        self.input_weight = nn.Parameter(torch.empty(members, rows, observation_size + action_size))
        self.recurrent_weight = nn.Parameter(torch.empty(members, rows, hidden_size))
        self.cell_bias = nn.Parameter(torch.empty(members, rows))
        bound = 1 / math.sqrt(hidden_size)
        for parameter in (self.input_weight, self.recurrent_weight, self.cell_bias):
            nn.init.uniform_(parameter, -bound, bound)

    def _features(
        self, states: Tensor, actions: Tensor, history: History | None, frozen: int | None
    ) -> Tensor:
        assert history is not None
        cell = taken((self.input_weight, self.recurrent_weight, self.cell_bias), frozen)
        read = self._read(torch.cat([states, history.previous_actions], dim=-1), history.mask, *cell)
        return torch.cat([read, actions.expand(len(read), *actions.shape)], dim=-1).flatten(1, -2)

    def _read(
        self, inputs: Tensor, mask: Tensor, input_weight: Tensor, recurrent_weight: Tensor, bias: Tensor
    ) -> Tensor:
        """Outputs of the cells, which see nothing of padded steps; (B, K, S + A), (B, K) -> (members, B, K, H)."""
        members, (B, K, _) = len(bias), inputs.shape
        flat = inputs.flatten(0, 1).expand(members, -1, -1)
        projected = member_linear(flat, input_weight, bias).view(members, B, K, -1).unbind(2)
        hidden = memory = inputs.new_zeros(members, B, recurrent_weight.shape[-1])
        outputs = []
        for t in range(K):
            gates = torch.baddbmm(projected[t], hidden, recurrent_weight.transpose(1, 2))
            real = mask[:, t, None]
            if self.cell == "rnn":
                hidden = torch.where(real, gates.tanh(), hidden)
            else:
                take, keep, new, show = gates.chunk(4, dim=-1)
                memory = torch.where(real, keep.sigmoid() * memory + take.sigmoid() * new.tanh(), memory)
                hidden = torch.where(real, show.sigmoid() * memory.tanh(), hidden)
            outputs.append(hidden)
        return torch.stack(outputs, dim=2)
