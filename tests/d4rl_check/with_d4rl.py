"""The results of the d4rl package for files and scores; runs in its own environment and knows nothing of ours.

Usage: python with_d4rl.py OUT FILE...
"""

import json
import os
import sys
from pathlib import Path

sys.modules["mujoco_py"] = (
    None  # d4rl's environments need MuJoCo 2.1 and fail to import; its reader does not need them
)
os.environ["D4RL_SUPPRESS_IMPORT_ERROR"] = "1"

import d4rl  # noqa: E402
import h5py  # noqa: E402
import numpy as np  # noqa: E402
from d4rl.offline_env import OfflineEnv  # noqa: E402
from gym.spaces import Box  # noqa: E402

KEYS = ("observations", "actions", "rewards", "terminals")
RETURNS = (-1000.0, 0.0, 0.5, 1234.5, 12000.0)


class FileEnv(OfflineEnv):
    """An environment of d4rl that has a file and sizes, and is never stepped."""

    def __init__(self, path: str) -> None:
        super().__init__()
        with h5py.File(path) as file:
            widths = file["observations"].shape[1], file["actions"].shape[1]
        self.observation_space, self.action_space = (Box(-1, 1, (width,)) for width in widths)
        self._max_episode_steps = 1000


def read(path: str) -> dict:
    env = FileEnv(path)
    dataset = env.get_dataset(path)
    steps = len(dataset["rewards"])
    per_step = {key: value for key, value in dataset.items() if np.shape(value)[:1] == (steps,)}
    episodes = list(d4rl.sequence_dataset(env, dict(per_step)))
    transitions = d4rl.qlearning_dataset(env, dict(per_step))
    out = {"lengths": np.array([len(episode["rewards"]) for episode in episodes])}
    for key in KEYS:
        out[f"sequence/{key}"] = np.concatenate([episode[key] for episode in episodes])
    return out | {f"qlearning/{key}": value for key, value in transitions.items()}


def main() -> None:
    out, *paths = sys.argv[1:]
    scores = {
        name: [float(100 * d4rl.get_normalized_score(name, value)) for value in RETURNS]
        for name in d4rl.infos.REF_MIN_SCORE
    }
    facts = {"returns": RETURNS, "scores": scores, "urls": d4rl.infos.DATASET_URLS}
    Path(out, "facts.json").write_text(json.dumps(facts))
    for number, path in enumerate(paths):
        np.savez(Path(out, f"{number}.npz"), **read(path))


if __name__ == "__main__":
    main()
