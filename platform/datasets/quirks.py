"""Unusual facts about a dataset, in words for people."""

import numpy as np

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.datasets.wording import count
from vitamin.platform.tasks.task import EpisodeEnds, Task


def find_quirks(
    raw: RawDataset, trajectories: Trajectories, clipped_actions: int, breaks: int, task: Task | None
) -> tuple[str, ...]:
    """A sentence for each departure of the file from the plain layout, and what the loader made of it.

    ``breaks``: steps inside an episode whose next observation is not the following row.
    """
    found = [
        *_storage(raw, task),
        *_ends(raw, trajectories, breaks, task.episode_ends if task else "flags"),
        *_limits(trajectories, task.max_episode_steps if task else None),
    ]
    if clipped_actions:
        found.append(f"{count(clipped_actions, 'action value')} beyond the bounds, clipped")
    return tuple(found)


def _storage(raw: RawDataset, task: Task | None) -> list[str]:
    found = []
    wide = [name for name in ("actions", "rewards") if getattr(raw, name).dtype == np.float64]
    if wide:
        found.append(f"float64 {', '.join(wide)}, converted to float32")
    if raw.rewards.ndim == 2:
        found.append("rewards are a column (N, 1)")
    if raw.timeouts is None:
        limit = (
            f"also cut at {task.max_episode_steps} steps"
            if task and task.max_episode_steps
            else "cut at terminals only"
        )
        found.append(f"no timeouts: episodes {limit}")
    return found


def _ends(raw: RawDataset, trajectories: Trajectories, breaks: int, ends: EpisodeEnds) -> list[str]:
    found = []
    dropped = len(raw.observations) - trajectories.num_steps
    if ends == "flags":
        if raw.next_observations is None:
            found.append("no next_observations: taken from the following row, across episode ends too")
        if dropped:
            found.append(f"unfinished last episode of {count(dropped, 'step')}, dropped")
    elif dropped:
        found.append(f"{count(dropped, 'step')} without next observation, left out")
    if ends == "jumps" and raw.timeouts is not None:
        found.append("timeouts not believed: episodes end at terminals and where the observations jump")
    if raw.timeouts is not None:
        both = np.count_nonzero((raw.terminals.reshape(-1) != 0) & (raw.timeouts.reshape(-1) != 0))
        if both:
            found.append(f"{count(both, 'step')} both terminal and timeout, taken as terminal")
    if breaks:
        found.append(
            f"{count(breaks, 'step')} inside an episode whose next observation is not the following row"
        )
    return found


def _limits(trajectories: Trajectories, limit: int | None) -> list[str]:
    if limit is None:
        return []
    cut_off = ~trajectories.terminals[trajectories.offsets[1:] - 1]
    short = np.count_nonzero(cut_off & (trajectories.lengths < limit))
    long = np.count_nonzero(trajectories.lengths > limit)
    found = []
    if short:
        found.append(f"{count(short, 'episode')} cut off before the limit of {limit} steps")
    if long:
        found.append(f"{count(long, 'episode')} longer than the limit of {limit} steps")
    return found
