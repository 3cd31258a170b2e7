"""TD(lambda) targets, and segments that carry them."""

import numpy as np
import pytest
import torch

from tests.algorithms.batches import S, settings
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.data.valued_replay import ValuedReplay, td_lambda_targets
from vitamin.algorithms.models.critics import ValueFunction

LENGTHS = (5, 1, 9, 3)


def trajectories() -> Trajectories:
    """Random ones, of which the second and the last end with a true termination."""
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(LENGTHS)])
    N = int(offsets[-1])
    terminals = np.zeros(N, np.bool_)
    terminals[offsets[[2, 4]] - 1] = True
    return Trajectories(
        observations=rng.standard_normal((N, S)).astype(np.float32),
        actions=rng.uniform(-1, 1, (N, 2)).astype(np.float32),
        rewards=rng.standard_normal(N).astype(np.float32),
        next_observations=rng.standard_normal((N, S)).astype(np.float32),
        terminals=terminals,
        offsets=offsets,
    )


def by_definition(
    rewards: list[float], values: list[float], discount: float, td_lambda: float
) -> list[float]:
    """The mixture of n-step returns; ``values`` has one more for the state after the trajectory."""
    T = len(rewards)
    targets = []
    for t in range(T):
        returns = [
            sum(discount**k * rewards[t + k] for k in range(n)) + discount**n * values[t + n]
            for n in range(1, T - t + 1)
        ]
        weights = [(1 - td_lambda) * td_lambda ** (n - 1) for n in range(1, T - t)] + [
            td_lambda ** (T - t - 1)
        ]
        targets.append(sum(w * r for w, r in zip(weights, returns, strict=True)))
    return targets


@pytest.mark.parametrize("td_lambda", [0.0, 0.7, 1.0])
def test_targets_are_mixtures_of_n_step_returns(td_lambda: float) -> None:
    torch.manual_seed(0)
    N = sum(LENGTHS)
    rewards, values = torch.randn(2, N, dtype=torch.float64)
    last = torch.randn(len(LENGTHS), dtype=torch.float64)
    terminals = torch.zeros(N, dtype=torch.float64)
    ends = np.cumsum(LENGTHS)
    terminals[ends[1] - 1] = 1
    targets = td_lambda_targets(
        rewards, values, last, terminals, torch.tensor(LENGTHS), discount=0.9, td_lambda=td_lambda
    )
    last[1] = 0
    expected = []
    for end, length, after in zip(ends, LENGTHS, last, strict=True):
        steps = slice(end - length, end)
        expected += by_definition(
            rewards[steps].tolist(), [*values[steps].tolist(), after.item()], 0.9, td_lambda
        )
    torch.testing.assert_close(targets, torch.tensor(expected, dtype=torch.float64))


def buffer() -> ValuedReplay:
    torch.manual_seed(0)
    data = trajectories()
    chosen = settings(context_length=4, eval_context_length=4, drop_worst_trajectory=False, replay_capacity=5)
    replay = Replay.from_offline(data, hyperparameters=chosen)
    for index in range(3):  # beyond the capacity: slots are overwritten, rows and slots are in another order
        replay.add(data.select([index]), bootstrap_at_time_limit=True)
    return ValuedReplay(replay, ValueFunction(S, 16, layer_norm=False), chosen)


def test_segments_carry_the_estimates_of_their_own_steps() -> None:
    made = buffer()
    starts = np.arange(made.replay.num_steps)
    whole = made.gather(starts)
    states = made.replay.steps("states")["states"]
    for row in (0, 3, len(starts) - 1):
        real = whole.mask[row]
        length = int(real.sum())
        torch.testing.assert_close(whole.states[row][real], states[row : row + length])
        torch.testing.assert_close(whole.values[row][real], made.values[row : row + length])
        torch.testing.assert_close(whole.value_targets[row][real], made.value_targets[row : row + length])
    assert not whole.mask.all()
    assert (whole.values[~whole.mask] == 0).all()
    assert (whole.value_targets[~whole.mask] == 0).all()
    assert (whole.advantages[whole.mask] != 0).any()


def test_a_terminal_step_s_target_is_its_reward() -> None:
    made = buffer()
    steps = made.replay.steps("rewards", "terminals")
    ended = steps["terminals"] == 1
    assert ended.any()
    torch.testing.assert_close(made.value_targets[ended], steps["rewards"][ended])


def test_an_empty_sibling_stores_what_the_replay_would() -> None:
    data = trajectories()
    replay = buffer().replay
    sibling = replay.empty_like(6)
    assert sibling.num_steps == 0
    sibling.add(data.select([0]), bootstrap_at_time_limit=True)
    stored = sibling.steps("states", "rewards")
    expected = (data.observations[:5] - replay.observation_mean) / replay.observation_std
    torch.testing.assert_close(stored["states"], torch.from_numpy(expected.astype(np.float32)))
    torch.testing.assert_close(stored["rewards"], torch.from_numpy(data.rewards[:5]))
    assert replay.num_steps != sibling.num_steps
    for _ in range(6):  # more than the replay itself holds
        sibling.add(data.select([1]), bootstrap_at_time_limit=True)
    assert sibling.lengths.tolist() == [1] * 6
