"""From a replay's state, as checkpoints hold it, back to what the env runners returned."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import denormalize, restore_rewards
from vitamin.algorithms.data.replay import ONLINE, PER_STEP, STATE_PREFIX
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters


def online_trajectories(
    state: dict[str, NDArray[Any]],
    observation_mean: NDArray[np.floating[Any]],
    observation_std: NDArray[np.floating[Any]],
    hyperparameters: Hyperparameters,
) -> Trajectories:
    """The online trajectories of a `Replay.state`, oldest first, as the env runners returned them.

    Actions are those values. Observations and rewards went through float32: an observation is within a few
    units in the last place of its distance from the mean, a reward of the larger of itself and its shift.
    Terminals are as `add` stored them.
    """
    origins, lengths = state["origins"], state["lengths"]
    order = np.roll(np.arange(len(origins)), -int(state["oldest"][0]))
    online = np.flatnonzero(origins == ONLINE)
    columns = {name: state[f"{STATE_PREFIX}{name}"] for name in PER_STEP}
    mean, std = observation_mean, observation_std
    stored = Trajectories(
        observations=denormalize(columns["states"], mean, std),
        actions=columns["actions"],
        rewards=restore_rewards(
            columns["rewards"], hyperparameters.reward_shift, hyperparameters.reward_divisor
        ),
        next_observations=denormalize(columns["next_states"], mean, std),
        terminals=columns["terminals"] != 0,
        offsets=np.concatenate([[0], np.cumsum(lengths[online])]).astype(np.int64),
    )
    return stored.select(np.searchsorted(online, order[origins[order] == ONLINE]))
