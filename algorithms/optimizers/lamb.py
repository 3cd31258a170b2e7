"""LAMB: Adam whose step has, for each tensor, a length in proportion to the tensor's own (You et al. 2020)."""

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer

_LARGE = 1 << 17
"""Elements of a tensor that is worth a pass of its own."""


class Lamb(Optimizer):
    """LAMB with bias correction and weight decay inside the trust ratio, as the published code uses it.

    For a tensor p with gradient g, in the step t = 1, 2, ...:
        m <- beta_1 m + (1 - beta_1) g
        v <- beta_2 v + (1 - beta_2) g^2
        u = (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + eps) + weight_decay p
        p <- p - lr (|p| / |u|) u        where |p| / |u| is taken as 1 if a norm, or weight_decay, is zero.
    Parameters without a gradient are left alone. The published code's own clipping of the gradient at norm 1 is left to
    the caller.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step from the gradients in ``.grad``.

        Args:
            closure: Recomputes the loss and the gradients first, as for any PyTorch optimizer.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                if not self.state[p]:
                    self.state[p] = {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
            group["step"] = group.get("step", 0) + 1
            for together in _groups_that_fit_the_cache(params):
                self._move(together, group)
        return loss

    def _move(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """The step of some parameters of a group, in a few operations over all of them."""
        beta_1, beta_2 = group["betas"]
        correction_1 = 1 - beta_1 ** group["step"]
        correction_2 = 1 - beta_2 ** group["step"]
        gradients = [p.grad for p in params if p.grad is not None]
        first = [self.state[p]["exp_avg"] for p in params]
        second = [self.state[p]["exp_avg_sq"] for p in params]

        torch._foreach_lerp_(first, gradients, 1 - beta_1)
        torch._foreach_mul_(second, beta_2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta_2)
        denominators = torch._foreach_sqrt(second)
        torch._foreach_mul_(denominators, correction_1 / math.sqrt(correction_2))
        torch._foreach_add_(denominators, correction_1 * group["eps"])
        updates = torch._foreach_mul(params, group["weight_decay"])
        torch._foreach_addcdiv_(updates, first, denominators)
        if group["weight_decay"] != 0:
            lengths = torch.stack(torch._foreach_norm(params))
            update_lengths = torch.stack(torch._foreach_norm(updates))
            ratios = torch.where((lengths > 0) & (update_lengths > 0), lengths / update_lengths, 1.0)
            torch._foreach_mul_(updates, list(ratios.unbind()))
        torch._foreach_add_(params, updates, alpha=-group["lr"])


def _groups_that_fit_the_cache(params: list[Tensor]) -> list[list[Tensor]]:
    """Splits ``params`` so that on a CPU a large tensor goes through all operations while it is in the cache."""
    if not params or params[0].device.type != "cpu":
        return [params] if params else []
    small = [p for p in params if p.numel() < _LARGE]
    return [[p] for p in params if p.numel() >= _LARGE] + ([small] if small else [])
