"""Networks of the single-state MDP: a perceptron in place of the decision transformer, and one critic."""

import torch
from torch import Tensor

from vitamin.algorithms.models.critics import Critic
from vitamin.algorithms.models.heads import DeterministicHead, PolicyOutput
from vitamin.algorithms.models.layers import Linear
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.models.policy import Padding, PolicyNetwork


class ReturnPolicy(PolicyNetwork):
    """Maps the return-to-go to an action: with one state and one step there is nothing else to look at.

    Args:
        width: Of the two hidden layers.
    """

    def __init__(self, width: int) -> None:
        super().__init__(action_size=1)
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
        padding: Padding = "skip",  # noqa: ARG002
    ) -> PolicyOutput:
        """The policy on B segments of one step; returns-to-go (B, 1) -> action (B, 1, 1)."""
        return self.at(returns_to_go)

    def act(
        self,
        states: Tensor,  # noqa: ARG002
        actions: Tensor,  # noqa: ARG002
        returns_to_go: Tensor,
        timesteps: Tensor,  # noqa: ARG002
    ) -> PolicyOutput:
        """As forward."""
        return self.at(returns_to_go)

    def at(self, returns_to_go: Tensor) -> PolicyOutput:
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
        policy = ReturnPolicy(width)
        critic = Critic(1, 1, width, layer_norm=False, members=1) if with_critic else None
        super().__init__(policy, critic, targets=with_critic)

    @torch.no_grad()
    def actions(self, returns_to_go: Tensor) -> Tensor:
        """The policy's actions at returns-to-go; (N,) -> (N,)."""
        assert isinstance(self.policy, ReturnPolicy)
        return self.policy.at(returns_to_go[:, None]).action[:, 0, 0]

    @torch.no_grad()
    def values(self, actions: Tensor) -> Tensor:
        """The critic's values of actions; (N,) -> (N,). There is a critic."""
        values: Tensor = self.q(torch.zeros(len(actions), 1), actions[:, None])[0]
        return values
