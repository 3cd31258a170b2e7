"""The random draws of an update, of which each of several learners takes its share."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.data.valued_replay import ValuedReplay
from vitamin.algorithms.gradients import Noise
from vitamin.algorithms.lockstep import Lockstep
from vitamin.algorithms.randomness import Stream, generator, torch_seed


@dataclass(frozen=True)
class Draws:
    """The random draws of one update.

    Attributes:
        seed: The run's.
        update: Number of the update in the run.
        device: Where batches and noise are made.
        lockstep: The learner's place among all.
    """

    seed: int
    update: int
    device: torch.device
    lockstep: Lockstep

    def generator(self, stream: Stream, *counters: int) -> np.random.Generator:
        """The generator of a key that names its counters itself."""
        return generator(self.seed, stream, *counters)

    def segments(self, source: Replay | ValuedReplay, stream: Stream, size: int) -> SegmentBatch:
        """This learner's rows of a global batch of ``size`` segments."""
        starts = source.draw(generator(self.seed, stream, self.update), size)
        if self.lockstep.learners == 1:
            return source.gather(starts)
        real_count = source.real_positions(starts) / self.lockstep.learners
        return source.gather(starts[self.lockstep.share(size)], real_count=real_count)

    def noise(self) -> Noise:
        """Standard normals; each learner takes its rows of those of the global batch."""
        source = torch.Generator(self.device).manual_seed(
            torch_seed(self.seed, Stream.TARGET_NOISE, self.update)
        )
        learners, rank = self.lockstep.learners, self.lockstep.rank

        def draw(shape: torch.Size) -> Tensor:
            rows = shape[0]
            whole = torch.randn((rows * learners, *shape[1:]), generator=source, device=self.device)
            return whole[rows * rank : rows * (rank + 1)]

        return draw

    def seed_dropout(self) -> None:
        """Seeds what dropout draws from: a microsecond, where ``torch.manual_seed`` takes half a millisecond."""
        if self.device.type == "cpu":
            source = torch.default_generator
        else:
            source = torch.cuda.default_generators[self.device.index or 0]
        source.manual_seed(torch_seed(self.seed, Stream.DROPOUT, self.update, self.lockstep.rank))
