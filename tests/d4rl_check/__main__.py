"""Compares our episodes, transitions and scores with the d4rl package's, which has an environment of its own.

Usage: python -m tests.d4rl_check D4RL_PYTHON [FILE...]; `make check-d4rl` makes the environment.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.d4rl_check.files import make_files
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import load_dataset
from vitamin.platform.datasets.hdf5 import RawDataset, read_raw
from vitamin.platform.tasks import Task, task_names

Arrays = Mapping[str, NDArray[Any]]


def main() -> None:
    """Prints a line for each comparison; exits with 1 if any fails."""
    python, *given = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [Path(path) for path in given] or make_files(folder)
        script = Path(__file__).with_name("with_d4rl.py")
        subprocess.run([python, script, folder, *files], check=True, stderr=subprocess.DEVNULL)
        problems = _scores(json.loads((folder / "facts.json").read_text()))
        for number, file in enumerate(files):
            problems += _file(file, np.load(folder / f"{number}.npz"))
    sys.exit(1 if problems else 0)


def _file(path: Path, theirs: Arrays) -> int:
    raw = read_raw(path)
    ours = load_dataset(path, _task(raw))
    episodes = _episodes(ours, theirs)
    transitions = _transitions(ours, raw, theirs)
    print(
        f"{path.name}: {len(ours)} episodes, {ours.num_steps} steps: {_verdict(episodes)} as sequence_dataset;"
        f" {len(theirs['qlearning/rewards'])} transitions: {_verdict(transitions)} as qlearning_dataset"
    )
    return len(episodes) + len(transitions)


def _task(raw: RawDataset) -> Task:
    """A task of any environment: actions in [-1, 1], 1000 steps."""
    A = raw.actions.shape[1]
    return Task("any", "any", "any", max_episode_steps=1000, action_low=(-1.0,) * A, action_high=(1.0,) * A)


def _episodes(ours: Trajectories, theirs: Arrays) -> list[str]:
    expected = {"lengths": ours.lengths} | {
        f"sequence/{name}": getattr(ours, name)
        for name in ("observations", "actions", "rewards", "terminals")
    }
    return [name for name, array in expected.items() if not _equal(array, theirs[name], name)]


def _transitions(ours: Trajectories, raw: RawDataset, theirs: Arrays) -> list[str]:
    """Compares what d4rl keeps of finished episodes.

    It drops each step with a timeout and the last step of the file, and keeps those of an unfinished last episode.
    Its next observation after a terminal is the next episode's first: where ours may differ, nothing depends on it.
    """
    steps = np.arange(ours.num_steps)
    kept = steps < len(raw.rewards) - 1
    if raw.timeouts is not None:
        kept &= raw.timeouts.reshape(-1)[: ours.num_steps] == 0
    count = int(kept.sum())
    unfinished = max(len(raw.rewards) - 1 - ours.num_steps, 0)
    different = [
        name
        for name in ("observations", "actions", "rewards", "terminals")
        if not _equal(getattr(ours, name)[kept], theirs[f"qlearning/{name}"][:count], name)
    ]
    if len(theirs["qlearning/rewards"]) != count + unfinished:
        different.append("number")
    going_on = ~ours.terminals[kept]
    following = theirs["qlearning/next_observations"][:count]
    if not _equal(ours.next_observations[kept][going_on], following[going_on], "next_observations"):
        different.append("next_observations")
    return different


def _equal(ours: NDArray[Any], theirs: NDArray[Any], name: str) -> bool:
    """Equal as float32; actions within bounds, as ours are."""
    if ours.shape != theirs.shape:
        return False
    if name.endswith("actions"):
        theirs = theirs.clip(-1, 1)
    return bool(np.array_equal(ours, theirs.astype(ours.dtype)))


def _scores(facts: Mapping[str, Any]) -> int:
    different = []
    tasks = [task for task in map(get_task, task_names()) if task.reference_source.startswith("D4RL")]
    for task in tasks:
        scores = [task.normalized_score(value) for value in facts["returns"]]
        expected = facts["scores"].get(task.name)
        if expected is None or not np.allclose(np.array(scores, float), expected, rtol=1e-12, atol=0):
            different.append(task.name)
        if task.dataset_url is not None and task.dataset_url != facts["urls"].get(task.name):
            different.append(f"{task.name}'s URL")
    print(
        f"{len(tasks)} tasks: scores and URLs {_verdict(different)} as get_normalized_score and DATASET_URLS"
    )
    return len(different)


def _verdict(different: list[str]) -> str:
    return f"DIFFERENT ({', '.join(different)})" if different else "the same"


if __name__ == "__main__":
    main()
