"""Returns of a uniform random policy beside D4RL's reference scores: ``python -m benchmarks.random_returns``.

Prints the rows of the table in docs/tasks.md. Some ten minutes; not part of ``python -m benchmarks``, for it measures
environments and not speed.
"""

import argparse
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_raw_environment
from vitamin.platform.tasks import Task
from vitamin.platform.tasks.registry_files import suites
from vitamin.platform.tasks.schema import EnvironmentBlock

DEFAULT_EPISODES = 200
# More where episodes are cheap and returns vary much, fewer in the dear mazes where the return is 0.
EPISODES: Mapping[str, int] = {
    "hopper": 2000,
    "walker2d": 2000,
    "pen": 1000,
    "antmaze umaze": 20,
    "antmaze medium": 20,
    "antmaze large": 20,
    "maze2d open": 1000,
    "maze2d umaze": 1000,
    "maze2d medium": 1000,
    "maze2d large": 1000,
}


def measured_environments() -> Iterator[tuple[str, EnvironmentBlock]]:
    """Environments with reference scores of D4RL, and what the table calls them."""
    for suite in suites():
        for block_name, block in suite.environments.items():
            if block.reference is not None and block.reference.source == "D4RL":
                yield (
                    block_name if suite.suite in ("mujoco", "adroit") else f"{suite.suite} {block_name}",
                    block,
                )


def random_returns(task: Task, episodes: int, seed: int = 0) -> NDArray[np.float64]:
    """Returns of ``episodes`` episodes with uniform actions, episode k seeded by ``seed`` + k."""
    env = make_raw_environment(task)
    generator = np.random.default_rng(seed)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        env.reset(seed=seed + episode)
        finished = False
        while not finished:
            action = generator.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
            _, reward, terminated, truncated, _ = env.step(action)
            returns[episode] += float(reward)
            finished = terminated or truncated
    env.close()
    return returns


def main() -> None:
    """Measures the environments of all suites with reference scores of D4RL, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", nargs="*", help='e.g. hopper, "maze2d umaze"; default: all')
    chosen = parser.parse_args().environments
    print("| environment | episodes | mean return | standard error | D4RL's minimum |")
    print("| --- | --- | --- | --- | --- |")
    for name, block in measured_environments():
        if block.reference is None or (chosen and name not in chosen):
            continue
        returns = random_returns(get_task(next(iter(block.tasks))), EPISODES.get(name, DEFAULT_EPISODES))
        error = returns.std(ddof=1) / np.sqrt(len(returns))
        numbers = " | ".join(f"{number:.2f}" for number in (returns.mean(), error, block.reference.min))
        print(f"| {name} | {len(returns)} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
