"""Linear maps and dropout, with CPU kernels that are faster than PyTorch's defaults.

In float32 on a CPU, linear maps and the gradients of their inputs go through oneDNN, whose AVX-512 kernels run on every
vendor's processors; PyTorch's default there, MKL, picks slower ones outside Intel's, but is the faster one for the
gradients of weights, which sum over rows. Dropout on a CPU draws 16 random bits an element
instead of a float. Everywhere else these are PyTorch's own operations.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
_RANDOM_VALUES = 1 << 16


def _matmul(left: Tensor, right: Tensor, bias: Tensor | None = None, activation: str = "none") -> Tensor:
    """``activation(left @ right.T + bias)`` in float32 by oneDNN; (M, I), (O, I), (O,) -> (M, O)."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise.default(  # noqa: SLF001 (the only way to oneDNN's product)
        left, right, bias, activation, [], ""
    )
    return result


def _uses_onednn(inputs: Tensor) -> bool:
    return (
        _ONEDNN
        and inputs.dtype is torch.float32
        and inputs.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
    )


class _OneDNNLinear(torch.autograd.Function):
    """A linear map whose outputs and gradient of the inputs are oneDNN's, followed by a ReLU if ``rectify``."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, rectify: bool) -> Tensor:
        outputs = _matmul(inputs, weight, bias, "relu" if rectify else "none")
        ctx.save_for_backward(inputs, weight, *([outputs] if rectify else []))
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        inputs, weight, *rectified = ctx.saved_tensors
        gradient = gradient.contiguous()  # oneDNN is slow where rows are not dense
        if rectified:
            gradient = torch.ops.aten.threshold_backward(gradient, rectified[0], 0)
        needs_inputs, needs_weight, needs_bias, _ = ctx.needs_input_grad
        return (
            _matmul(gradient, weight.t()) if needs_inputs else None,
            gradient.t() @ inputs if needs_weight else None,
            gradient.sum(0) if needs_bias else None,
            None,
        )


def linear(inputs: Tensor, weight: Tensor, bias: Tensor, rectify: bool = False) -> Tensor:
    """``inputs @ weight.T + bias``, followed by a ReLU if ``rectify``; (M, I), (O, I), (O,) -> (M, O)."""
    inputs = inputs.contiguous()
    if not _uses_onednn(inputs):
        outputs = F.linear(inputs, weight, bias)
        return F.relu(outputs) if rectify else outputs
    if not torch.is_grad_enabled():
        return _matmul(inputs, weight, bias, "relu" if rectify else "none")
    product: Tensor = _OneDNNLinear.apply(inputs, weight, bias, rectify)  # type: ignore[no-untyped-call]
    return product


def member_linear(inputs: Tensor, weight: Tensor, bias: Tensor, rectify: bool = False) -> Tensor:
    """`linear` for each member of an ensemble; (E, M, I), (E, O, I), (E, O) -> (E, M, O)."""
    if _uses_onednn(inputs):
        members = zip(inputs.unbind(), weight.unbind(), bias.unbind(), strict=True)
        return torch.stack([linear(*member, rectify) for member in members])
    outputs = torch.baddbmm(bias[:, None], inputs, weight.transpose(1, 2))
    return F.relu(outputs) if rectify else outputs


class Linear(nn.Linear):
    """``nn.Linear`` of a matrix's rows, with bias, by `linear`."""

    def forward(self, inputs: Tensor, rectify: bool = False) -> Tensor:
        """(M, I) -> (M, O)."""
        return linear(inputs, self.weight, self.bias, rectify)


def draw_kept(like: Tensor, probability: float) -> tuple[Tensor, float]:
    """Draws which elements a dropout with ``probability`` keeps.

    Returns:
        A bool tensor of the shape of ``like``, and the factor on kept elements that preserves the mean.
    """
    if like.device.type != "cpu":
        return torch.rand_like(like, dtype=torch.float32) >= probability, 1 / (1 - probability)
    dropped_values = round(probability * _RANDOM_VALUES)
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(1 << 63), None)
    values = words.view(torch.int16)[: like.numel()].view(like.shape)
    return values >= dropped_values - _RANDOM_VALUES // 2, _RANDOM_VALUES / (_RANDOM_VALUES - dropped_values)


class _Dropout(torch.autograd.Function):
    """Dropout on the CPU, with the result added to ``residual`` if that is given."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, residual: Tensor | None, probability: float) -> Tensor:
        kept, ctx.scale = draw_kept(inputs, probability)
        ctx.save_for_backward(kept)
        if residual is None:
            return kept.to(inputs.dtype).mul_(inputs).mul_(ctx.scale)
        return torch.addcmul(residual, inputs, kept.to(inputs.dtype), value=ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        (kept,) = ctx.saved_tensors
        to_residual = gradient if ctx.needs_input_grad[1] else None
        return kept.to(gradient.dtype).mul_(gradient).mul_(ctx.scale), to_residual, None


class Dropout(nn.Module):
    """Dropout with ``probability`` in training mode."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, inputs: Tensor, residual: Tensor | None = None) -> Tensor:
        """Dropout of ``inputs``, added to ``residual`` if that is given; (...), (...) -> (...)."""
        probability = self.probability if self.training else 0.0
        if probability > 0 and inputs.device.type == "cpu":
            outputs: Tensor = _Dropout.apply(inputs, residual, probability)  # type: ignore[no-untyped-call]
            return outputs
        outputs = F.dropout(inputs, probability)
        return outputs if residual is None else residual + outputs
