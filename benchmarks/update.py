"""Milliseconds for a critic and an actor step of TD3+ODT: ``python -m benchmarks.update [--size paper|small]``."""

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.flops import count_flops
from benchmarks.machine import print_header, print_table, share_of_peak, timed
from benchmarks.plain_reference import PlainTD3
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.gradients import Noise
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.memory import keep_freed_memory
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.update import Updater
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import load_dataset

THREADS = 2
OBSERVATION_SIZE, ACTION_SIZE = 11, 3
STEPS = 50_000

SMALL = {"hidden_size": 128, "num_layers": 3, "batch_size": 64, "eval_context_length": 5}
# case -> (settings, timed steps)
SIZES = {
    "paper": {"512 x 4, K 20, B 256": (Hyperparameters(), 2)},
    "small": {
        "128 x 3, K 5, B 64": (Hyperparameters(context_length=5, **SMALL), 30),
        "128 x 3, K 20, B 64": (Hyperparameters(context_length=20, **SMALL), 15),
    },
}


def synthetic(lengths: np.ndarray[tuple[int], np.dtype[np.int64]], rng: np.random.Generator) -> Trajectories:
    """Random data of Hopper's sizes in episodes of these lengths."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    N = int(offsets[-1])
    return Trajectories(
        observations=rng.standard_normal((N, OBSERVATION_SIZE), np.float32),
        actions=rng.uniform(-1, 1, (N, ACTION_SIZE)).astype(np.float32),
        rewards=rng.standard_normal(N, np.float32),
        next_observations=rng.standard_normal((N, OBSERVATION_SIZE), np.float32),
        terminals=np.isin(np.arange(N), offsets[1:] - 1),
        offsets=offsets,
    )


def datasets(file: Path | None) -> dict[str, Trajectories]:
    """Data with hardly any padding, data like hopper-random's (22 steps an episode), and what ``file`` holds."""
    rng = np.random.default_rng(0)
    found = {
        "long episodes": synthetic(np.full(STEPS // 1000, 1000), rng),
        "short episodes": synthetic(8 + rng.geometric(1 / 14, STEPS // 22), rng),
    }
    if file is not None:
        found[file.name] = load_dataset(file, get_task("hopper-random-v2"))
    return found


def sample(data: Trajectories, settings: Hyperparameters, device: str) -> SegmentBatch:
    """A batch from a replay that holds all of ``data`` on the device."""
    settings = settings.model_copy(update={"replay_capacity": len(data), "drop_worst_trajectory": False})
    replay = Replay.from_offline(data, hyperparameters=settings, device=device)
    return replay.sample(np.random.default_rng(0), settings.batch_size)


def measure(name: str, settings: Hyperparameters, batch: SegmentBatch, repeats: int) -> tuple[str, ...]:
    """A row of the table."""
    torch.manual_seed(0)
    device = batch.actions.device
    networks = build_networks(OBSERVATION_SIZE, ACTION_SIZE, METHODS["td3_odt"], settings).to(device).train()
    plain = PlainTD3(networks, OBSERVATION_SIZE, ACTION_SIZE, settings)
    updater = Updater(networks, METHODS["td3_odt"], settings)
    noise = torch.randn(batch.actions.shape, device=device)

    def draw(shape: torch.Size) -> torch.Tensor:
        return torch.randn(shape, device=device)

    critic = timed(lambda: updater.critic_step(batch, draw), repeats)
    actor = timed(lambda: _actor_step(updater, batch, draw), repeats)
    plainly = timed(lambda: plain.update(batch, noise), max(repeats // 2, 1))
    flops = count_flops(lambda: (updater.critic_step(batch, draw), _actor_step(updater, batch, draw)))
    return (
        name,
        f"{100 * batch.real_count / batch.mask.numel():.0f} %",
        f"{1e3 * critic:.1f}",
        f"{1e3 * actor:.1f}",
        f"{1e3 * (critic + actor):.1f}",
        f"{1e3 * plainly:.1f}",
        f"{plainly / (critic + actor):.1f}",
        share_of_peak(flops, critic + actor, THREADS, str(device)),
    )


def _actor_step(updater: Updater, batch: SegmentBatch, noise: Noise) -> None:
    updater.actor_step(batch, "online", noise)
    updater.networks.update_targets(updater.hyperparameters.tau)


def main() -> None:
    """Measures the sizes that are asked for, on each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[*SIZES, "all"], default="all")
    parser.add_argument("--data", type=Path, help="a D4RL file of Hopper's, as one more kind of data")
    parser.add_argument("--device", default="cpu", help="torch device of networks and batches, such as cuda")
    parser.add_argument(
        "--return-memory",
        action="store_true",
        help="give freed memory back to the system, as learners do not",
    )
    arguments = parser.parse_args()
    if not arguments.return_memory:
        keep_freed_memory()
    torch.set_num_threads(THREADS)
    print_header("A critic and an actor step of TD3+ODT, dropout 0.1", [THREADS], arguments.device)
    rows = [
        measure(f"{case}, {kind}", settings, sample(data, settings, arguments.device), repeats)
        for size, cases in SIZES.items()
        if arguments.size in (size, "all")
        for case, (settings, repeats) in cases.items()
        for kind, data in datasets(arguments.data).items()
    ]
    columns = (
        "case",
        "real",
        "critic ms",
        "actor ms",
        "both ms",
        "plain ms",
        "times faster",
        "of matmul peak",
    )
    print_table(columns, rows)


if __name__ == "__main__":
    main()
