"""Where the time of an online iteration goes: ``python -m benchmarks.iteration [--paper] [--gpus 1]``."""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.machine import print_header, print_table
from benchmarks.workload import build, collect
from vitamin.platform.ray_session import ray_session

PARTS = ("sample_s", "update_s", "sync_s", "iteration_s")
LAYOUTS = {"all in one process": (0, 0), "2 env runners, 1 learner": (2, 1)}


def measure(preset: str, data: Path, layout: str, updates: int, repeats: int, gpus: float) -> tuple[str, ...]:
    """A row: medians over ``repeats`` online iterations, and what the platform adds to collecting and updating."""
    runners, learners = LAYOUTS[layout]
    algorithm = build(
        preset,
        data,
        runners=runners,
        learners=learners,
        gpus=gpus,
        pretrain_updates=1,
        updates_per_iteration=updates,
        min_env_steps_per_iteration=1000,
        envs_per_unit=10,
        eval_interval=10_000,
    )
    algorithm.train()
    samples: dict[str, list[float]] = {part: [] for part in PARTS}
    steps = []
    for _ in range(1 + repeats):
        before = algorithm.progress.env_steps
        algorithm.train()
        steps.append((algorithm.progress.env_steps - before) / algorithm.record["time/sample_s"])
        for part in PARTS:
            samples[part].append(algorithm.record[f"time/{part}"])
    algorithm.stop()
    median = {part: statistics.median(values[1:]) for part, values in samples.items()}
    rest = statistics.median(
        whole - sample - update - sync
        for sample, update, sync, whole in list(zip(*samples.values(), strict=True))[1:]
    )
    columns = [f"{1e3 * median[part]:.0f}" for part in PARTS]
    return f"{preset}, {layout}", *columns, f"{1e3 * rest:.1f}", f"{statistics.median(steps[1:]):.0f}"


def main() -> None:
    """Measures both layouts of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--paper", action="store_true", help="the paper's size too, with 2 actor updates an iteration"
    )
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of the learner; rollouts stay on CPUs")
    arguments = parser.parse_args()
    cases = [("small", 50, 5)] + ([("paper", 2, 1)] if arguments.paper else [])
    print_header("Online iteration on Hopper: 1 000 steps and the stated updates", [2])
    with tempfile.TemporaryDirectory() as name, ray_session(cpus=4, gpus=arguments.gpus):
        data = collect(Path(name))
        rows = [
            measure(preset, data, layout, *case, arguments.gpus)
            for preset, *case in cases
            for layout in LAYOUTS
        ]
    names = ("case", "collect ms", "update ms", "sync ms", "iteration ms", "rest ms", "env steps/s")
    print_table(names, rows)
    print("small: 50 actor updates an iteration; paper: 2. 'rest' is what the platform adds.")


if __name__ == "__main__":
    main()
