"""Rollouts: what an episode holds, what the policy is shown, and that a unit depends on its key alone."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.data.delayed_rewards import delay_rewards
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.models.distributions import SquashedGaussian
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollouts.rollout import rollout_unit, untold
from vitamin.algorithms.setting_types import RewardDelay
from vitamin.errors import EnvironmentFailure

S, A = 3, 2
MEAN, STD = torch.tensor([0.1, -0.2, 0.3]), torch.tensor([1.0, 2.0, 0.5])

Step = tuple[Any, Any, bool, bool, dict[str, Any]]


class Walk:
    """A random walk that the action pushes; it terminates, or is cut off, after a number of steps."""

    def __init__(self, length: int | None = None, time_limit: int = 10_000) -> None:
        self.action_space = Box(-1, 1, (A,))
        self._length = length
        self._time_limit = time_limit
        self.seeds: list[int | None] = []

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.seeds.append(seed)
        self._rng = np.random.default_rng(seed)
        self._end = self._length or int(self._rng.integers(3, 12))
        self._steps = 0
        self._state = self._rng.normal(size=S)
        return self._state.astype(np.float32), {}

    def step(self, action: NDArray[np.float32]) -> Step:
        assert action.dtype == np.float32
        assert action.shape == (A,)
        assert np.abs(action).max() < 1
        self._steps += 1
        self._state = self._state + 0.1 * self._rng.normal(size=S) + 0.1 * action.sum()
        reward = float(self._state.sum())
        return (
            self._state.astype(np.float32),
            reward,
            self._steps == self._end,
            self._steps == self._time_limit,
            {},
        )


class Script:
    """A policy that answers with constants and keeps what it was shown."""

    def __init__(self, stochastic: bool = False, level: float = 0.5, log_std: float = -1.0) -> None:
        self._stochastic = stochastic
        self._level, self._log_std = level, log_std
        self.contexts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def act(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor) -> PolicyOutput:
        shown = (states, actions, returns_to_go, timesteps)
        self.contexts.append((states.clone(), actions.clone(), returns_to_go.clone(), timesteps.clone()))
        assert all(len(tensor) == len(states) and tensor.shape[1] == states.shape[1] for tensor in shown)
        level = torch.full((len(states), 1, A), self._level)
        if self._stochastic:
            distribution = SquashedGaussian(level, torch.full_like(level, self._log_std))
            return PolicyOutput(distribution.mean_action, distribution)
        return PolicyOutput(level, None)


class Charted(Walk):
    """The same walk, shown in float64 far from the origin; or in float32 at first, as some environments do."""

    def __init__(self, offset: float, first: type = np.float64) -> None:
        super().__init__(length=7)
        self._offset, self._first = offset, first

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return (self._state + self._offset).astype(self._first), {}

    def step(self, action: NDArray[np.float32]) -> Step:
        _, reward, terminated, truncated, info = super().step(action)
        return self._state + self._offset, reward, terminated, truncated, info


def hyperparameters(**overrides: Any) -> Hyperparameters:
    defaults = {
        "context_length": 6,
        "eval_context_length": 4,
        "hidden_size": 16,
        "num_layers": 2,
        "num_heads": 2,
        "return_scale": 0.01,
    }
    return Hyperparameters(**{**defaults, **overrides})


def transformer(kind: PolicyKind = "deterministic", **overrides: Any) -> DecisionTransformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DecisionTransformer(S, A, hyperparameters(**overrides), kind).eval()


def rollout(
    environments: list[Any],
    policy: Any,
    *,
    explore: bool = True,
    unit: int = 0,
    target: Any = 5.0,
    guide: Any = None,
    guided_steps: int = 0,
    tell: Callable[[str], None] = untold,
    **overrides: Any,
) -> Trajectories:
    return rollout_unit(
        environments,
        policy,
        hyperparameters=hyperparameters(**overrides),
        observation_mean=MEAN,
        observation_std=STD,
        target_return=target,
        explore=explore,
        rng=generator(3, Stream.ROLLOUT, 0, unit),
        guide=guide,
        guided_steps=guided_steps,
        tell=tell,
    )


def arrays(trajectories: Trajectories) -> dict[str, NDArray[Any]]:
    values = {field.name: getattr(trajectories, field.name) for field in fields(Trajectories)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def assert_identical(left: Trajectories, right: Trajectories) -> None:
    assert arrays(left).keys() == arrays(right).keys()
    for name in arrays(left):
        a, b = getattr(left, name), getattr(right, name)
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes(), name


def test_episodes_are_whole_and_in_order() -> None:
    lengths = [5, 2, 700, 5]
    trajectories = rollout([Walk(length) for length in lengths], Script())
    assert trajectories.lengths.tolist() == lengths
    ends = trajectories.offsets[1:] - 1
    starts = trajectories.offsets[:-1]
    inside = np.setdiff1d(np.arange(trajectories.num_steps), ends)
    assert np.array_equal(trajectories.next_observations[inside], trajectories.observations[inside + 1])
    assert not np.isin(trajectories.next_observations[ends], trajectories.observations[starts]).any()
    np.testing.assert_allclose(
        trajectories.rewards, trajectories.next_observations.sum(1), rtol=1e-4, atol=1e-5
    )
    assert np.flatnonzero(trajectories.terminals).tolist() == ends.tolist()
    assert [array.dtype for array in arrays(trajectories).values()] == [
        *[np.float32] * 4,
        np.bool_,
        np.int64,
    ]


def test_a_time_limit_is_not_terminal() -> None:
    trajectories = rollout([Walk(9, time_limit=4), Walk(4, time_limit=4), Walk(3, time_limit=4)], Script())
    assert trajectories.lengths.tolist() == [4, 4, 3]
    assert trajectories.terminals[trajectories.offsets[1:] - 1].tolist() == [False, True, True]


def test_the_policy_sees_the_last_steps() -> None:
    policy = Script()
    lengths = [3, 9, 6]
    episodes = rollout(
        [Walk(length) for length in lengths],
        policy,
        target=5.0,
        reward_shift=-1.0,
        reward_divisor=4.0,
        max_timestep=7,
    )
    assert len(policy.contexts) == max(lengths)
    for step, (states, actions, returns_to_go, timesteps) in enumerate(policy.contexts):
        C = min(step + 1, 4)
        running = [i for i, length in enumerate(lengths) if step < length]
        assert states.shape == (len(running), C, S)
        expected_timesteps = [min(t, 6) for t in range(step + 1 - C, step + 1)]
        for row, i in enumerate(running):
            episode = episodes.select([i])
            window = slice(step + 1 - C, step + 1)
            normalized = (torch.from_numpy(episode.observations[window]) - MEAN) / STD
            torch.testing.assert_close(states[row], normalized)
            assert np.array_equal(actions[row, :-1], episode.actions[window][:-1])
            assert actions[row, -1].tolist() == [0.0] * A
            earned = np.concatenate([[0], np.cumsum((episode.rewards - 1) / 4)])[window]
            np.testing.assert_allclose(returns_to_go[row], 0.01 * (5.0 - earned), rtol=1e-5)
            assert timesteps[row].tolist() == expected_timesteps


@pytest.mark.parametrize("delay", [2, 5, "episode"])
def test_the_policy_sees_delayed_rewards(delay: RewardDelay) -> None:
    policy = Script()
    lengths = [3, 9, 6]
    walks = [Walk(length) for length in lengths]
    episodes = rollout(walks, policy, target=5.0, reward_delay=delay, reward_shift=-1.0)
    assert_identical(episodes, rollout([Walk(length) for length in lengths], Script()))
    for i, length in enumerate(lengths):
        episode = episodes.select([i])
        received = delay_rewards(episode.rewards, episode.offsets, delay)
        to_go = 5.0 - np.concatenate([[0], np.cumsum(received - 1.0)])
        for step in range(length):
            row = [j for j, other in enumerate(lengths) if step < other].index(i)
            shown = policy.contexts[step][2][row, -1]
            assert shown == pytest.approx(0.01 * to_go[step], rel=1e-5)


def test_each_environment_may_have_its_own_target() -> None:
    policy = Script()
    rollout([Walk(2), Walk(2)], policy, target=np.array([5.0, 7.0]))
    np.testing.assert_allclose(policy.contexts[0][2][:, 0], [0.05, 0.07], rtol=1e-6)


def test_exploration_of_the_deterministic_policy() -> None:
    calm = rollout([Walk(1000)], Script(), explore=False)
    assert (calm.actions == 0.5).all()
    noisy = rollout([Walk(1000)], Script(), exploration_noise=0.1)
    assert noisy.actions.mean() == pytest.approx(0.5, abs=0.01)
    assert noisy.actions.std() == pytest.approx(0.1, rel=0.1)
    clipped = rollout([Walk(1000)], Script(level=0.99), exploration_noise=0.1)
    assert clipped.actions.max() == np.float32(1 - 1e-6)


def test_exploration_of_the_stochastic_policy() -> None:
    calm = rollout([Walk(1000)], Script(stochastic=True), explore=False)
    np.testing.assert_allclose(calm.actions, np.tanh(0.5), rtol=1e-6)
    sampled = np.arctanh(rollout([Walk(1000)], Script(stochastic=True)).actions.astype(np.float64))
    assert sampled.mean() == pytest.approx(0.5, abs=0.03)
    assert sampled.std() == pytest.approx(np.exp(-1.0), rel=0.1)


class Goal(Walk):
    """Says after a number of steps that its goal is reached, and later that it is lost."""

    def __init__(self, length: int, reached: int, key: str = "success") -> None:
        super().__init__(length)
        self._reached, self._key = reached, key

    def step(self, action: NDArray[np.float32]) -> Step:
        *rest, info = super().step(action)
        return (*rest, info | {self._key: self._steps == self._reached})  # type: ignore[return-value]


def test_an_episode_is_a_success_if_it_was_one_at_any_step() -> None:
    environments = [Goal(5, reached=5), Goal(5, reached=1), Goal(5, reached=6), Goal(5, 2, key="is_success")]
    for _ in range(2):
        successes = rollout(environments, Script()).successes
        assert successes is not None
        assert successes.tolist() == [True, True, False, True]
    assert_identical(
        replace(rollout(environments, Script()), successes=None),
        rollout([Walk(5) for _ in range(4)], Script()),
    )
    assert rollout([Goal(5, reached=1), Walk(5)], Script()).successes is None


class Says(Walk):
    """Its info holds an entry at each step, the last of ``entries`` from then on."""

    def __init__(self, *entries: Any, key: str = "success") -> None:
        super().__init__(3)
        self._entries, self._key = entries, key

    def step(self, action: NDArray[np.float32]) -> Step:
        *rest, info = super().step(action)
        entry = self._entries[min(self._steps, len(self._entries)) - 1]
        return (*rest, info | {self._key: entry})  # type: ignore[return-value]


@pytest.mark.parametrize("entry", ["False", None, math.nan, {}, object(), {"task": "no"}, b"1"])
def test_a_word_on_success_that_says_nothing_is_no_success_and_is_told_once(entry: object) -> None:
    told: list[str] = []
    environments = [Says(entry), Says(entry, key="is_success")]
    assert rollout(environments, Script(), tell=told.append).successes is None
    (notice,) = told
    assert notice.startswith(f"Success is not recorded: info['success'] is of type {type(entry).__name__} ")


def test_a_word_on_success_may_come_late_and_in_parts() -> None:
    told: list[str] = []
    environments = [
        Says(None, True),
        Says(math.nan, math.nan, 0.0),
        Says({"left": np.True_, "right": [1, 0]}),
        Says({"left": False}, np.array([[True], [True]]), {"left": False}),
        Says(np.array([1])),
    ]
    successes = rollout(environments, Script(), tell=told.append).successes
    assert successes is not None
    assert successes.tolist() == [True, False, False, True, True]
    assert told == []


class Careless(Walk):
    """Scales the action that it gets in place, writes on in the observation that it gave, pays in arrays."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self._shown, info = super().reset(seed=seed)
        return self._shown, info

    def step(self, action: NDArray[np.float32]) -> Step:
        observation, reward, *rest = super().step(action)
        action *= 0.1
        self._shown[:] = observation
        return self._shown, np.array([reward]), *rest  # type: ignore[return-value]


def test_environments_may_write_to_what_they_get_and_gave() -> None:
    careless = rollout([Careless(5), Careless(7)], transformer())
    assert_identical(careless, rollout([Walk(5), Walk(7)], transformer()))


@pytest.mark.parametrize("kind", ["deterministic", "stochastic"])
def test_a_unit_depends_on_its_key_alone(kind: PolicyKind) -> None:
    policy = transformer(kind)
    environments = [Walk() for _ in range(4)]
    first = rollout(environments, policy, unit=1)
    assert len(set(first.lengths.tolist())) > 1

    rollout(environments[:2], policy, unit=7)
    torch.manual_seed(99)
    np.random.default_rng(99).random()
    assert_identical(rollout(environments, policy, unit=1), first)
    assert_identical(rollout([Walk() for _ in range(4)], transformer(kind), unit=1), first)
    other = rollout(environments, policy, unit=2)
    assert other.observations[0].tobytes() != first.observations[0].tobytes()


def test_each_environment_gets_its_own_seed() -> None:
    environments = [Walk(2) for _ in range(4)]
    rollout(environments, Script())
    assert len({environment.seeds[0] for environment in environments}) == 4


def test_noise_does_not_depend_on_who_still_runs() -> None:
    long, short = rollout([Walk(8), Walk(8)], Script()), rollout([Walk(2), Walk(8)], Script())
    assert np.array_equal(long.select([1]).actions, short.select([1]).actions)


def test_neighbors_do_not_disturb_an_episode() -> None:
    policy = transformer()
    together = rollout([Walk(5), Walk(9), Walk(7)], policy, explore=False)
    alone = rollout([Walk(5)], policy, explore=False)
    np.testing.assert_allclose(together.select([0]).actions, alone.actions, rtol=1e-4, atol=1e-6)


def test_nothing_is_dropped_in_rollouts() -> None:
    policy = transformer(dropout=0.5, embedding_dropout=0.5)
    without = transformer(dropout=0.0, embedding_dropout=0.0)
    assert_identical(rollout([Walk()], policy), rollout([Walk()], without))
    with pytest.raises(RuntimeError, match="eval"):
        rollout([Walk()], policy.train())


def test_gradients_are_off() -> None:
    class Checker(Script):
        def act(self, *context: Tensor) -> PolicyOutput:
            assert torch.is_inference_mode_enabled()
            return super().act(*context)

    assert rollout([Walk(3)], Checker()).num_steps == 3
    assert not torch.is_inference_mode_enabled()


class Broken(Walk):
    """Does something wrong in its third step."""

    def __init__(self, wrong: Callable[[Step], Step]) -> None:
        super().__init__(9)
        self._wrong = wrong

    def step(self, action: NDArray[np.float32]) -> Step:
        result = super().step(action)
        return self._wrong(result) if self._steps == 3 else result


def _raise(step: Step) -> Step:
    raise ZeroDivisionError("the pole fell off")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (_raise, "raised ZeroDivisionError: the pole fell off"),
        (lambda step: (step[0] * np.nan, *step[1:]), r"observation that is not finite: \[nan, nan, nan\]"),
        (lambda step: (step[0], float("inf"), *step[2:]), "reward inf"),
        (lambda step: (step[0][:2], *step[1:]), r"shape \(2,\) instead of \(3,\)"),
        (lambda step: (step[0], 1e39, *step[2:]), "reward 1e\\+39"),
        (lambda step: (step[0], None, *step[2:]), "reward None, which is not one number"),
        (lambda step: (step[0], "1.0", *step[2:]), "reward '1.0', which is not one number"),
        (
            lambda step: (step[0], np.zeros(2), *step[2:]),
            r"reward array\(\[0., 0.\]\), which is not one number",
        ),
        (lambda step: ({"a": 1}, *step[1:]), "an observation that is not an array of numbers: {'a': 1}"),
        (
            lambda step: (*step[:2], "False", *step[3:]),
            "terminated = 'False', which is neither true nor false",
        ),
        (lambda step: (*step[:3], None, step[4]), "truncated = None, which is neither true nor false"),
        (lambda step: (*step[:4], None), "as info None, which is not a dictionary"),
        (lambda step: step[:3], "returned 3 values from step"),
        (lambda step: (*step[:3], step[4]), r"4 values from step.* as in gym before 0\.26"),
    ],
)
def test_a_broken_environment_is_named(wrong: Callable[[Step], Step], message: str) -> None:
    environments = [Walk(2), Walk(9), Broken(wrong)]
    with pytest.raises(EnvironmentFailure, match=message) as failure:
        rollout(environments, Script())
    assert "Environment 2 " in str(failure.value)
    assert "at step 3 " in str(failure.value)
    assert rollout([Walk(2), Walk(9)], Script()).num_steps == 11


def test_a_failing_reset_is_named() -> None:
    class NoStart(Walk):
        def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
            raise OSError("no such model")

    with pytest.raises(
        EnvironmentFailure, match=r"Environment 1 .* raised OSError: no such model \(at reset"
    ):
        rollout([Walk(), NoStart()], Script())


def test_a_guide_takes_the_first_steps() -> None:
    guide, own = Script(level=-0.25), Script(level=0.5)
    lengths = [3, 9, 12]
    result = rollout([Walk(n) for n in lengths], own, explore=False, guide=guide, guided_steps=5)
    assert result.lengths.tolist() == lengths
    for n, start in zip(lengths, result.offsets, strict=False):
        actions = result.actions[start : start + n]
        assert (actions[:5] == -0.25).all()
        assert (actions[5:] == 0.5).all()
    assert len(guide.contexts) == 5
    assert [len(states) for states, *_ in own.contexts] == [2] * 4 + [1] * 3
    assert own.contexts[0][0].shape[1] == 4  # the guide's steps are context
    whole = rollout([Walk(n) for n in lengths], guide, explore=False)
    short = rollout([Walk(n) for n in lengths], own, explore=False, guide=guide, guided_steps=50)
    np.testing.assert_array_equal(whole.actions, short.actions)
    np.testing.assert_array_equal(whole.rewards, short.rewards)


def test_float64_observations_keep_their_detail() -> None:
    offset = 1.7e9
    shown = {}
    for far in (0.0, offset):
        policy = Script()
        data = rollout_unit(
            [Charted(far), Charted(far)],
            policy,
            hyperparameters=hyperparameters(),
            observation_mean=MEAN.double() + far,
            observation_std=STD.double(),
            target_return=5.0,
            explore=False,
            rng=generator(0, Stream.ROLLOUT, 0, 0),
        )
        assert data.observations.dtype == data.next_observations.dtype == np.float64
        shown[far] = data.observations - far, [context[0] for context in policy.contexts]
    np.testing.assert_allclose(shown[offset][0], shown[0.0][0], atol=1e-6)
    for states, near in zip(shown[offset][1], shown[0.0][1], strict=True):
        assert states.dtype == torch.float32
        torch.testing.assert_close(states, near, atol=2e-6, rtol=0)


def test_an_environment_may_begin_in_float32_and_go_on_in_float64() -> None:
    data = rollout([Charted(1.7e9, first=np.float32), Walk(length=3)], Script())
    assert data.observations.dtype == np.float64
    assert len(np.unique(data.observations[1:7, 0])) == 6
