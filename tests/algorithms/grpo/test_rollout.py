"""Groups of sub-trajectories: where they start, what the policy saw in them, and that their batches say the same."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.algorithms.rollouts.test_rollout import (
    MEAN,
    STD,
    A,
    Script,
    Step,
    Walk,
    assert_identical,
    hyperparameters,
    transformer,
)
from vitamin.algorithms.data.delayed_rewards import delay_rewards
from vitamin.algorithms.grpo.groups import GroupBuffer, Groups, batch_of_passes
from vitamin.algorithms.grpo.rollout import GroupRollout, ResetDraw, rollout_groups
from vitamin.algorithms.models.distributions import SquashedGaussian
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollouts.environment import CheckedEnvironment, require_restorable
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.algorithms.setting_types import RewardDelay
from vitamin.errors import TaskError

SIZES = {"group_size": 3, "reset_states": 2, "subtrajectory_length": 5}


class Restorable(Walk):
    """A walk that goes back to earlier states; its noise belongs to the state."""

    def save_state(self) -> dict[str, Any]:
        return copy.deepcopy(vars(self))

    def restore_state(self, state: dict[str, Any]) -> None:
        vars(self).update(copy.deepcopy(state))


def rollout(
    policy: Any,
    lengths: Sequence[int | None] = (20, 30, 9),
    unit: int = 0,
    environment: type[Restorable] = Restorable,
    **overrides: Any,
) -> GroupRollout:
    return rollout_groups(
        [environment(length) for length in lengths],
        policy,
        hyperparameters=hyperparameters(**SIZES | overrides),
        observation_mean=MEAN,
        observation_std=STD,
        episodes=2,
        target_return=5.0,
        rng=generator(3, Stream.ROLLOUT, 0, unit),
        draw_rng=generator(3, Stream.RESET_STATES, 0, unit),
    )


def test_whole_episodes_are_those_of_an_ordinary_unit() -> None:
    policy = transformer("stochastic")
    ordinary = rollout_unit(
        [Walk(20), Walk(30)],
        policy,
        hyperparameters=hyperparameters(),
        observation_mean=MEAN,
        observation_std=STD,
        target_return=5.0,
        explore=True,
        rng=generator(3, Stream.ROLLOUT, 0, 0),
    )
    assert_identical(rollout(policy).trajectories, ordinary)


def test_groups_start_on_the_way_of_the_episodes() -> None:
    unit = rollout(transformer("stochastic"), reset_states=100)  # all states there are
    groups, trajectories = unit.groups, unit.trajectories
    assert groups.group.tolist() == np.repeat(np.arange(50), 3).tolist()
    assert unit.extra_steps == groups.lengths.sum()
    states = (trajectories.observations - MEAN.numpy()) / STD.numpy()
    for n in range(len(groups)):
        t = int(groups.group[n]) - (20 if groups.group[n] >= 20 else 0)
        begin, end = (0, 20) if groups.group[n] < 20 else (20, 50)
        own = slice(groups.offsets[n], groups.offsets[n + 1])
        lead = min(t, 3)  # the context is of four steps
        assert groups.lead[n] == lead
        assert groups.lengths[n] == min(5, end - begin - t)
        window = slice(begin + t - lead, begin + t)
        np.testing.assert_allclose(
            groups.states[own][: lead + 1], states[begin + t - lead : begin + t + 1], rtol=1e-5
        )
        assert np.array_equal(groups.actions[own][:lead], trajectories.actions[window])
        assert groups.timesteps[own].tolist() == list(range(t - lead, t + groups.lengths[n]))


def test_members_differ_by_their_actions_alone() -> None:
    groups = rollout(transformer("stochastic")).groups
    first, second = (slice(groups.offsets[n], groups.offsets[n + 1]) for n in (0, 1))
    lead = int(groups.lead[0])
    assert np.array_equal(groups.states[first][: lead + 1], groups.states[second][: lead + 1])
    assert not np.array_equal(groups.actions[first][lead], groups.actions[second][lead])
    calm = rollout(Script(stochastic=True, level=0.3, log_std=-20.0)).groups
    actions = calm.actions.reshape(-1, A)
    np.testing.assert_allclose(actions, np.tanh(0.3), rtol=1e-5)
    assert calm.returns[0] == pytest.approx(calm.returns[1])  # the same noise of the environment


class Counting(Restorable):
    """Its reward is the number of the step, from 1."""

    def step(self, action: NDArray[np.float32]) -> Step:
        observation, _, *rest = super().step(action)
        return observation, float(self._steps), *rest  # type: ignore[return-value]


@pytest.mark.parametrize("delay", [0, 3, "episode"])
def test_returns_are_what_was_paid_and_returns_to_go_what_was_seen(delay: RewardDelay) -> None:
    policy = Script(stochastic=True)
    overrides = {"reward_shift": -1.0, "reward_divisor": 4.0, "reward_delay": delay, "reset_states": 100}
    groups = rollout(policy, (12, 12, 12), environment=Counting, **overrides).groups
    received = delay_rewards(np.arange(1, 13, dtype=np.float32), np.array([0, 12]), delay)
    to_go = 5.0 - np.concatenate([[0], np.cumsum((received - 1) / 4)])
    for n, group in enumerate(groups.group % 12):
        steps = groups.timesteps[groups.offsets[n] : groups.offsets[n + 1]]
        seen = groups.returns_to_go[groups.offsets[n] : groups.offsets[n + 1]]
        np.testing.assert_allclose(seen, 0.01 * to_go[steps], rtol=1e-5)
        assert groups.returns[n] == pytest.approx((received[group : steps[-1] + 1] - 1).sum() / 4, abs=1e-5)


def test_a_batch_holds_the_contexts_that_the_policy_acted_on() -> None:
    policy = Recorder()
    unit = rollout(policy, reset_states=3)
    buffer = GroupBuffer(unit.groups, context_length=4)
    chosen = np.array([17, 0, 5, 5])
    batch = buffer.gather(chosen)
    assert batch.lengths.tolist() == unit.groups.lengths[chosen].tolist()
    assert batch.owner.bincount().tolist() == batch.lengths.tolist()
    assert batch.mask[:, -1].all()
    for row in range(len(batch.owner)):
        real = batch.mask[row]
        assert not batch.states[row][~real].any()
        key = batch.states[row][real].numpy().tobytes()
        actions, returns_to_go, timesteps = policy.seen[key]
        assert torch.equal(batch.actions[row][real][:-1], actions[:-1])
        assert torch.equal(batch.returns_to_go[row][real], returns_to_go)
        assert torch.equal(batch.timesteps[row][real], timesteps)
    means = batch.mean_over_steps(torch.arange(len(batch.owner), dtype=torch.float32))
    expected = [float(torch.where(batch.owner == b)[0].float().mean()) for b in range(4)]
    torch.testing.assert_close(means, torch.tensor(expected))


class Recorder(Script):
    """Keeps each context under the bytes of its states."""

    def __init__(self) -> None:
        super().__init__(stochastic=True)
        self.seen: dict[bytes, tuple[Tensor, Tensor, Tensor]] = {}

    def act(self, *context: Tensor) -> PolicyOutput:
        for states, *rest in zip(*(tensor.clone() for tensor in context), strict=True):
            self.seen[states.numpy().tobytes()] = tuple(rest)
        return super().act(*context)


def test_a_unit_depends_on_its_key_alone() -> None:
    policy = transformer("stochastic")
    first, again, other = (rollout(policy, (None,) * 3, unit).groups for unit in (1, 1, 2))
    for name, array in vars(first).items():
        assert array.tobytes() == getattr(again, name).tobytes(), name
    assert first.states.tobytes() != other.states.tobytes()


def test_concatenated_groups_are_numbered_through() -> None:
    parts = [rollout(transformer("stochastic"), (None,) * 3, unit).groups for unit in range(2)]
    both = Groups.concatenate(parts)
    assert both.group.tolist() == [*parts[0].group, *(parts[1].group + parts[0].group.max() + 1)]
    n = len(parts[0])
    own, source = (slice(g.offsets[i], g.offsets[i + 1]) for g, i in ((both, n + 1), (parts[1], 1)))
    assert np.array_equal(both.states[own], parts[1].states[source])
    assert both.lengths.tolist() == [*parts[0].lengths, *parts[1].lengths]


def test_batches_go_through_everything_pass_after_pass() -> None:
    batches = [batch_of_passes(n, 4, 6, np.random.default_rng) for n in range(6)]
    passes = np.concatenate(batches).reshape(4, 6)
    assert [sorted(each) for each in passes.tolist()] == [list(range(6))] * 4
    assert passes[0].tolist() != passes[1].tolist()


def uncertain(stds: NDArray[np.float64]) -> PolicyOutput:
    """The stochastic policy's output in states with these deviations."""
    log_std = torch.from_numpy(np.log(stds)).float()[:, None, None].expand(-1, 1, A)
    distribution = SquashedGaussian(torch.zeros_like(log_std), log_std)
    return PolicyOutput(distribution.mean_action, distribution)


def draws(exponent: float, count: int, repeats: int) -> list[list[int]]:
    """Steps that are drawn from one episode of ten; the policy's deviation in step t is (t + 1) / 100."""
    environment = Restorable(100)
    checked = [CheckedEnvironment(environment, 0, 3)]
    checked[0].reset(0)
    found = []
    for repeat in range(repeats):
        draw = ResetDraw(checked, count, exponent, np.random.default_rng(repeat))
        for step in range(10):
            draw.consider(np.array([0]), step, uncertain(np.array([(step + 1) / 100])))
        found.append([state.step for state in draw.drawn()])
    return found


def test_uncertain_states_are_drawn_more_often() -> None:
    def late(exponent: float) -> float:
        return float(np.mean(np.ravel(draws(exponent, 1, 200)) >= 7))

    assert late(0.0) == pytest.approx(0.3, abs=0.1)
    assert late(1.0) == pytest.approx(
        (8**2 + 9**2 + 10**2) / 385, abs=0.1
    )  # tanh hardly changes variances here
    assert draws(1e4, 3, 2) == [[7, 8, 9]] * 2


def test_states_are_drawn_without_replacement_and_saved_as_they_were() -> None:
    assert all(len(set(steps)) == 4 for steps in draws(1.0, 4, 50))
    assert draws(1.0, 20, 1) == [list(range(10))]


def test_an_environment_without_saved_states_is_refused() -> None:
    with pytest.raises(TaskError, match=r"The state of Walk cannot be saved.*save_state\(\)"):
        require_restorable(Walk())
    require_restorable(Restorable(3))
