"""The learner: networks, optimizers and replay, and the updates of an iteration."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from vitamin.algorithms.assembly import build_source, build_updater, replay_class
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.draws import Draws
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.memory import keep_freed_memory
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.models.normalized_networks import NormalizedNetworks, PolicyWeights
from vitamin.algorithms.rollouts.units import Rollout
from vitamin.algorithms.training.learner_state import Tensors, load_state, state_counters, state_tensors
from vitamin.algorithms.training.metric_sums import MetricSums
from vitamin.algorithms.training.reproducible import reproducible
from vitamin.errors import Diverged


class Learner:
    """Trains the networks of one method, alone or as one of N learners in lockstep.

    N learners hold the whole replay each, draw the global batch and take their shares of it. Gradients are averaged
    over the learners before clipping, so that they make the update of one learner with the same global batch, up to
    rounding (dropout masks differ).

    Attributes:
        module: The networks and the statistics of observations.
        updater: Makes the updates.
        replay: The trajectories that are learned from, as soon as `load_offline_data` was called.
        updates: Updates so far, critic steps without actor steps included.
        online: Whether the online phase has begun.

    Args:
        module: The method's networks, on ``device``.
        method: The row of the table of methods.
        hyperparameters: The run's settings.
        seed: The run's.
        device: Where the replay lives and batches are made. On a CPU this process keeps the memory that it frees.
        lockstep: The learner's place among all.
    """

    replay: Replay

    def __init__(
        self,
        module: NormalizedNetworks,
        method: Method,
        hyperparameters: Hyperparameters,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        lockstep: Lockstep = ALONE,
    ) -> None:
        self.module = module
        self.updates = 0
        self.online = False
        self._method = method
        self._settings = hyperparameters
        self._seed = seed
        self._device = torch.device(device)
        self._lockstep = lockstep
        self.updater = build_updater(module.networks, method, hyperparameters, lockstep)
        self._source = build_source(method, self.updater)
        self._sums = MetricSums()
        if self._device.type == "cpu":
            keep_freed_memory()

    def load_offline_data(self, trajectories: Trajectories) -> None:
        """Fills the replay with the offline data, for pretraining, and sets the observation statistics.

        Raises:
            DatasetError: If there is nothing to learn from.
        """
        self.replay = replay_class(self._method).from_offline(
            trajectories, hyperparameters=self._settings, device=self._device
        )
        self.module.observation_mean.copy_(torch.as_tensor(self.replay.observation_mean))
        self.module.observation_std.copy_(torch.as_tensor(self.replay.observation_std))

    def add(self, rollouts: Sequence[Rollout]) -> None:
        """Adds what an online iteration collected; the first of them begin the online phase."""
        self._begin_online()
        at_time_limit = self._settings.bootstrap_at_time_limit
        for rollout in rollouts:
            self.replay.add(rollout.trajectories, bootstrap_at_time_limit=at_time_limit)
        with self._reproducible():
            metrics = self._source.begin_iteration(rollouts, self.replay, self.updates)
        self._sums.set(metrics, self._device)

    def fit(self, phase: Phase, actor_updates: int) -> None:
        """Makes ``actor_updates`` actor updates with their critic updates.

        Metrics are summed up until `take_metrics`.

        Raises:
            Diverged: If a metric or a weight is NaN or infinite.
        """
        if phase == "online":
            self._begin_online()
        self.module.train()
        interval = self._settings.actor_update_interval if self._method.gradient else 1
        with self._reproducible():
            for _ in range(actor_updates * interval):
                draws = Draws(self._seed, self.updates, self._device, self._lockstep)
                draws.seed_dropout()
                self._sums.add(self._source.update(self.replay, phase, draws))
                self.updates += 1
            self._check_finite()
        if phase == "pretrain":
            # Not as the online phase begins: its first rollouts come before, with a guide.
            self.module.networks.copy_reference()

    def take_metrics(self) -> dict[str, float]:
        """Means, over all learners, of the metrics of the updates since the last call, and the replay's size."""
        means = self._sums.means(self._lockstep.average)
        self._sums = MetricSums()
        return means | {
            "replay/trajectories": float(self.replay.num_trajectories),
            "replay/steps": float(self.replay.num_steps),
        }

    def policy_weights(self) -> PolicyWeights:
        """Weights that a worker needs."""
        return self.module.policy_weights()

    def digest(self) -> str:
        """SHA-256 over all parameters and buffers: equal on learners that are in step."""
        state = self.module.state_dict()
        return hashlib.sha256(
            b"".join(state[name].detach().cpu().contiguous().numpy().tobytes() for name in sorted(state))
        ).hexdigest()

    def state(self) -> tuple[Tensors, Tensors, dict[str, Any]]:
        """Everything that a later learner needs besides the offline data.

        Returns:
            Tensors of the module and the optimizers, arrays of the replay, and counters. On a CPU they may share
            memory with the learner: write or copy them before training goes on.
        """
        counters = state_counters(self.updater) | {"updates": self.updates, "online": self.online}
        return state_tensors(self.module, self.updater), self.replay.state(), counters

    def load_state(
        self,
        tensors: Tensors,
        replay: Tensors,
        counters: dict[str, Any],
        offline_data: Callable[[], Trajectories],
    ) -> None:
        """Takes what `state` gave.

        Args:
            tensors: Of the module and the optimizers.
            replay: Arrays of the replay.
            counters: The counters.
            offline_data: Gives the offline trajectories, of which a learner that has been online has lost a part.

        Raises:
            RunError: If the state belongs to networks of other shapes, or to other data.
        """
        load_state(self.module, self.updater, tensors, counters)
        self._source, self._sums = build_source(self._method, self.updater), MetricSums()
        if self.online:
            self.load_offline_data(offline_data())
        self.replay.load_state(replay)
        self.updates, self.online = counters["updates"], counters["online"]

    def _begin_online(self) -> None:
        if not self.online:
            self.updater.begin_phase()
            self.replay.begin_online()
            self.online = True

    def _reproducible(self) -> AbstractContextManager[None]:
        return reproducible(self._device, self._settings.learner_threads)

    def _check_finite(self) -> None:
        if broken := self._sums.not_finite() or self._infinite_weights():
            raise Diverged(
                f"{', '.join(broken)} became NaN or infinite after {self.updater.actor_updates} actor updates. "
                "Try a smaller learning_rate, critic_learning_rate or rl_coefficient, or critic_layer_norm=true."
            )

    def _infinite_weights(self) -> list[str]:
        """Networks with weights that are NaN or infinite; a ReLU can hide that from all metrics."""
        names, weights = zip(*self.module.networks.named_parameters(), strict=True)
        finite = torch.stack([weight.detach().sum() for weight in weights]).isfinite().tolist()
        broken = [name.split(".")[0] for name, good in zip(names, finite, strict=True) if not good]
        return [f"weights of {network}" for network in dict.fromkeys(broken)]
