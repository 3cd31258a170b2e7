"""The source of grpo's batches: the replay in pretraining, groups of sub-trajectories online."""

from collections.abc import Sequence

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.draws import Draws
from vitamin.algorithms.gradients import Metrics
from vitamin.algorithms.grpo.groups import GroupBuffer, Groups, batch_of_passes
from vitamin.algorithms.grpo.rollout import GroupRollout
from vitamin.algorithms.grpo.update import GroupUpdater
from vitamin.algorithms.methods import Phase
from vitamin.algorithms.randomness import Stream
from vitamin.algorithms.rollouts.units import Rollout
from vitamin.algorithms.sources import ReplaySource
from vitamin.algorithms.update import Updater


class GroupSource(ReplaySource):
    """Online the groups of the iteration, which are not kept for later ones; before, batches of the replay.

    Attributes:
        updater: Makes the updates of pretraining, and owns networks and optimizers.
    """

    def __init__(self, updater: Updater) -> None:
        super().__init__(updater)
        self._groups: GroupUpdater | None = None
        self._since = 0

    def begin_iteration(self, rollouts: Sequence[Rollout], replay: Replay, updates: int) -> dict[str, float]:
        """As of `ReplaySource`; takes up the groups."""
        metrics = super().begin_iteration(rollouts, replay, updates)
        groups = Groups.concatenate([GroupRollout.of(rollout).groups for rollout in rollouts])
        device = next(self.updater.networks.parameters()).device
        buffer = GroupBuffer(groups, self.updater.hyperparameters.eval_context_length, device)
        self._groups, self._since = GroupUpdater(self.updater, buffer), updates
        return metrics | self._groups.metrics()

    def update(self, replay: Replay, phase: Phase, draws: Draws) -> Metrics:
        """Makes an update: online on sub-trajectories, of which each pass has another order; else on segments."""
        if phase == "pretrain" or self._groups is None:
            return super().update(replay, phase, draws)
        size = self.updater.hyperparameters.group_batch_size
        since = self._since
        chosen = batch_of_passes(
            draws.update - since,
            size,
            len(self._groups),
            lambda number: draws.generator(Stream.GROUP_ORDER, since, number),
        )
        return self._groups.update(chosen[draws.lockstep.share(size)], draws.noise())
