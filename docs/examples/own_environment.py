"""An environment of your own, from data to an agent that acts in it: ``python docs/examples/own_environment.py``.

`Reach` is the environment; put yours in its place. Any Gymnasium environment will do whose observations and actions are
one-dimensional boxes and which has a time limit.
"""

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

import vitamin
from vitamin.platform.datasets import collect_dataset


class Reach(gymnasium.Env[NDArray[np.float64], NDArray[np.float32]]):
    """A point in the plane that is to come to the origin: the reward is minus its distance, in units of length."""

    observation_space = Box(-2.0, 2.0, (2,), np.float64)
    action_space = Box(-0.2, 0.2, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Starts anywhere in the unit square."""
        super().reset(seed=seed)
        self.position = self.np_random.uniform(-1, 1, 2)
        return self.position, {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Moves the point by the action; the time limit alone ends an episode."""
        self.position = np.clip(self.position + action, -2.0, 2.0)
        distance = float(np.linalg.norm(self.position))
        return self.position, -distance, False, False, {"success": distance < 0.1}


# "own_environment:Reach-v0": every process that makes the environment imports this module first.
TASK = "own_environment:Reach-v0"
if "Reach-v0" not in gymnasium.registry:
    gymnasium.register("Reach-v0", entry_point=Reach, max_episode_steps=20)


SETTINGS = {
    "preset": "small",
    "hidden_size": 64,
    "num_layers": 2,
    "pretrain_updates": 200,
    "updates_per_iteration": 100,
    "online_steps": 5000,
    "rl_coefficient": 1.0,  # the weight of the RL gradient; the paper's 0.1 is for larger returns
}


def main(folder: Path, **settings: Any) -> float:
    """Collects data, trains, evaluates and acts, all below ``folder``; the return of an episode."""
    data = collect_dataset(vitamin.get_task(TASK), steps=4000, out=folder / "random.hdf5", force=True)

    # With reference scores a report has normalized scores: 0 for random actions, 100 for what is good.
    run = vitamin.train(
        TASK,
        data=data,
        reference_scores=(-17.6, -3.0),
        out=folder / "run",
        resume=True,  # or begin, if there is none
        num_env_runners=0,
        **SETTINGS | settings,
    )
    print(vitamin.load_results(run).evaluations[["env_steps", "return", "normalized_score"]])
    print(vitamin.evaluate(run, episodes=5).mean())

    agent = vitamin.load_agent(run)
    environment = gymnasium.make(TASK)
    observation, _ = environment.reset(seed=0)
    total, reward, ended = 0.0, None, False
    while not ended:
        action = agent.act(observation, reward)
        observation, reward, terminated, truncated, _ = environment.step(action)
        total, ended = total + float(reward), terminated or truncated
    environment.close()
    return total


if __name__ == "__main__":
    print("Return:", main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/own-environment")))
