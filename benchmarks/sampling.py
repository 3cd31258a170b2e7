"""Milliseconds for a batch of segments: ``python -m benchmarks.sampling``."""

import numpy as np
import torch

from benchmarks.machine import print_header, print_table, timed
from benchmarks.plain_sampling import PlainReplay
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters

# (case, batch size, K): the paper's size, and a small one
SIZES = (("paper", 256, 20), ("small", 64, 5))
EPISODE_LENGTHS = (1000, 22)
STEPS = 100_000
OBSERVATION_SIZE, ACTION_SIZE = 11, 3
THREADS = 1
REPEATS = 200


def hopper_like(length: int, rng: np.random.Generator) -> Trajectories:
    """Random data of Hopper's sizes, in trajectories of equal length."""
    count = STEPS // length
    N = count * length
    terminals = np.zeros(N, np.bool_)
    terminals[length - 1 :: length] = True
    return Trajectories(
        observations=rng.standard_normal((N, OBSERVATION_SIZE), np.float32),
        actions=rng.uniform(-1, 1, (N, ACTION_SIZE)).astype(np.float32),
        rewards=rng.standard_normal(N, np.float32),
        next_observations=rng.standard_normal((N, OBSERVATION_SIZE), np.float32),
        terminals=terminals,
        offsets=np.arange(0, N + 1, length),
    )


def measure(name: str, batch_size: int, K: int, length: int, device: str) -> tuple[str, ...]:
    """A row of the table."""
    rng = np.random.default_rng(0)
    data = hopper_like(length, rng)
    settings = Hyperparameters(
        context_length=K,
        eval_context_length=1,
        batch_size=batch_size,
        replay_capacity=len(data),
        drop_worst_trajectory=False,
    )
    replay = Replay.from_offline(data, hyperparameters=settings, device=device)
    plain = PlainReplay(data, settings)
    ours_ms = 1e3 * timed(lambda: replay.sample(rng, batch_size), REPEATS, warmup=10)
    plain_ms = 1e3 * timed(lambda: plain.sample(rng, batch_size), REPEATS // 10)
    return (
        f"{name}: B {batch_size}, K {K}, episodes of {length}, {device}",
        f"{ours_ms:.3f}",
        f"{plain_ms:.1f}",
        f"{plain_ms / ours_ms:.0f}",
        f"{replay.nbytes / 2**20:.1f}",
    )


def main() -> None:
    """Measures both sizes on long and on short episodes, on each device that is there."""
    torch.set_num_threads(THREADS)
    print_header("Segment sampling", [THREADS])
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    rows = [
        measure(*size, length, device) for device in devices for size in SIZES for length in EPISODE_LENGTHS
    ]
    print_table(("case", "ms", "plain loop ms", "times faster", "replay MiB"), rows)
    print("There are no matrix products here, so no share of their peak.")


if __name__ == "__main__":
    main()
