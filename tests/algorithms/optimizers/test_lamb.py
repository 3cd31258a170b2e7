import pytest
import torch
from torch import Tensor

from vitamin.algorithms.optimizers.lamb import Lamb


def lamb_by_formula(p: Tensor, gradients: list[Tensor], lr: float, weight_decay: float) -> Tensor:
    """The parameter after a step for each gradient, straight from the formula."""
    p, m, v = p.clone(), torch.zeros_like(p), torch.zeros_like(p)
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        u = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8) + weight_decay * p
        ratio = p.norm() / u.norm() if weight_decay > 0 and p.norm() > 0 and u.norm() > 0 else 1.0
        p = p - lr * ratio * u
    return p


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_steps_follow_the_formula(weight_decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(5, 4), (7,), (3, 3), (400, 400)]  # the last one is stepped by itself
    starts = [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]
    starts[1].zero_()
    gradients = [[torch.randn_like(start) for _ in range(4)] for start in starts]
    for g in gradients[2]:
        g.zero_()
    params = [start.clone().requires_grad_() for start in starts]
    optimizer = Lamb(params, lr=0.02, weight_decay=weight_decay)
    for step in range(4):
        for p, gs in zip(params, gradients, strict=True):
            p.grad = gs[step].clone()
        optimizer.step()
    for p, start, gs in zip(params, starts, gradients, strict=True):
        torch.testing.assert_close(p.detach(), lamb_by_formula(start, gs, 0.02, weight_decay))


@pytest.mark.parametrize(("weight_decay", "after"), [(0.0, [2.9, 4.1]), (0.1, [2.546020, 4.209529])])
def test_numbers_worked_out_by_hand(weight_decay: float, after: list[float]) -> None:
    """u is [1, -1], the sign of the gradient: taken as it is, or plus 0.1 [3, 4] and times 5 / sqrt(2.05)."""
    p = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    p.grad = torch.tensor([1.0, -2.0], dtype=torch.float64)
    Lamb([p], lr=0.1, weight_decay=weight_decay).step()
    torch.testing.assert_close(p.detach(), torch.tensor(after, dtype=torch.float64), rtol=1e-6, atol=0)


def test_the_step_of_a_tensor_is_as_long_as_the_tensor_times_the_rate() -> None:
    p = torch.randn(50, dtype=torch.float64, requires_grad=True)
    before = p.detach().clone()
    p.grad = 1e-3 * torch.randn_like(p)
    Lamb([p], lr=0.1, weight_decay=0.01).step()
    torch.testing.assert_close((p.detach() - before).norm(), 0.1 * before.norm())


def test_parameters_without_gradient_are_left_alone() -> None:
    used, unused = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    used.grad = torch.ones(3)
    optimizer = Lamb([used, unused], lr=0.1, weight_decay=0.5)
    optimizer.step()
    assert not torch.equal(used, torch.ones(3))
    assert torch.equal(unused, torch.ones(3))


def test_a_saved_state_continues_exactly() -> None:
    def gradient(step: int) -> Tensor:
        return torch.linspace(-1, step + 1, 6)

    def steps(p: Tensor, optimizer: Lamb, which: range) -> None:
        for step in which:
            p.grad = gradient(step)
            optimizer.step()

    straight = torch.ones(6, requires_grad=True)
    steps(straight, Lamb([straight], lr=0.1), range(4))

    first = torch.ones(6, requires_grad=True)
    optimizer = Lamb([first], lr=0.1)
    steps(first, optimizer, range(2))
    second = first.detach().clone().requires_grad_()
    resumed = Lamb([second], lr=0.7)
    resumed.load_state_dict(optimizer.state_dict())
    steps(second, resumed, range(2, 4))
    assert torch.equal(straight, second)


def test_a_closure_is_evaluated_with_gradients() -> None:
    p = torch.ones(2, requires_grad=True)
    optimizer = Lamb([p], lr=0.1)

    def closure() -> float:
        optimizer.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 2.0
    assert (p < 1).all()
