"""Recurrent critics: PyTorch's cells without padding, nothing of the future or of padding, and a use for the past."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from tests.maths.batches import A, S, random_batch
from vitamin.algorithms.models.critics import Critic
from vitamin.algorithms.models.recurrent_critics import RecurrentCritic
from vitamin.algorithms.segments import History

H = 16
CELLS: list[Literal["rnn", "lstm"]] = ["rnn", "lstm"]


def make(cell: Literal["rnn", "lstm"], layer_norm: bool = False) -> RecurrentCritic:
    torch.manual_seed(0)
    return RecurrentCritic(cell, S, A, H, layer_norm, members=3).double()


def of_pytorch(critic: RecurrentCritic, member: int) -> nn.RNNBase:
    cell = (nn.RNN if critic.cell == "rnn" else nn.LSTM)(S + A, H, batch_first=True).double()
    for name, value in (
        ("weight_ih_l0", critic.input_weight),
        ("weight_hh_l0", critic.recurrent_weight),
        ("bias_ih_l0", critic.cell_bias),
    ):
        getattr(cell, name).data.copy_(value[member])
    cell.bias_hh_l0.data.zero_()
    return cell


@pytest.mark.parametrize("cell", CELLS)
def test_members_are_pytorch_s_cells_and_perceptrons(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell), random_batch((6, 6, 6))
    values = critic(batch.states, batch.actions, batch.history)
    assert values.shape == (3, 3, 6)
    for member in range(3):
        inputs = torch.cat([batch.states, batch.history.previous_actions], -1)
        hidden = torch.cat([of_pytorch(critic, member)(inputs)[0], batch.actions], -1)
        for weight, bias in zip(critic.weights[:-1], critic.biases[:-1], strict=True):
            hidden = (hidden @ weight[member].T + bias[member]).relu()
        expected = hidden @ critic.weights[-1][member].T + critic.biases[-1][member]
        torch.testing.assert_close(values[member], expected[..., 0])


@pytest.mark.parametrize("cell", CELLS)
def test_padding_is_not_seen(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell), random_batch((3,))
    values = critic(batch.states, batch.actions, batch.history)
    past = batch.history
    alone = critic(
        batch.states[:, -3:],
        batch.actions[:, -3:],
        History(past.previous_actions[:, -3:], past.mask[:, -3:]),
    )
    torch.testing.assert_close(values[..., -3:], alone)


@pytest.mark.parametrize("cell", CELLS)
def test_only_the_past_counts(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell, layer_norm=True), random_batch((6, 6))
    states = batch.states.clone().requires_grad_()
    previous = batch.history.previous_actions.clone().requires_grad_()
    actions = batch.actions.clone().requires_grad_()
    value = critic(states, actions, History(previous, batch.mask))[:, :, 3].sum()
    by_state, by_previous, by_action = torch.autograd.grad(value, (states, previous, actions))

    def steps(gradient: Tensor) -> list[bool]:
        return gradient.abs().sum((0, 2)).gt(0).tolist()

    assert steps(by_state) == [True] * 4 + [False] * 2
    assert steps(by_previous) == [True] * 4 + [False] * 2
    assert steps(by_action) == [step == 3 for step in range(6)]


@pytest.mark.parametrize("cell", CELLS)
def test_actors_get_gradients_through_frozen_members(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell), random_batch((6, 2))
    actions = batch.actions.clone().requires_grad_()
    values = critic(batch.states, actions, batch.history)
    torch.testing.assert_close(critic.first(batch.states, actions, batch.history), values[0])
    torch.testing.assert_close(critic.smallest(batch.states, actions, batch.history), values.amin(0))
    mean = critic.mean(batch.states, actions, batch.history)
    torch.testing.assert_close(mean, values.mean(0))
    mean.sum().backward()
    assert actions.grad is not None
    assert actions.grad.any()
    assert all(parameter.grad is None for parameter in critic.parameters())


@pytest.mark.parametrize("cell", CELLS)
def test_what_only_the_past_tells_can_be_learned(cell: Literal["rnn", "lstm"]) -> None:
    batch = random_batch((6,) * 32)
    target = batch.history.previous_actions[..., 0]
    left = []
    for critic in (make(cell), Critic(S, A, H, layer_norm=False, members=3).double()):
        optimizer = torch.optim.Adam(critic.parameters(), lr=0.01)
        for _ in range(150):
            loss = (critic(batch.states, batch.actions, batch.history) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        left.append(loss.item())
    assert left[0] < 0.2 * left[1]
