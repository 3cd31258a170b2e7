"""Milliseconds to write a checkpoint: ``python -m benchmarks.checkpoint``."""

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import print_table, timed
from benchmarks.workload import PRESETS, build, collect
from vitamin.platform.experiments.checkpoints import save_checkpoint
from vitamin.platform.ray_session import ray_session

REPEATS = 3


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def measure(preset: str, data: Path, folder: Path) -> tuple[str, ...]:
    """A row: our checkpoint (digested, synced, renamed) beside ``torch.save`` of the same state with all data."""
    algorithm = build(preset, data, runners=0, learners=0, pretrain_updates=1)
    algorithm.train()
    ours = folder / "ours"
    ours_ms = 1e3 * timed(lambda: save_checkpoint(ours, 1, algorithm.save_to_path), REPEATS)

    def plain(learner: Any) -> None:
        state = {
            "module": learner.networks_module.state_dict(),
            "optimizers": {
                name: optimizer.state_dict() for name, optimizer in learner.updater.optimizers.items()
            },
            "replay": learner.config.dataset_loader(),
        }
        torch.save(state, folder / "plain.pt")

    plain_ms = 1e3 * timed(lambda: algorithm.call_learners(plain), REPEATS)
    algorithm.stop()
    plain_mib = (folder / "plain.pt").stat().st_size / 2**20
    return preset, f"{ours_ms:.0f}", f"{_size(ours):.0f}", f"{plain_ms:.0f}", f"{plain_mib:.0f}"


def main() -> None:
    """Measures the presets ``small`` and ``paper``."""
    print(
        "Checkpoint write, ours beside torch.save without digest, sync and rename, with the offline data in it\n"
    )
    with tempfile.TemporaryDirectory() as name, ray_session(cpus=1):
        folder = Path(name)
        data = collect(folder)
        rows = [measure(preset, data, folder / preset) for preset in PRESETS if not (folder / preset).mkdir()]
    print_table(("preset", "ms", "MiB", "torch.save ms", "torch.save MiB"), rows)


if __name__ == "__main__":
    main()
