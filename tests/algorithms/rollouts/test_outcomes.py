"""Outcomes of episodes, and parts of it joined."""

import numpy as np

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.rollouts.outcomes import Outcomes
from vitamin.algorithms.rollouts.units import UnitResult


def episodes(rewards: list[list[float]], successes: list[bool] | None) -> Trajectories:
    steps = sum(map(len, rewards))
    return Trajectories(
        observations=np.zeros((steps, 2), np.float32),
        actions=np.zeros((steps, 1), np.float32),
        rewards=np.concatenate(rewards).astype(np.float32),
        terminals=np.zeros(steps, np.bool_),
        next_observations=np.zeros((steps, 2), np.float32),
        offsets=np.cumsum([0, *map(len, rewards)]),
        successes=None if successes is None else np.array(successes),
    )


def test_outcomes_are_in_the_order_of_the_episodes() -> None:
    made = Outcomes.of(episodes([[1, 2], [4]], [True, False]), 0.5)
    assert made == Outcomes((3.0, 4.0), (2, 1), (2.0, 4.0), (True, False))


def test_joined_outcomes_know_successes_if_all_parts_do() -> None:
    one, two = (Outcomes.of(episodes([[reward]], [True]), 1.0) for reward in (1.0, 2.0))
    assert Outcomes.joined([one, two]) == Outcomes((1.0, 2.0), (1, 1), (1.0, 2.0), (True, True))
    silent = Outcomes.of(episodes([[3.0]], None), 1.0)
    assert Outcomes.joined([one, silent]).successes is None
    assert Outcomes.joined([one, silent]).returns == (1.0, 3.0)


def test_a_class_derived_from_it_gets_its_own_fields() -> None:
    result = UnitResult.of(episodes([[1], [2]], None), 1.0, extra_steps=5)
    assert (result.returns, result.num_steps) == ((1.0, 2.0), 7)
