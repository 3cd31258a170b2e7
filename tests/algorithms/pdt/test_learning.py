"""PDT learns: of two behaviours in reward-free data it chooses online the one that pays."""

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray

from vitamin.algorithms.assembly import build_networks, build_updater
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.pdt.replay import FutureReplay
from vitamin.algorithms.rollouts.rollout import rollout_unit

LENGTH = 3
SETTINGS = Hyperparameters(
    context_length=1,
    eval_context_length=1,
    future_length=2,
    hidden_size=32,
    num_layers=1,
    num_heads=2,
    dropout=0,
    embedding_dropout=0,
    latent_size=2,
    latent_kl_coefficient=0.02,
    num_latent_samples=32,
    return_warmup_updates=100,
    return_warmup_learning_rate=0.01,
    batch_size=64,
    learning_rate=0.01,
    warmup_updates=10,
    return_scale=1.0,
    entropy_over_padding=False,
)


class Echo:
    """Shows the last action, which is also the reward."""

    def __init__(self) -> None:
        self.action_space = Box(-1, 1, (1,))
        self._steps = 0

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self._steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: NDArray[np.float32], /) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        return action.copy(), float(action[0]), False, self._steps == LENGTH, {}


def two_behaviours(episodes: int) -> Trajectories:
    """Actions near 0.6 or near -0.6, by chance at each step; all rewards are unknown."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], (episodes, LENGTH))
    actions = (0.6 * signs + rng.uniform(-0.1, 0.1, signs.shape)).astype(np.float32)
    observations = np.concatenate([np.zeros((episodes, 1), np.float32), actions], axis=1)
    N = episodes * LENGTH
    return Trajectories(
        observations=observations[:, :-1].reshape(N, 1),
        actions=actions.reshape(N, 1),
        rewards=np.zeros(N, np.float32),
        next_observations=observations[:, 1:].reshape(N, 1),
        terminals=np.zeros(N, np.bool_),
        offsets=np.arange(0, N + 1, LENGTH),
    )


def test_online_the_behaviour_that_pays_is_chosen() -> None:
    method = METHODS["pdt"]
    replay = FutureReplay.from_offline(two_behaviours(300), hyperparameters=SETTINGS)
    torch.manual_seed(0)
    networks = build_networks(1, 1, method, SETTINGS).train()
    policy = networks.policy
    assert isinstance(policy, FutureConditionedPolicy)
    updater = build_updater(networks, method, SETTINGS)
    noise = torch.Generator().manual_seed(0)

    def train(phase: Any, updates: int) -> None:
        networks.train()
        for i in range(updates):
            batch = replay.sample(np.random.default_rng(i), SETTINGS.batch_size)
            updater.update(batch, phase, lambda shape: torch.randn(shape, generator=noise))

    def act(explore: bool) -> Trajectories:
        return rollout_unit(
            [Echo() for _ in range(100)],
            policy.eval(),
            hyperparameters=SETTINGS,
            observation_mean=torch.from_numpy(replay.observation_mean),
            observation_std=torch.from_numpy(replay.observation_std),
            target_return=0.0,
            explore=explore,
            rng=np.random.default_rng(0),
        )

    train("pretrain", 400)
    imitated = act(explore=True)
    assert abs(imitated.rewards.mean()) < 0.15  # both behaviours
    assert np.abs(imitated.rewards).mean() > 0.4
    replay.begin_online()
    replay.add(imitated, bootstrap_at_time_limit=True)
    train("online", SETTINGS.return_warmup_updates)
    assert act(explore=False).rewards.mean() > 0.5
