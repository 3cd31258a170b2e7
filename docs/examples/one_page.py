"""Pretraining, then rollouts, updates and evaluations in turns, in one process: any method of the table."""

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vitamin.algorithms.assembly import build_module
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS, Method
from vitamin.algorithms.rollouts.pool import EnvironmentPool
from vitamin.algorithms.rollouts.units import collect
from vitamin.algorithms.training.evaluation import Evaluation, evaluation_units
from vitamin.algorithms.training.learner import Learner
from vitamin.algorithms.training.schedule import Progress, Schedule
from vitamin.algorithms.training.worker import RolloutWorker
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset, load_dataset
from vitamin.platform.environments import make_environment
from vitamin.platform.tasks import Task, resolve_hyperparameters


def train(
    task: Task, method: Method, settings: Hyperparameters, data: Trajectories, seed: int
) -> Iterator[tuple[Learner, Evaluation]]:
    """The learner and its evaluation, whenever one is due."""
    networks = partial(build_module, task.observation_size, task.action_size, method, settings, seed)
    learner = Learner(networks(), method, settings, seed=seed)
    learner.load_offline_data(data)
    pool = EnvironmentPool(partial(make_environment, task), seed)
    worker = RolloutWorker(pool, networks(), method, settings, seed)
    worker.module.load_policy_weights(learner.policy_weights())
    schedule, progress = Schedule.of(method, settings), Progress()
    while not schedule.finished(progress):
        phase, before = schedule.phase(progress), progress.env_steps
        if phase == "online":
            results = collect(worker, partial(schedule.online_unit, progress), schedule.env_steps(progress))
            learner.add([result.rollout for result in results])
            progress.count_rollouts(results)
        updates = schedule.actor_updates(progress, progress.env_steps - before)
        learner.fit(phase, updates)
        worker.module.load_policy_weights(learner.policy_weights())
        progress.count_updates(updates)
        if schedule.evaluation_due(progress, phase):
            episodes = worker.run(evaluation_units(settings, progress.iteration))
            yield learner, Evaluation.of_units(episodes, phase, progress, settings.eval_target_return)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="td3_odt", choices=METHODS)
    parser.add_argument("--data", type=Path, help="of Pendulum-v1; by default random actions")
    arguments, task = parser.parse_args(), get_task("Pendulum-v1")
    file = arguments.data or collect_dataset(task, steps=2000, out=Path(tempfile.mkdtemp(), "random.hdf5"))
    settings = resolve_hyperparameters(task, arguments.method, "tiny", {})
    for _, evaluation in train(task, METHODS[arguments.method], settings, load_dataset(file, task), seed=0):
        print(f"{evaluation.phase}, {evaluation.env_steps} steps:", evaluation.metrics(None))
