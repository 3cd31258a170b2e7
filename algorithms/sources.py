"""Sources of batches: those of the replay, and online those that an RL gradient has for itself."""

from collections.abc import Sequence

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.data.valued_replay import ValuedReplay
from vitamin.algorithms.draws import Draws
from vitamin.algorithms.gradients import Metrics
from vitamin.algorithms.methods import Phase
from vitamin.algorithms.randomness import Stream
from vitamin.algorithms.rollouts.units import Rollout
from vitamin.algorithms.update import Updater


class ReplaySource:
    """Batches of the replay, from which all terms of the losses learn.

    Attributes:
        updater: Makes the updates.
    """

    def __init__(self, updater: Updater) -> None:
        self.updater = updater

    def begin_iteration(self, rollouts: Sequence[Rollout], replay: Replay, updates: int) -> dict[str, float]:
        """To be called as an online iteration begins.

        Args:
            rollouts: What the iteration collected.
            replay: All trajectories, those of ``rollouts`` included.
            updates: Updates so far.

        Returns:
            Metrics of the rollouts.
        """
        self.updater.begin_iteration()
        return {}

    def update(self, replay: Replay, phase: Phase, draws: Draws) -> Metrics:
        """Makes an update on a batch, as `Updater.update`."""
        return self.updater.update(self._batch(replay, draws), phase, draws.noise())

    def _batch(self, replay: Replay, draws: Draws) -> SegmentBatch:
        return draws.segments(replay, Stream.SEGMENTS, self.updater.hyperparameters.batch_size)


class ValuedReplaySource(ReplaySource):
    """Beside batches of the replay others with values and TD(lambda) targets, for the RL gradient: also of the replay.

    The value function estimates them as an iteration begins. In pretraining there are none.
    """

    _valued: ValuedReplay | None = None

    def begin_iteration(self, rollouts: Sequence[Rollout], replay: Replay, updates: int) -> dict[str, float]:
        """As of `ReplaySource`; estimates values and targets."""
        metrics = super().begin_iteration(rollouts, replay, updates)
        self._valued = self._estimate(rollouts, replay)
        return metrics

    def update(self, replay: Replay, phase: Phase, draws: Draws) -> Metrics:
        """As of `ReplaySource`, with an RL batch online."""
        size = self.updater.hyperparameters.batch_size
        rl_batch = None if self._valued is None else draws.segments(self._valued, Stream.RL_SEGMENTS, size)
        return self.updater.update(self._batch(replay, draws), phase, draws.noise(), rl_batch)

    def _estimate(self, rollouts: Sequence[Rollout], replay: Replay) -> ValuedReplay:
        updater = self.updater
        return ValuedReplay(replay, updater.networks.v, updater.hyperparameters)


class IterationSource(ValuedReplaySource):
    """As `ValuedReplaySource`, but for the RL gradient of the trajectories of the iteration alone."""

    def _estimate(self, rollouts: Sequence[Rollout], replay: Replay) -> ValuedReplay:
        settings = self.updater.hyperparameters
        new = Trajectories.concatenate([rollout.trajectories for rollout in rollouts])
        own = replay.empty_like(len(new))
        own.add(new, bootstrap_at_time_limit=settings.bootstrap_at_time_limit)
        return ValuedReplay(own, self.updater.networks.v, settings, new.log_probs)
