"""The policy of TD3+BC and IQL: a perceptron that sees the state alone."""

from torch import Tensor

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import DeterministicHead, PolicyOutput, SharedStdHead
from vitamin.algorithms.models.layers import Dropout, Linear
from vitamin.algorithms.models.policy import Padding, PolicyNetwork


class MLPPolicy(PolicyNetwork):
    """Two hidden ReLU layers of ``hidden_size``, each followed by ``dropout``, and a head.

    Actions, returns-to-go and timesteps are not looked at.
    """

    def __init__(
        self, observation_size: int, action_size: int, hyperparameters: Hyperparameters, policy: PolicyKind
    ) -> None:
        super().__init__(action_size)
        width = hyperparameters.hidden_size
        self.first = Linear(observation_size, width)
        self.second = Linear(width, width)
        self.dropout = Dropout(hyperparameters.dropout)
        head = DeterministicHead if policy == "deterministic" else SharedStdHead
        self.head = head(width, action_size)

    def forward(
        self,
        states: Tensor,
        actions: Tensor,
        returns_to_go: Tensor,
        timesteps: Tensor,
        mask: Tensor,
        padding: Padding = "skip",
    ) -> PolicyOutput:
        """Each state by itself; see `PolicyNetwork.forward`."""
        return self._run(states)

    def act(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor) -> PolicyOutput:
        """Rollout inference; see `PolicyNetwork.act`."""
        self._require_inference()
        return self._run(states[:, -1:])

    def _run(self, states: Tensor) -> PolicyOutput:
        """(B, K, S) -> (B, K, A)."""
        hidden = self.dropout(self.first(states.flatten(0, -2), rectify=True))
        hidden = self.dropout(self.second(hidden, rectify=True))
        raw = self.head(hidden).to(states.dtype)
        output: PolicyOutput = self.head.output(raw.view(*states.shape[:-1], -1))
        return output
