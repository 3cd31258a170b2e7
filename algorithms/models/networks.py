"""All networks that a method trains, with their target copies."""

import copy
import math
from collections.abc import Iterator
from typing import ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn

from vitamin.algorithms.models.critics import Critic, ValueFunction
from vitamin.algorithms.models.future_encoder import FutureEncoder
from vitamin.algorithms.models.policy import PolicyNetwork

M = TypeVar("M", bound=nn.Module)
T = TypeVar("T")


class Networks(nn.Module):
    """Policy, critics, targets and temperature of one method; everything that a learner's weights consist of.

    Attributes are named as in checkpoints, and None where the method has no such network. Equations take theirs from
    the properties, which are named as there: they raise a `LookupError` where the method has none.

    Attributes:
        policy: What acts.
        critic: An ensemble of Q functions, or None.
        value: A value function, or None.
        target_policy: Copy of the policy, always in evaluation mode; None without targets.
        target_critic: Copy of the Q functions; None without them or without targets.
        target_value: Copy of the value function; None without it or without targets.
        reference_policy: Copy of the policy as pretraining left it, always in evaluation mode; or None.
        future_encoder: What encodes futures for a policy conditioned on them, or None.
        log_temperature: Logarithm of the entropy's weight, a scalar; None for a deterministic policy.
        NAMES: All of these.

    Args:
        policy: The policy.
        critic: Its Q functions, if the method has such.
        value: Its value function, if the method has one.
        targets: Whether there are target copies.
        temperature: The entropy's weight at the start; None for none.
        reference: Whether there is a reference policy.
        future_encoder: Its future encoder, if the policy is conditioned on futures.
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "policy",
        "reference_policy",
        "target_policy",
        "critic",
        "target_critic",
        "value",
        "target_value",
        "future_encoder",
        "log_temperature",
    )

    def __init__(
        self,
        policy: PolicyNetwork,
        critic: Critic | None = None,
        value: ValueFunction | None = None,
        *,
        targets: bool = False,
        reference: bool = False,
        temperature: float | None = None,
        future_encoder: FutureEncoder | None = None,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.critic = critic
        self.value = value
        self.future_encoder = future_encoder
        self.target_policy = _frozen_copy(policy) if targets else None
        self.target_critic = _frozen_copy(critic) if targets else None
        self.target_value = _frozen_copy(value) if targets else None
        self.reference_policy = _frozen_copy(policy) if reference else None
        self.log_temperature: nn.Parameter | None = None
        if temperature is not None:
            self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))

    @property
    def q(self) -> Critic:
        """The Q functions."""
        return _present(self.critic, "Q function")

    @property
    def target_q(self) -> Critic:
        """The target copy of the Q functions."""
        return _present(self.target_critic, "target Q function")

    @property
    def v(self) -> ValueFunction:
        """The value function."""
        return _present(self.value, "value function")

    @property
    def target_v(self) -> ValueFunction:
        """The target copy of the value function."""
        return _present(self.target_value, "target value function")

    @property
    def target_pi(self) -> PolicyNetwork:
        """The target copy of the policy."""
        return _present(self.target_policy, "target policy")

    @property
    def reference_pi(self) -> PolicyNetwork:
        """The policy as pretraining left it."""
        return _present(self.reference_policy, "reference policy")

    @property
    def temperature(self) -> Tensor:
        """The entropy's weight, a scalar without gradient."""
        return _present(self.log_temperature, "temperature").detach().exp()

    def _pairs(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        """Each target with its original."""
        for target, original in (
            (self.target_policy, self.policy),
            (self.target_critic, self.critic),
            (self.target_value, self.value),
        ):
            if target is not None and original is not None:
                yield target, original

    def critic_parameters(self) -> list[nn.Parameter]:
        """Parameters of all critics, Q functions first."""
        critics = [module for module in (self.critic, self.value) if module is not None]
        return [parameter for module in critics for parameter in module.parameters()]

    def train(self, mode: bool = True) -> Self:
        """Sets training mode of all but targets and reference, which never drop anything."""
        super().train(mode)
        if self.reference_policy is not None:
            self.reference_policy.eval()
        for target, _ in self._pairs():
            target.eval()
        return self

    @torch.no_grad()
    def update_targets(self, tau: float) -> None:
        """Moves the targets by the share ``tau`` of the way to their originals."""
        for target, original in self._pairs():
            torch._foreach_lerp_(list(target.parameters()), list(original.parameters()), tau)

    def copy_reference(self) -> None:
        """Makes the reference policy, if there is one, equal to the policy."""
        if self.reference_policy is not None:
            self.reference_policy.load_state_dict(self.policy.state_dict())

    def copy_targets(self) -> None:
        """Makes the targets equal to their originals, as at the beginning of the online phase."""
        for target, original in self._pairs():
            target.load_state_dict(original.state_dict())


def _present(part: T | None, name: str) -> T:
    if part is None:
        raise LookupError(
            f"The method has no {name}: an RL gradient gets the networks that it says it needs."
        )
    return part


def _frozen_copy(module: M | None) -> M | None:
    return None if module is None else copy.deepcopy(module).requires_grad_(False).eval()
