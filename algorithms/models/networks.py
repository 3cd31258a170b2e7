"""All networks that a method trains, with their target copies."""

import copy
import math
from typing import Self

import torch
from torch import nn

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.critics import Critic
from vitamin.algorithms.models.decision_transformer import DecisionTransformer


class Networks(nn.Module):
    """Policy, critics, targets and temperature of one method; everything that a learner's weights consist of.

    Attributes:
        policy: The decision transformer.
        critic: Twin critics; None for a method without an RL gradient.
        target_policy: Slow copy of the policy, always in evaluation mode; None without an RL gradient.
        target_critic: Slow copy of the critics; None without an RL gradient.
        log_temperature: Logarithm of the entropy's weight, a scalar; None for a deterministic policy.
    """

    def __init__(
        self, observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
    ) -> None:
        super().__init__()
        self.policy = DecisionTransformer(observation_size, action_size, hyperparameters, method.policy)
        self.critic: Critic | None = None
        self.target_policy: DecisionTransformer | None = None
        self.target_critic: Critic | None = None
        if method.gradient is not None:
            self.critic = Critic(
                observation_size,
                action_size,
                hyperparameters.critic_hidden_size,
                hyperparameters.critic_layer_norm,
            )
            self.target_policy = copy.deepcopy(self.policy).requires_grad_(False).eval()
            self.target_critic = copy.deepcopy(self.critic).requires_grad_(False).eval()
        self.log_temperature: nn.Parameter | None = None
        if method.policy == "stochastic":
            self.log_temperature = nn.Parameter(torch.tensor(math.log(hyperparameters.initial_temperature)))

    def train(self, mode: bool = True) -> Self:
        """Sets training mode of all but the targets, which never drop anything."""
        super().train(mode)
        for target in (self.target_policy, self.target_critic):
            if target is not None:
                target.eval()
        return self

    @torch.no_grad()
    def update_targets(self, tau: float) -> None:
        """Moves the targets by the share ``tau`` of the way to their originals."""
        for target, original in ((self.target_policy, self.policy), (self.target_critic, self.critic)):
            if target is not None and original is not None:
                torch._foreach_lerp_(list(target.parameters()), list(original.parameters()), tau)

    def copy_targets(self) -> None:
        """Makes the targets equal to their originals, as at the beginning of the online phase."""
        for target, original in ((self.target_policy, self.policy), (self.target_critic, self.critic)):
            if target is not None and original is not None:
                target.load_state_dict(original.state_dict())
