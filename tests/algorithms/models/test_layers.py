import math

import pytest
import torch
from torch.nn import functional as F

from vitamin.algorithms.models.attention import attention
from vitamin.algorithms.models.layers import Dropout, linear, member_linear


@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize(("rows", "inner", "outer"), [(50, 3, 40), (50, 40, 3), (300, 64, 48), (1, 5, 7)])
def test_linear_and_its_gradients_are_those_of_pytorch(
    rows: int, inner: int, outer: int, rectify: bool
) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(rows, inner), torch.randn(outer, inner), torch.randn(outer)]
    direction = torch.randn(rows, outer)

    ours = [tensor.clone().requires_grad_() for tensor in tensors]
    (linear(*ours, rectify) * direction).sum().backward()
    exact = [tensor.double().requires_grad_() for tensor in tensors]
    outputs = F.linear(*exact)
    ((outputs.relu() if rectify else outputs) * direction).sum().backward()

    outputs = outputs.relu() if rectify else outputs
    torch.testing.assert_close(linear(*tensors, rectify).double(), outputs, rtol=1e-4, atol=1e-5)
    for mine, reference in zip(ours, exact, strict=True):
        assert mine.grad is not None
        assert reference.grad is not None
        torch.testing.assert_close(mine.grad.double(), reference.grad, rtol=1e-4, atol=1e-4)


def test_linear_takes_gradients_and_inputs_that_are_not_contiguous() -> None:
    torch.manual_seed(0)
    inputs, weight, bias = torch.randn(8, 20).t(), torch.randn(6, 8), torch.randn(6)
    weight.requires_grad_()
    torch.stack([linear(inputs, weight, bias)] * 2, dim=1).square().sum().backward()
    expected = weight.detach().clone().requires_grad_()
    torch.stack([F.linear(inputs, expected, bias)] * 2, dim=1).square().sum().backward()
    torch.testing.assert_close(weight.grad, expected.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_member_linear_is_one_linear_a_member(dtype: torch.dtype) -> None:
    inputs, weight, bias = torch.randn(2, 9, 5), torch.randn(2, 4, 5), torch.randn(2, 4)
    outputs = member_linear(inputs.to(dtype), weight.to(dtype), bias.to(dtype))
    for member in range(2):
        expected = F.linear(inputs[member], weight[member], bias[member])
        torch.testing.assert_close(outputs[member], expected.to(dtype), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("with_residual", [False, True])
def test_dropout_drops_its_share_and_keeps_the_mean(with_residual: bool) -> None:
    torch.manual_seed(0)
    dropout = Dropout(0.3)
    inputs = torch.ones(400, 500, requires_grad=True)
    residual = torch.full((400, 500), 2.0, requires_grad=True) if with_residual else None
    outputs = dropout(inputs, residual)
    outputs.sum().backward()
    dropped = outputs.detach() - (2 if with_residual else 0)

    assert (dropped == 0).float().mean() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean() == pytest.approx(1, abs=0.01)
    assert dropped.unique().numel() == 2
    assert inputs.grad is not None
    torch.testing.assert_close(inputs.grad, dropped)
    if residual is not None:
        assert residual.grad is not None
        assert (residual.grad == 1).all()


def test_dropout_depends_on_the_seed_and_does_nothing_in_evaluation() -> None:
    dropout, inputs = Dropout(0.5), torch.ones(64, 33)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(dropout(inputs))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(dropout.eval()(inputs), inputs)


@pytest.mark.parametrize("L", [5, 40])
def test_attention_and_its_gradients_are_those_of_pytorch(L: int) -> None:
    torch.manual_seed(0)
    rows, heads, Q, d = 3, 2, 4, 8
    query = torch.randn(rows, Q, heads * d, dtype=torch.float64, requires_grad=True)
    key_value = torch.randn(rows, L, 2 * heads * d, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(Q, L, dtype=torch.float64)
    bias[:, 2:] = torch.where(torch.rand(Q, L - 2) < 0.5, -math.inf, 0.0)
    direction = torch.randn(rows, Q, heads * d, dtype=torch.float64)

    (attention(query, key_value, heads, bias) * direction).sum().backward()
    ours = query.grad, key_value.grad
    query.grad = key_value.grad = None
    q = query.view(rows, Q, heads, d).transpose(1, 2)
    k, v = key_value.view(rows, L, 2, heads, d).permute(2, 0, 3, 1, 4)
    reference = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)
    (reference * direction).sum().backward()

    torch.testing.assert_close(attention(query, key_value, heads, bias), reference)
    torch.testing.assert_close(ours, (query.grad, key_value.grad))


@pytest.mark.parametrize(("rows", "L"), [(3, 5), (40, 5), (40, 40)])
@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_the_same_in_inference_as_in_training(rows: int, L: int, causal: bool) -> None:
    torch.manual_seed(0)
    heads, Q, width = 2, L if causal else 2, 8
    query, key_value = torch.randn(rows, Q, width), torch.randn(rows, L, 2 * width)
    bias = torch.full((L, L), -math.inf).triu(1)[L - Q :]
    trained = attention(query, key_value, heads, bias)
    with torch.no_grad():
        torch.testing.assert_close(attention(query, key_value, heads, bias), trained)


def test_attention_gradients_with_penalty_and_dropout_are_those_of_differences() -> None:
    rows, heads, Q, L, width = 2, 2, 3, 5, 4
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(rows, Q, width, dtype=torch.float64, generator=generator, requires_grad=True)
    key_value = torch.randn(rows, L, 2 * width, dtype=torch.float64, generator=generator, requires_grad=True)
    bias = torch.full((Q, L), -math.inf, dtype=torch.float64).triu(1)
    penalty = torch.zeros(rows, L, dtype=torch.float64)
    penalty[0, :2] = -1e4

    def seen(query: torch.Tensor, key_value: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return attention(query, key_value, heads, bias, penalty, dropout=0.3)

    torch.autograd.gradcheck(seen, (query, key_value))


def test_attention_dropout_keeps_the_mean() -> None:
    torch.manual_seed(0)
    query, key_value = torch.randn(1, 1, 4), torch.randn(1, 6, 8)
    expected = attention(query, key_value, 2, None)
    repeated = attention(query.expand(20_000, 1, 4), key_value.expand(20_000, 6, 8), 2, None, dropout=0.2)
    torch.testing.assert_close(repeated.mean(0, keepdim=True), expected, rtol=0, atol=0.02)
    assert repeated.std(0).min() > 0.05
