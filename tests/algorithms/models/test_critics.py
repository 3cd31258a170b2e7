import pytest
import torch
from torch import nn

from vitamin.algorithms.models.critics import Critic

S, A, H = 5, 2, 16


def separate(critic: Critic, member: int) -> nn.Sequential:
    """The member as an ordinary perceptron."""
    layers: list[nn.Module] = []
    for index, (weight, bias) in enumerate(zip(critic.weights, critic.biases, strict=True)):
        linear = nn.Linear(weight.shape[2], weight.shape[1], dtype=weight.dtype)
        linear.weight.data.copy_(weight[member])
        linear.bias.data.copy_(bias[member])
        layers.append(linear)
        if index < 2:
            layers += (
                [nn.LayerNorm(H, elementwise_affine=False), nn.ReLU()] if critic.layer_norm else [nn.ReLU()]
            )
    return nn.Sequential(*layers)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_members_are_separate_perceptrons(layer_norm: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    critic = Critic(S, A, H, layer_norm).to(dtype)
    states, actions = torch.randn(3, 4, S, dtype=dtype), torch.randn(3, 4, A, dtype=dtype)
    values = critic(states, actions)
    values.sin().sum().backward()
    assert values.shape == (2, 3, 4)
    for member in range(2):
        alone = separate(critic, member)
        expected = alone(torch.cat([states, actions], -1)).squeeze(-1)
        torch.testing.assert_close(values[member], expected, rtol=1e-5, atol=1e-5)
        expected.sin().sum().backward()
        linears = [layer for layer in alone if isinstance(layer, nn.Linear)]
        for weight, bias, linear in zip(critic.weights, critic.biases, linears, strict=True):
            assert weight.grad is not None
            assert bias.grad is not None
            torch.testing.assert_close(weight.grad[member], linear.weight.grad, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(bias.grad[member], linear.bias.grad, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(values[0], values[1])


def test_first_is_the_first_member_with_gradients_to_the_actions_only() -> None:
    torch.manual_seed(0)
    critic = Critic(S, A, H, layer_norm=False)
    states, actions = torch.randn(3, 4, S), torch.randn(3, 4, A, requires_grad=True)
    first = critic.first(states, actions)
    torch.testing.assert_close(first, critic(states, actions)[0])
    first.sum().backward()
    assert actions.grad is not None
    assert actions.grad.any()
    assert all(parameter.grad is None for parameter in critic.parameters())


def test_initialization_is_that_of_linear_layers() -> None:
    torch.manual_seed(0)
    critic = Critic(30, 6, 256, layer_norm=False)
    for weight, bias in zip(critic.weights, critic.biases, strict=True):
        bound = weight.shape[-1] ** -0.5
        for parameter in (weight, bias):
            assert parameter.abs().max() <= bound
            assert parameter.numel() < 100 or parameter.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
