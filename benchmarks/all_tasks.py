"""Every task in a row: sizes, speed, a random policy's score, its data, a run: ``python -m benchmarks.all_tasks``.

Prints the table in docs/tasks.md. Half an hour; not part of ``python -m benchmarks``, for it measures
environments and not our speed. The run is one iteration of pretraining and one online of TD3+ODT with the tiny preset,
on data of random actions where the task's own is not here.
"""

import argparse
import json
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.random_returns import DEFAULT_EPISODES, EPISODES, measured_environments, random_returns
from vitamin.errors import DatasetError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset, dataset_label, dataset_path
from vitamin.platform.environments import make_environment
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.train import train
from vitamin.platform.ray_session import ray_session
from vitamin.platform.tasks import Task, task_names

SPEED_STEPS = 2000
STEPS = {"pretrain_updates": 4, "online_steps": 1}
COLUMNS = (
    "task",
    "observation",
    "action",
    "time limit",
    "steps/s",
    "random policy's score",
    "data",
    "run",
)


def steps_per_second(task: Task) -> float:
    """Speed of one environment with random actions, resets included."""
    env = make_environment(task)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    start = time.perf_counter()
    for _ in range(SPEED_STEPS):
        _, _, terminated, truncated, _ = env.step(
            rng.uniform(-1, 1, task.action_size or 0).astype(np.float32)
        )
        if terminated or truncated:
            env.reset()
    seconds = time.perf_counter() - start
    env.close()
    return SPEED_STEPS / seconds


def random_score(task: Task, episodes: int) -> str:
    """Normalized score of random episodes' mean return, or that mean without reference scores."""
    mean = float(random_returns(task, episodes).mean())
    score = task.normalized_score(mean)
    return f"{mean:.1f} (return)" if score is None else f"{score:.1f}"


@cache
def measured(environment: str) -> tuple[str, str]:
    """Speed and a random policy's score, once for all tasks of an environment (or task without D4RL's scores)."""
    blocks = dict(measured_environments())
    task = get_task(next(iter(blocks[environment].tasks)) if environment in blocks else environment)
    episodes = EPISODES.get(environment, DEFAULT_EPISODES)
    return f"{steps_per_second(task):.0f}", random_score(task, episodes)


def environment_of(task: Task) -> str:
    """The name of a task's environment in `measured`."""
    return next((name for name, block in measured_environments() if task.name in block.tasks), task.name)


def data(task: Task, folder: Path) -> tuple[Path, str]:
    """The task's data if it is here, else that of random actions; and what it is."""
    try:
        path = dataset_path(task, None)
        return path, dataset_label(path) or "published"
    except DatasetError:
        limit = task.max_episode_steps or 1000
        path = folder / f"{task.name}.hdf5"
        collect_dataset(task, steps=2 * limit, seed=0, out=path)
        return path, "made" if task.dataset_url is None else "published, not here: made"


def short_run(task: Task, file: Path, folder: Path) -> str:
    """The outcome of a run of an iteration of pretraining and one online."""
    spec = ExperimentSpec.create(
        task=task.name, method="td3_odt", preset="tiny", data=file, num_env_runners=0, overrides=STEPS
    )
    info = train(spec, folder)
    record = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    return f"{info.status}: {record['env_steps']} steps, {record['gradient_updates']} actor updates"


def row(task: Task, folder: Path) -> tuple[str, ...]:
    """A row of the table."""
    file, origin = data(task, folder)
    return (
        task.name,
        str(task.observation_size),
        str(task.action_size),
        str(task.max_episode_steps),
        *measured(environment_of(task)),
        origin,
        short_run(task, file, folder / task.name),
    )


def main() -> None:
    """Measures all tasks, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", help="default: all")
    chosen = parser.parse_args().tasks or task_names()
    print(f"| {' | '.join(COLUMNS)} |")
    print(f"| {' | '.join('---' for _ in COLUMNS)} |")
    with tempfile.TemporaryDirectory() as folder, ray_session(cpus=2):
        for name in chosen:
            print(f"| {' | '.join(row(get_task(name), Path(folder)))} |", flush=True)


if __name__ == "__main__":
    main()
