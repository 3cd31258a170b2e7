"""A rollout as one would write it first, to compare with: a history padded to K, through the whole model."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.rollouts.environment import Environment


@torch.no_grad()
def plain_rollout(
    environments: Sequence[Environment], policy: DecisionTransformer, settings: Hyperparameters, steps: int
) -> None:
    """``steps`` steps in each of W environments that never end, without normalization and noise."""
    W = len(environments)
    states = torch.from_numpy(
        np.stack([environment.reset(seed=i)[0] for i, environment in enumerate(environments)])
    )
    states = states[:, None]  # (W, t, S)
    actions = torch.zeros(W, 1, *environments[0].action_space.shape)
    returns_to_go = torch.full((W, 1), settings.online_target_return * settings.return_scale)
    for step in range(steps):
        timesteps = torch.arange(step + 1).clamp(max=settings.max_timestep - 1).expand(W, -1)
        real = torch.ones(W, step + 1, dtype=torch.bool)
        history = (states, actions, returns_to_go, timesteps, real)
        padded = (_pad(x[:, -settings.eval_context_length :], settings.context_length) for x in history)
        chosen = policy(*padded, padding="compute").action[:, -1]
        results = [
            environment.step(action) for environment, action in zip(environments, chosen.numpy(), strict=True)
        ]
        actions[:, -1] = chosen
        observations = torch.from_numpy(np.stack([result[0] for result in results]))
        rewards = torch.tensor([float(result[1]) for result in results])
        states = torch.cat([states, observations[:, None]], dim=1)
        actions = torch.cat([actions, torch.zeros_like(actions[:, :1])], dim=1)
        returns_to_go = torch.cat(
            [returns_to_go, returns_to_go[:, -1:] - settings.return_scale * rewards[:, None]], dim=1
        )


def _pad(values: Tensor, length: int) -> Tensor:
    missing = length - values.shape[1]
    return torch.cat([values.new_zeros(len(values), missing, *values.shape[2:]), values], dim=1)
