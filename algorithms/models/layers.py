"""The three layers a transformer is made of, with CPU kernels that are faster than PyTorch's defaults.

In float32 on a CPU, linear maps go through oneDNN, whose AVX-512 kernels run on every vendor's processors (PyTorch's
default there, MKL, picks slower ones outside Intel's), and dropout draws 16 random bits an element instead of a float.
Everywhere else (other types, autocast, other devices) these are PyTorch's own operations.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_ONEDNN = torch.backends.mkldnn.is_available()


def _matmul(left: Tensor, right: Tensor, bias: Tensor | None = None, activation: str = "none") -> Tensor:
    """``activation(left @ right.T + bias)`` of float32 CPU matrices by oneDNN; (M, I), (O, I), (O,) -> (M, O)."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise.default(left, right, bias, activation, [], "")
    return result


def _use_onednn(inputs: Tensor) -> bool:
    return (
        _ONEDNN
        and inputs.device.type == "cpu"
        and inputs.dtype is torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


class _OneDNNLinear(torch.autograd.Function):
    """A linear map of rows whose forward and backward products are oneDNN's, with a ReLU if ``rectify``."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, rectify: bool) -> Tensor:
        outputs = _matmul(inputs, weight, bias, "relu" if rectify else "none")
        ctx.save_for_backward(inputs, weight, *([outputs] if rectify else []))
        return outputs

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        inputs, weight, *rectified = ctx.saved_tensors
        if rectified:
            gradient = torch.ops.aten.threshold_backward(gradient, rectified[0], 0)
        needs_inputs, needs_weight, needs_bias, _ = ctx.needs_input_grad
        return (
            _matmul(gradient, weight.t()) if needs_inputs else None,
            _weight_gradient(gradient, inputs) if needs_weight else None,
            gradient.sum(0) if needs_bias else None,
            None,
        )


def _weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    """``gradient.T @ inputs``: (M, O), (M, I) -> (O, I)."""
    return _matmul(inputs.t(), gradient.t()).t()


def linear(inputs: Tensor, weight: Tensor, bias: Tensor, rectify: bool = False) -> Tensor:
    """``inputs @ weight.T + bias``, with a ReLU if ``rectify``; (M, I), (O, I), (O,) -> (M, O)."""
    if not _use_onednn(inputs):
        outputs = F.linear(inputs, weight, bias)
        return F.relu(outputs) if rectify else outputs
    if not torch.is_grad_enabled():
        return _matmul(inputs, weight, bias, "relu" if rectify else "none")
    outputs = _OneDNNLinear.apply(inputs, weight, bias, rectify)
    return outputs


class Linear(nn.Linear):
    """``nn.Linear`` of rows, with bias, by `linear`."""

    def forward(self, inputs: Tensor, rectify: bool = False) -> Tensor:
        """(M, I) -> (M, O)."""
        return linear(inputs, self.weight, self.bias, rectify)


class Dropout(nn.Module):
    """Dropout with probability ``probability`` in training mode, scaled to keep the mean."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, inputs: Tensor) -> Tensor:
        """(...) -> (...)."""
        return F.dropout(inputs, self.probability, self.training)


def member_linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """One linear map a member of an ensemble; (members, N, I), (members, O, I), (members, O) -> (members, N, O)."""
    return torch.baddbmm(bias[:, None], inputs, weight.transpose(1, 2))
