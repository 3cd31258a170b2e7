"""Recurrent critics: PyTorch's layers with the same weights, padding read or not, and a use for the past."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.algorithms.batches import A, S, random_batch
from vitamin.algorithms.models.critics import Critic
from vitamin.algorithms.models.recurrent_critics import RecurrentCritic

H = 16
CELLS: list[Literal["rnn", "lstm"]] = ["rnn", "lstm"]


def make(
    cell: Literal["rnn", "lstm"], layer_norm: bool = False, reads_padding: bool = False
) -> RecurrentCritic:
    torch.manual_seed(0)
    return RecurrentCritic(cell, S, A, H, layer_norm, members=3, reads_padding=reads_padding).double()


def of_pytorch(critic: RecurrentCritic, member: int) -> nn.RNNBase:
    """PyTorch's network with one member's weights."""
    layers: nn.RNNBase = (
        nn.RNN(S + A, H, 3, nonlinearity="relu", batch_first=True)
        if critic.cell == "rnn"
        else nn.LSTM(S + A, H, 3, batch_first=True)
    ).double()
    parameters = dict(critic.named_parameters())
    for ours, theirs in (
        ("input_weights", "weight_ih"),
        ("recurrent_weights", "weight_hh"),
        ("input_biases", "bias_ih"),
        ("recurrent_biases", "bias_hh"),
    ):
        for layer in range(3):
            getattr(layers, f"{theirs}_l{layer}").data.copy_(parameters[f"{ours}.{layer}"][member])
    return layers


def expected_values(critic: RecurrentCritic, states: Tensor, actions: Tensor) -> Tensor:
    """Q of all members by PyTorch's layers, which read all positions; (members, B, K)."""
    values = []
    for member in range(critic.members):
        read = of_pytorch(critic, member)(torch.cat([states, actions], -1))[0]
        if critic.layer_norm:
            read = F.layer_norm(read, (H,))
        values.append((read.relu() @ critic.weights[0][member].T + critic.biases[0][member])[..., 0])
    return torch.stack(values)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_members_are_pytorch_s_layers_and_a_linear_one(
    cell: Literal["rnn", "lstm"], layer_norm: bool
) -> None:
    critic, batch = make(cell, layer_norm), random_batch((6, 6, 6))
    values = critic(batch.states, batch.actions, batch.mask)
    assert values.shape == (3, 3, 6)
    torch.testing.assert_close(values, expected_values(critic, batch.states, batch.actions))
    count = sum(parameter.numel() for parameter in critic.parameters())
    theirs = sum(parameter.numel() for parameter in of_pytorch(critic, 0).parameters())
    assert count == 3 * (theirs + H + 1)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_is_not_seen(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell), random_batch((3,))
    values = critic(batch.states, batch.actions, batch.mask)
    alone = expected_values(critic, batch.states[:, -3:], batch.actions[:, -3:])
    torch.testing.assert_close(values[..., -3:], alone)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_is_read_as_the_published_code_reads_it(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell, reads_padding=True), random_batch((3, 6, 1))
    values = critic(batch.states, batch.actions, batch.mask)
    torch.testing.assert_close(values, expected_values(critic, batch.states, batch.actions))
    unread = make(cell)(batch.states, batch.actions, batch.mask)
    assert ((values - unread).abs() > 1e-6)[:, 0, -3:].all()
    torch.testing.assert_close(values[:, 1], unread[:, 1])


@pytest.mark.parametrize("cell", CELLS)
def test_only_the_past_and_the_action_count(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell, layer_norm=True), random_batch((6, 6))
    states = batch.states.clone().requires_grad_()
    actions = batch.actions.clone().requires_grad_()
    value = critic(states, actions, batch.mask)[:, :, 3].sum()
    by_state, by_action = torch.autograd.grad(value, (states, actions))

    def steps(gradient: Tensor) -> list[bool]:
        return gradient.abs().sum((0, 2)).gt(0).tolist()

    assert steps(by_state) == [True] * 4 + [False] * 2
    assert steps(by_action) == [True] * 4 + [False] * 2


@pytest.mark.parametrize("cell", CELLS)
def test_actors_get_gradients_through_detached_members(cell: Literal["rnn", "lstm"]) -> None:
    critic, batch = make(cell), random_batch((6, 2))
    actions = batch.actions.clone().requires_grad_()
    values = critic(batch.states, actions, batch.mask)
    torch.testing.assert_close(critic.first(batch.states, actions, batch.mask), values[0])
    torch.testing.assert_close(critic.smallest(batch.states, actions, batch.mask), values.amin(0))
    mean = critic.mean(batch.states, actions, batch.mask)
    torch.testing.assert_close(mean, values.mean(0))
    mean.sum().backward()
    assert actions.grad is not None
    assert actions.grad.any()
    assert all(parameter.grad is None for parameter in critic.parameters())


@pytest.mark.parametrize("cell", CELLS)
def test_what_only_the_past_tells_can_be_learned(cell: Literal["rnn", "lstm"]) -> None:
    batch = random_batch((6,) * 32)
    target = F.pad(batch.actions[:, :-1, 0], (1, 0))
    left = []
    for critic in (make(cell), Critic(S, A, H, layer_norm=False, members=3).double()):
        optimizer = torch.optim.Adam(critic.parameters(), lr=0.01)
        for _ in range(150):
            loss = (critic(batch.states, batch.actions, batch.mask) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        left.append(loss.item())
    assert left[0] < 0.2 * left[1]
