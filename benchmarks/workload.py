"""A real algorithm on Hopper with data collected on the spot, for benchmarks of more than one part."""

from pathlib import Path
from typing import Any

from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.experiments.build import algorithm_config
from vitamin.platform.experiments.spec import ExperimentSpec

TASK = "hopper-random-v2"
PRESETS = ("small", "paper")

# Figures of different versions are compared, so the small size is fixed, whatever its preset says now.
_SIZES = {"small": {"hidden_size": 128, "num_layers": 3}, "paper": {}}


def collect(folder: Path) -> Path:
    """A file of 20 000 random steps in ``folder``."""
    return collect_dataset(get_task(TASK), steps=20_000, out=folder / "hopper.hdf5")


def build(
    preset: str, data: Path, *, runners: int, learners: int, gpus: float = 0, **overrides: Any
) -> OfflineToOnline:
    """The algorithm of a run, ready to train; ``gpus`` are those of each learner."""
    spec = ExperimentSpec.create(
        task=TASK,
        preset=preset,
        data=data,
        num_env_runners=runners,
        num_learners=learners,
        num_gpus_per_learner=gpus,
        overrides=_SIZES[preset] | overrides,
    )
    return algorithm_config(spec, data).build_algo()
