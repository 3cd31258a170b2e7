"""What is trained in the single-state MDP: a perceptron in place of the decision transformer, and one critic."""

import copy

import torch
from torch import Tensor, nn

from vitamin.algorithms.models.critics import Critic
from vitamin.algorithms.models.heads import DeterministicHead, PolicyOutput
from vitamin.algorithms.models.layers import Linear
from vitamin.algorithms.models.networks import Networks


class ReturnPolicy(nn.Module):
    """Maps the return-to-go to an action: with one state and one step there is nothing else to look at.

    Args:
        width: Of the two hidden layers.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = Linear(1, width)
        self.hidden = Linear(width, width)
        self.head = DeterministicHead(width, 1)

    def forward(
        self,
        states: Tensor,  # noqa: ARG002 (called as the decision transformer is)
        actions: Tensor,  # noqa: ARG002
        returns_to_go: Tensor,
        timesteps: Tensor,  # noqa: ARG002
        mask: Tensor,  # noqa: ARG002
        padding: str = "skip",  # noqa: ARG002
    ) -> PolicyOutput:
        """The policy on B segments of one step; returns-to-go (B, 1) -> action (B, 1, 1)."""
        return self.act(returns_to_go)

    def act(self, returns_to_go: Tensor) -> PolicyOutput:
        """Returns-to-go (..., 1) -> action (..., 1, 1)."""
        hidden = self.embed(returns_to_go.reshape(-1, 1), rectify=True)
        hidden = self.hidden(hidden, rectify=True)
        return self.head.output(self.head(hidden).view(*returns_to_go.shape, 1))


class SingleStateNetworks(Networks):
    """The networks that `vitamin.algorithms.update.Updater` trains, of the sizes of the paper's experiment.

    Args:
        width: Of policy and critic.
        with_critic: Whether there is an RL gradient.
    """

    def __init__(self, width: int, with_critic: bool) -> None:
        nn.Module.__init__(self)  # the parent's would make a decision transformer
        self.policy = ReturnPolicy(width)  # type: ignore[assignment]
        self.critic = self.target_policy = self.target_critic = self.log_temperature = None
        if with_critic:
            self.critic = Critic(1, 1, width, layer_norm=False, members=1)
            self.target_policy = copy.deepcopy(self.policy).requires_grad_(False).eval()
            self.target_critic = copy.deepcopy(self.critic).requires_grad_(False).eval()

    @torch.no_grad()
    def actions(self, returns_to_go: Tensor) -> Tensor:
        """The policy's actions at returns-to-go; (N,) -> (N,)."""
        policy: ReturnPolicy = self.policy  # type: ignore[assignment]
        return policy.act(returns_to_go[:, None]).action[:, 0, 0]

    @torch.no_grad()
    def values(self, actions: Tensor) -> Tensor:
        """The critic's values of actions; (N,) -> (N,). There is a critic."""
        assert self.critic is not None
        values: Tensor = self.critic(torch.zeros(len(actions), 1), actions[:, None])[0]
        return values
