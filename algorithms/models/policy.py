"""The interface of policy networks: a pass over segments for losses, and inference for rollouts."""

from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor, nn

from vitamin.algorithms.models.heads import PolicyOutput

Padding = Literal["skip", "attend", "compute"]
"""How a pass over segments treats padded positions; see `PolicyNetwork.forward`."""


class PolicyNetwork(nn.Module, ABC):
    """A policy over contexts R_1 s_1 a_1 R_2 s_2 a_2 ..., of which it may look at some parts only.

    Attributes:
        action_size: A.
    """

    def __init__(self, action_size: int) -> None:
        super().__init__()
        self.action_size = action_size

    @abstractmethod
    def forward(
        self,
        states: Tensor,
        actions: Tensor,
        returns_to_go: Tensor,
        timesteps: Tensor,
        mask: Tensor,
        padding: Padding = "skip",
    ) -> PolicyOutput:
        """One pass over B segments, left-padded to K <= ``context_length`` steps.

        Args:
            states: (B, K, S), normalized.
            actions: (B, K, A).
            returns_to_go: (B, K), multiplied by ``return_scale``.
            timesteps: (B, K) int64.
            mask: bool (B, K), True where real; some position is.
            padding: What padded positions are.
                ``skip``: nothing. They are not computed; their raw outputs (before tanh) are zeros.
                ``attend``: part of the context, as in the published target policy. Padded steps must be alike.
                ``compute``: masked as in the published code, whose outputs at padded positions enter the entropy.
                On real positions this agrees with ``skip``.

        Returns:
            Action and distribution over (B, K, A).
        """

    @abstractmethod
    def act(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor) -> PolicyOutput:
        """Rollout inference: the policy at the last state of N contexts of equal length C <= K, without padding.

        Args:
            states: (N, C, S), normalized.
            actions: (N, C, A); the last one is not looked at.
            returns_to_go: (N, C), multiplied by ``return_scale``.
            timesteps: (N, C) int64.

        Returns:
            Action and distribution over (N, 1, A).

        Raises:
            RuntimeError: In training mode, where dropout would disturb the policy.
        """

    def _require_inference(self) -> None:
        if self.training:
            raise RuntimeError("act() is inference without dropout: call eval() on the policy first.")
