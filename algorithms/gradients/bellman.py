"""The common part of off-policy critics: the next step's policy output, and squared Bellman errors."""

import torch
from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.base import CriticLoss, Noise, RLGradient
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


class BellmanGradient(RLGradient):
    """An RL gradient whose Q functions are regressed on a Bellman target."""

    @property
    def reads_padded_actions(self) -> bool:
        """With recurrent critics that read padding, and so what the policy does there."""
        settings = self.hyperparameters
        return settings.critic_network != "mlp" and settings.critic_reads_padding

    @torch.no_grad()
    def next_output(self, networks: Networks, batch: SegmentBatch) -> PolicyOutput:
        """The target policy at the next states, (B, K, A).

        One causal pass over the segment shifted by one step, the context that ends in the next state, gives the next
        action of every position.
        """
        attends = self.hyperparameters.target_attends_padding
        output: PolicyOutput = networks.target_pi(
            *batch.next_context(attends_padding=attends), padding="attend" if attends else "skip"
        )
        return output

    @torch.no_grad()
    def sampled_next_values(
        self, networks: Networks, batch: SegmentBatch, noise: Noise, *, entropy: bool
    ) -> Tensor:
        """The smaller target Q of sampled next actions, with ``entropy`` less the temperature times log pi; (B, K)."""
        output = self.next_output(networks, batch)
        actions, log_probs = output.pi.sample_with_log_prob(noise(output.action.shape))
        values = self.smallest(networks.target_q(batch.next_states, actions, batch.mask), noise)
        return values - networks.temperature * log_probs if entropy else values

    def smallest(self, values: Tensor, noise: Noise) -> Tensor:
        """The smallest of the Q functions' ``values`` (members, B, K), or of ``critic_subset`` of them; (B, K).

        Which ones is drawn anew for each segment (REDQ, Chen et al. 2021, draws for each update).
        """
        if not self.hyperparameters.critic_subset:
            return values.amin(0)
        members, B, K = values.shape
        drawn = noise(torch.Size((B, members))).topk(self.hyperparameters.critic_subset, dim=1).indices
        return values.gather(0, drawn.T[..., None].expand(-1, -1, K)).amin(0)

    def bellman_values(self, batch: SegmentBatch, next_values: Tensor) -> Tensor:
        """Targets r + discount (1 - d) next_values; (B, K)."""
        return batch.rewards + self.hyperparameters.discount * (1 - batch.terminals) * next_values

    def squared_errors(self, networks: Networks, batch: SegmentBatch, targets: Tensor) -> CriticLoss:
        """Squared errors of all Q functions to ``targets`` (B, K), summed over these, averaged over positions."""
        values = networks.q(batch.states, batch.actions, batch.mask)  # (members, B, K)
        loss = self.mean_over_steps(batch, (values - targets).square().sum(0))
        return CriticLoss(
            loss, {"q/mean": batch.mean(values[0].detach()), "q/target_mean": batch.mean(targets)}
        )

    def mean_over_steps(self, batch: SegmentBatch, errors: Tensor) -> Tensor:
        """Mean of ``errors`` (B, K) over steps, by ``critic_loss_over_padding`` divided by B K or by real ones."""
        if self.hyperparameters.critic_loss_over_padding:
            return batch.mean_with_padding(errors)
        return batch.mean(errors)
