"""An RL gradient outside the package, to see whether an idea learns: ``python docs/examples/rl_gradient.py``.

`HuberTD3` is TD3 whose critics have the Huber loss of the Bellman error in place of its square, as DQN clips errors
(Mnih et al. 2015). Its two losses are called here by a plain loop of pretraining. What makes it a method of the table,
with a learner, env runners, checkpoints and reports, is a walk in ``.github/CONTRIBUTING.md``.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import vitamin
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.base import CriticLoss, Noise
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.optimizers.lamb import Lamb
from vitamin.platform.datasets import collect_dataset

TASK = "Pendulum-v1"


class HuberTD3(TD3):
    """TD3 (Fujimoto et al. 2018) whose critics' large Bellman errors count linearly; the actor's loss is TD3's."""

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """Huber loss of Bellman errors, summed over critics and averaged over real positions."""
        targets = self.bellman_target(networks, batch, noise).values  # (B, K)
        values = networks.q(batch.states, batch.actions, batch.mask)  # (members, B, K)
        errors = F.smooth_l1_loss(values, targets.expand_as(values), reduction="none").sum(0)  # (B, K)
        return CriticLoss(batch.mean(errors), {"q/mean": batch.mean(values[0].detach())})


def main(folder: Path, updates: int = 300) -> list[float]:
    """Collects data and makes ``updates`` updates on it; the critic loss of each."""
    task = vitamin.get_task(TASK)
    data = collect_dataset(task, steps=4000, out=folder / "random.hdf5", force=True)
    settings = vitamin.Hyperparameters(
        context_length=5,
        hidden_size=32,
        num_layers=1,
        num_heads=1,
        critic_hidden_size=64,
        reward_divisor=10.0,
    )
    replay = Replay.from_offline(vitamin.load_dataset(data, task), hyperparameters=settings)
    torch.manual_seed(0)
    networks = build_networks(3, 1, vitamin.METHODS["td3_odt"], settings).train()
    gradient = HuberTD3(settings)
    critic_optimizer = torch.optim.AdamW(networks.critic_parameters(), lr=1e-3)
    policy_optimizer = Lamb(networks.policy.parameters(), lr=1e-3)

    rng, losses = np.random.default_rng(0), []
    for update in range(updates):
        batch = replay.sample(rng, 64)
        critics = gradient.critic_loss(networks, batch, torch.randn)
        critic_optimizer.zero_grad()
        critics.loss.backward()
        critic_optimizer.step()

        if update % settings.actor_update_interval == 0:  # the delayed update of policy and targets
            output = networks.policy(*batch.context())
            supervised = batch.mean((output.action - batch.actions).square().mean(-1))  # Eq. 1
            rl, _ = gradient.actor_loss(networks, batch, output, torch.randn)
            policy_optimizer.zero_grad()
            (supervised + 0.1 * rl).backward()  # Eq. 2
            policy_optimizer.step()
            networks.update_targets(settings.tau)

        losses.append(critics.loss.item())
        if update % 100 == 0:
            print(f"{update:6} critic loss {losses[-1]:.4f}, mean Q {critics.metrics['q/mean'].item():.3f}")
    return losses


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/rl-gradient"))
