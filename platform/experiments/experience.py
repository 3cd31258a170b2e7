"""The online experience of a run, out of a checkpoint's replay and in D4RL's layout."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.replay_state import online_trajectories
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.rllib.checkpoint import read_replay, read_state
from vitamin.algorithms.setting_types import RewardDelay
from vitamin.analysis.labels import method_label
from vitamin.errors import RunError
from vitamin.platform.datasets.export import Exportable
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.datasets.provenance import PAID_AT_ONCE, REWARDS_ATTRIBUTE, STAND_IN_ATTRIBUTE
from vitamin.platform.environments import action_bounds, describe_environment
from vitamin.platform.environments.unit_box import to_environment_units
from vitamin.platform.experiments.evaluate import Agent, load_agent

_ROUNDING = (
    "actions as the environment got them; observations and rewards were kept as normalized float32 values"
)


def _ignore(_: str) -> None:
    """Nobody listens."""


def run_experience(
    run: Path, *, checkpoint: int | None = None, report: Callable[[str], None] = _ignore
) -> Exportable:
    """The episodes that a run collected online and its replay still holds, oldest first.

    Args:
        run: The run folder.
        checkpoint: Iteration of the checkpoint; by default the newest whole one.
        report: Called with a sentence for each damaged checkpoint that is passed over.

    Raises:
        RunError: As `load_agent`, and if the checkpoint holds no replay, or no online episode.
        TaskError: If the environment's action bounds or time limit are needed and it cannot be made.
    """
    agent = load_agent(run, checkpoint=checkpoint, report=report)
    replay, state = read_replay(agent.checkpoint), read_state(agent.checkpoint)
    try:
        trajectories = online_trajectories(
            replay, agent.observation_mean.numpy(), agent.observation_std.numpy(), agent.hyperparameters
        )
        if len(trajectories) == 0:
            raise RunError(
                f"{agent.checkpoint} holds no online experience: the run was still pretraining. Continue it with "
                "--resume."
            )
        collected = {f"{name}_collected": int(state["progress"][name]) for name in ("episodes", "env_steps")}
    except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{agent.checkpoint} does not hold the replay of this run.") from error
    terminals, timeouts, how = _ends(trajectories, agent)
    low, high = action_bounds(agent.task)
    raw = RawDataset(
        observations=trajectories.observations,
        actions=to_environment_units(trajectories.actions, low, high),
        rewards=trajectories.rewards,
        terminals=terminals,
        timeouts=timeouts,
        next_observations=trajectories.next_observations,
    )
    payment = _payment(agent.hyperparameters.reward_delay)
    attributes = {
        STAND_IN_ATTRIBUTE: True,
        "algorithm": f"online experience of {method_label(agent.spec.method)}{payment and f', rewards {payment}'}",
        "environment": agent.task.env_id,
        "task": agent.task.name,
        "run": run.resolve().name,
        "seed": agent.spec.seed,
        "iteration": agent.iteration,
        "episodes": len(trajectories),
        **collected,
        "rounding": _ROUNDING,
        "terminals": how,
        REWARDS_ATTRIBUTE: payment or PAID_AT_ONCE,
    }
    return Exportable(raw, attributes, agent.task)


def _payment(delay: RewardDelay) -> str:
    """When the replay's rewards are paid; empty if at once."""
    if delay == "episode":
        return "paid at the end of the episode"
    return f"paid every {delay} steps" if delay > 1 else ""


def _ends(trajectories: Trajectories, agent: Agent) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """Terminals (N,), timeouts (N,), and how they were told apart.

    Without bootstrapping at time limits the replay takes every last step for terminal; which ones the time limit
    made is then seen from the episode's length.
    """
    last = trajectories.offsets[1:] - 1
    terminals, timeouts = trajectories.terminals.copy(), np.zeros(trajectories.num_steps, bool)
    if agent.hyperparameters.bootstrap_at_time_limit:
        how = "as the environment gave them"
    else:
        limit = agent.task.max_episode_steps or describe_environment(agent.task).max_episode_steps
        if limit is None:
            how = "unknown: every episode's end counts as terminal, as in the run's replay"
        else:
            terminals[last] = trajectories.lengths < limit
            how = f"an episode of {limit} steps counts as cut off by the time limit, a shorter one as terminated"
    timeouts[last] = ~terminals[last]
    return terminals, timeouts, how
