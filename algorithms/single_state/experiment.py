"""Pretraining and online fine-tuning in the single-state MDP, by the losses, updates and replay of every other run."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import Adam

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.randomness import Stream, generator, torch_seed
from vitamin.algorithms.single_state.networks import SingleStateNetworks
from vitamin.algorithms.single_state.problem import episodes, offline_actions, reward
from vitamin.algorithms.threads import torch_threads
from vitamin.algorithms.update import Updater

Floats = NDArray[np.float64]

RETURNS_TO_GO: Final = np.linspace(-1, 1, 81)
"""Where the learned actor is looked at."""
ACTIONS: Final = np.linspace(-1, 1, 81)
"""Where the learned critic is looked at."""


@dataclass(frozen=True)
class Weights:
    """Of the two terms of the actor loss (Eq. 2)."""

    supervised: float
    rl: float


METHODS: Mapping[str, Weights] = MappingProxyType(
    {"ODT": Weights(1.0, 0.0), "DDPG": Weights(0.0, 1.0), "ODT+DDPG": Weights(0.02, 1.0)}
)


@dataclass(frozen=True)
class Settings:
    """Of the experiment; defaults are the paper's (method §5), but for ``updates_per_epoch``, which it does not give.

    Attributes:
        pretrain_epochs: Epochs on the offline data alone.
        online_epochs: Epochs that begin with rollouts.
        updates_per_epoch: With 20, the final rewards are spread over seeds as in the reference.
        batch_size: B.
        rollouts: Episodes of an online epoch.
        exploration: Half the width of the uniform noise on their actions.
        learning_rate: Of Adam, for policy and critic.
        target_return: What rollouts and evaluation are conditioned on.
        width: Of the hidden layers of policy and critic.
    """

    pretrain_epochs: int = 5
    online_epochs: int = 16
    updates_per_epoch: int = 20
    batch_size: int = 32
    rollouts: int = 64
    exploration: float = 0.01
    learning_rate: float = 1e-3
    target_return: float = 1.0
    width: int = 128


@dataclass(frozen=True)
class Run:
    """One method with one seed.

    Attributes:
        rewards: (pretrain_epochs + online_epochs + 1,), of the policy's action: untrained, then after each epoch.
        actions: (online_epochs, rollouts), taken in each online epoch.
        actor: The final policy's action at each of ``RETURNS_TO_GO``.
        critic: The final critic's value of each of ``ACTIONS``; None without an RL gradient.
    """

    rewards: Floats
    actions: Floats
    actor: Floats
    critic: Floats | None


def run(method: str, seed: int, settings: Settings | None = None) -> Run:
    """Trains ``method``, a key of ``METHODS``; the same arguments give the same result."""
    with torch_threads(1):
        experiment = _Experiment(METHODS[method], seed, settings or Settings())
        return experiment.run()


class _Experiment:
    def __init__(self, weights: Weights, seed: int, settings: Settings) -> None:
        self._settings = settings
        self._seed = seed
        self._updates = 0
        hyperparameters = _hyperparameters(weights, settings)
        with_critic = weights.rl > 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(seed, Stream.NETWORKS))
            self._networks = SingleStateNetworks(settings.width, with_critic)
        # Every step is terminal, so that the target of TD3's critics is the reward: that is DDPG.
        method = Method("single_state", "", "deterministic", "td3" if with_critic else None, "")
        self._updater = Updater(self._networks, method, hyperparameters)
        self._updater.optimizers["policy"] = Adam(
            self._networks.policy.parameters(), lr=settings.learning_rate, fused=True
        )
        self._replay = Replay.from_offline(
            episodes(offline_actions(generator(seed, Stream.COLLECTION))), hyperparameters=hyperparameters
        )

    def run(self) -> Run:
        rewards, actions = [self._reward()], []
        for _ in range(self._settings.pretrain_epochs):
            self._fit("pretrain")
            rewards.append(self._reward())
        for epoch in range(self._settings.online_epochs):
            actions.append(self._roll_out(epoch))
            self._replay.add(episodes(actions[-1]), bootstrap_at_time_limit=False)
            self._fit("online")
            rewards.append(self._reward())
        return Run(
            rewards=np.array(rewards),
            actions=np.array(actions),
            actor=self._actions(RETURNS_TO_GO),
            critic=None if self._networks.critic is None else self._values(ACTIONS),
        )

    def _fit(self, phase: Phase) -> None:
        for _ in range(self._settings.updates_per_epoch):
            rng = generator(self._seed, Stream.SEGMENTS, self._updates)
            batch = self._replay.sample(rng, self._settings.batch_size)
            self._updater.update(batch, phase, noise=torch.zeros)
            self._updates += 1

    def _roll_out(self, epoch: int) -> Floats:
        width = self._settings.exploration
        noise = generator(self._seed, Stream.ROLLOUT, epoch).uniform(-width, width, self._settings.rollouts)
        return (self._action() + noise).clip(-1, 1)

    def _reward(self) -> float:
        return float(reward(self._action())[0])

    def _action(self) -> Floats:
        return self._actions(np.array([self._settings.target_return]))

    def _actions(self, returns_to_go: Floats) -> Floats:
        actions: Floats = self._networks.actions(torch.from_numpy(returns_to_go).float()).double().numpy()
        return actions

    def _values(self, actions: Floats) -> Floats:
        values: Floats = self._networks.values(torch.from_numpy(actions).float()).double().numpy()
        return values


def _hyperparameters(weights: Weights, settings: Settings) -> Hyperparameters:
    return Hyperparameters(
        context_length=1,
        eval_context_length=1,
        return_scale=1.0,
        supervised_coefficient=weights.supervised,
        rl_coefficient=weights.rl,
        pretrain_supervised_coefficient="online",
        pretrain_rl_coefficient="online",
        learning_rate=settings.learning_rate,
        warmup_updates=0,
        gradient_clip=1.0,
        critic_learning_rate=settings.learning_rate,
        critic_weight_decay=0.0,
        target_policy_noise=0.0,
        actor_update_interval=1,
        batch_size=settings.batch_size,
        replay_capacity=128 + settings.online_epochs * settings.rollouts,
        drop_worst_trajectory=False,
    )
