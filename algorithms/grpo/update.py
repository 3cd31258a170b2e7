"""Updates of a policy on groups of sub-trajectories (grpo)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.gradients.base import Metrics, Noise
from vitamin.algorithms.grpo.groups import GroupBuffer, SubTrajectoryBatch
from vitamin.algorithms.grpo.objective import clipped_objective, group_advantages
from vitamin.algorithms.models.distributions import SquashedGaussian
from vitamin.algorithms.update import Updater


class GroupUpdater:
    """Updates the policy on the groups of one iteration.

    Nothing is dropped out, so that likelihoods are those of the policy that acted. The likelihoods of the old policy
    are computed here too, before the first update: with the same arithmetic, the first ratios are 1.

    Args:
        updater: Owns networks and optimizers.
        buffer: The iteration's N sub-trajectories; sampled from the policy as it is now.
    """

    def __init__(self, updater: Updater, buffer: GroupBuffer) -> None:
        self._updater = updater
        self._settings = updater.hyperparameters
        self._buffer = buffer
        groups = buffer.groups
        self._advantages = group_advantages(groups.returns, groups.group)
        size = self._settings.group_batch_size
        chunks = [np.arange(first, min(first + size, len(groups))) for first in range(0, len(groups), size)]
        with torch.no_grad():
            self._old = torch.cat([self._likelihoods(buffer.gather(chunk))[0] for chunk in chunks])

    def __len__(self) -> int:
        return len(self._buffer)

    def metrics(self) -> dict[str, float]:
        """Statistics of the groups."""
        groups = self._buffer.groups
        sizes = np.bincount(groups.group)
        mean = np.bincount(groups.group, groups.returns) / sizes
        spread = np.sqrt(np.bincount(groups.group, (groups.returns - mean[groups.group]) ** 2) / sizes)
        return {
            "groups/count": float(len(sizes)),
            "groups/length_mean": float(groups.lengths.mean()),
            "groups/return_std": float(spread.mean()),
            "groups/reset_uncertainty": float(groups.uncertainty.mean()),
        }

    def update(self, chosen: NDArray[np.int64], noise: Noise) -> Metrics:
        """One step of the policy.

        Args:
            chosen: The sub-trajectories to learn from, (B,).
            noise: Draws standard normals of a shape, on the networks' device.

        Returns:
            Detached scalars, named as in ``metrics.jsonl``.
        """
        batch = self._buffer.gather(chosen)
        likelihoods, distribution = self._likelihoods(batch)
        advantages = torch.from_numpy(self._advantages[chosen]).to(likelihoods)
        log_ratio = likelihoods - self._old[torch.from_numpy(chosen).to(self._old.device)]
        clip = self._settings.group_ratio_clip
        rl_loss = -clipped_objective(log_ratio, advantages, clip).mean()
        entropy = batch.mean_over_steps(distribution.entropy(noise(distribution.loc.shape))).mean()
        outside = ((log_ratio.detach().exp() - 1).abs() > clip).float().mean()
        metrics = {
            "loss/rl": rl_loss.detach(),
            "policy/entropy": entropy.detach(),
            "policy/log_ratio": log_ratio.detach().mean(),
            "policy/clipped": outside,
        }
        loss = rl_loss - self._settings.group_entropy_coefficient * entropy
        return metrics | self._updater.descend_policy(loss, self._settings.group_learning_rate)

    def _likelihoods(self, batch: SubTrajectoryBatch) -> tuple[Tensor, SquashedGaussian]:
        """Mean log-likelihood of each sub-trajectory's actions, (B,), and the distributions at its steps, (R, A)."""
        policy = self._updater.networks.policy.eval()
        lengths, rows, outputs = batch.mask.sum(1), list[Tensor](), list[SquashedGaussian]()
        with self._updater.autocast(batch.states):
            for C in lengths.unique().tolist():  # the full context, and shorter ones where an episode begins
                own = torch.nonzero(lengths == C)[:, 0]
                columns = (batch.states, batch.actions, batch.returns_to_go, batch.timesteps)
                output = policy.act(*(column[own, -C:] for column in columns))
                rows.append(own)
                outputs.append(SquashedGaussian.of(output.pi))
        back = torch.cat(rows).argsort()
        now = SquashedGaussian(
            torch.cat([output.loc[:, 0] for output in outputs])[back],
            torch.cat([output.log_std[:, 0] for output in outputs])[back],
        )
        return batch.mean_over_steps(now.log_prob(batch.actions[:, -1])), now
