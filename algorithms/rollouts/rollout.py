"""Rollouts in work units: W episodes side by side, one batched forward of the policy a step (method §3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.data.delayed_rewards import reward_received
from vitamin.algorithms.data.normalization import ACTION_LIMIT, Observations, normalize, transform_rewards
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.rollouts.environment import (
    CheckedEnvironment,
    Environment,
    check_environments,
    first_notice,
)
from vitamin.algorithms.setting_types import RewardDelay

_INITIAL_ROOM = 256
_SEEDS = 2**31


def untold(_: str) -> None:
    """Nobody listens."""


class Policy(Protocol):
    """A policy that acts: `vitamin.algorithms.models.decision_transformer.DecisionTransformer`, on the CPU."""

    def act(self, states: Tensor, actions: Tensor, returns_to_go: Tensor, timesteps: Tensor) -> PolicyOutput:
        """(N, C, S), (N, C, A), (N, C), (N, C) -> action and distribution over (N, 1, A)."""


@runtime_checkable
class LatentPolicy(Protocol):
    """A policy that acts on a latent (Z,) for each step instead of a return-to-go, such as PDT's policy."""

    @property
    def latent_noise_shape(self) -> tuple[int, int]:
        """(M, Z), the standard normals that the choice of a latent takes."""

    def choose_latents(self, states: Tensor, noise: Tensor) -> Tensor:
        """(N, S), (N, M, Z) -> (N, Z), the latents for states that have just been reached."""

    def act(self, states: Tensor, actions: Tensor, latents: Tensor, timesteps: Tensor) -> PolicyOutput:
        """(N, C, S), (N, C, A), (N, C, Z), (N, C) -> action and distribution over (N, 1, A)."""


def rollout_unit(
    environments: Sequence[Environment],
    policy: Policy | LatentPolicy,
    *,
    hyperparameters: Hyperparameters,
    observation_mean: Tensor,
    observation_std: Tensor,
    target_return: float | NDArray[np.float64],
    explore: bool,
    rng: np.random.Generator,
    guide: Policy | LatentPolicy | None = None,
    guided_steps: int = 0,
    record_log_probs: bool = False,
    tell: Callable[[str], None] = untold,
) -> Trajectories:
    """Rolls out one episode in each environment.

    The result depends on the arguments alone: environments are seeded from ``rng``, and noise is drawn for
    all of them at each step, whether or not they still run. One whose episode ended leaves the batch.

    Args:
        environments: W environments.
        policy: In evaluation mode.
        hyperparameters: Context length, exploration noise, scales of rewards and returns.
        observation_mean: (S,), on the CPU.
        observation_std: (S,), on the CPU; the divisor of the observations.
        target_return: Return-to-go at the start, in scaled-reward units; one for all, or (W,). Each reward is
            subtracted from it when it is received, see ``reward_delay``. A `LatentPolicy` does not look at it.
        explore: True: the deterministic policy's action plus noise, or a sample of the stochastic policy's
            distribution. False: the action, or tanh of the distribution's mean.
        rng: Source of all randomness.
        guide: What takes the first ``guided_steps`` steps in the policy's place (jump-start RL, Uchendu et al. 2023).
        guided_steps: How many.
        record_log_probs: Whether the trajectories keep the log-likelihoods of a stochastic policy's actions.
        tell: Called with what a user should know of the environments, if anything.

    Returns:
        W trajectories in the order of the environments, with rewards as they were earned. The last next
        observation is what the environment showed, and a time limit is not terminal.

    Raises:
        EnvironmentFailure: If an environment raises, or returns anything but Gymnasium's values: an observation of
            another shape, or an observation or reward that is not finite.
    """
    checked = check_environments(environments, len(observation_mean))
    condition = policy.latent_noise_shape[1:] if isinstance(policy, LatentPolicy) else ()
    episodes = begin_episodes(
        checked, environments[0].action_space.shape[0], rng, condition, record_log_probs
    )
    player = Player(policy, hyperparameters, observation_mean.numpy(), observation_std.numpy())
    returns_to_go = np.broadcast_to(target_return, len(checked)) * hyperparameters.return_scale
    if guided_steps:
        assert guide is not None
        replace(player, policy=guide).play(
            checked, episodes, returns_to_go, explore=explore, rng=rng, steps=guided_steps
        )
    player.play(checked, episodes, returns_to_go, explore=explore, rng=rng, first=guided_steps)
    if notice := first_notice(checked):
        tell(notice)
    return episodes.trajectories([environment.success for environment in checked])


def begin_episodes(
    environments: Sequence[CheckedEnvironment],
    action_size: int,
    rng: np.random.Generator,
    condition: tuple[int, ...] = (),
    record_log_probs: bool = False,
) -> "Episodes":
    """Resets W environments with seeds from ``rng``; W episodes of no steps yet, on conditions of that shape."""
    W = len(environments)
    seeds = rng.integers(_SEEDS, size=W).tolist()
    first = np.stack([environment.reset(seed) for environment, seed in zip(environments, seeds, strict=True)])
    episodes = Episodes(W, first.shape[1], action_size, condition, first.dtype, record_log_probs)
    episodes.observations[:, 0] = first
    return episodes


Observer = Callable[[NDArray[np.int64], int, PolicyOutput], None]
"""Is called before each step: with the N episodes that go on, the step, and the policy's output on them (N, 1, ...)."""


def _ignore(active: NDArray[np.int64], step: int, output: PolicyOutput) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Player:
    """A policy with what it needs for acting.

    Attributes:
        policy: In evaluation mode.
        settings: Context length, exploration noise, scales of rewards and returns.
        mean: Mean of the observations, (S,).
        std: What they are divided by, (S,).
    """

    policy: Policy | LatentPolicy
    settings: Hyperparameters
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def play(
        self,
        environments: Sequence[CheckedEnvironment],
        episodes: "Episodes",
        returns_to_go: NDArray[np.float64],
        *,
        explore: bool,
        rng: np.random.Generator,
        first: int = 0,
        steps: int | None = None,
        observe: Observer = _ignore,
    ) -> None:
        """Goes on with those of W ``episodes`` that have not ended, all at the same step, until they do.

        Args:
            environments: W environments, in the states that the episodes are at.
            episodes: What they have shown and done so far; the rest is added.
            returns_to_go: Return-to-go of each at the first step, (W,), scaled; is left at what remains.
            explore: As for `rollout_unit`.
            rng: Source of the noise on the actions.
            first: The step at which they are.
            steps: Steps after which they are left as they are; None to go on to their ends.
            observe: See `Observer`.
        """
        settings, W, A = self.settings, len(environments), episodes.actions.shape[-1]
        active, step = np.flatnonzero(episodes.lengths == 0), first
        last = None if steps is None else first + steps
        with torch.inference_mode():
            while active.size and step != last:
                episodes.reserve(step + 2)
                episodes.states[active, step] = normalize(
                    episodes.observations[active, step], self.mean, self.std
                )
                episodes.conditions[active, step] = (
                    _choose_latents(self.policy, episodes.states[active, step], active, W, rng)
                    if isinstance(self.policy, LatentPolicy)
                    else returns_to_go[active]
                )
                output = self.policy.act(
                    *episodes.contexts(active, step, settings.eval_context_length, settings.max_timestep)
                )
                observe(active, step, output)
                noise = rng.standard_normal((W, A))[active].astype(np.float32) if explore else None
                actions = _choose(output, noise, settings.exploration_noise)
                episodes.actions[active, step] = actions
                if episodes.log_probs is not None:
                    episodes.log_probs[active, step] = _log_probs(output, actions)
                for i, action in zip(active.tolist(), actions, strict=True):
                    episodes.record(i, step, *environments[i].step(action))
                rewards = transform_rewards(
                    episodes.received(active, step, settings.reward_delay),
                    settings.reward_shift,
                    settings.reward_divisor,
                )
                returns_to_go[active] -= settings.return_scale * rewards
                active, step = active[episodes.lengths[active] == 0], step + 1


def _choose_latents(
    policy: LatentPolicy,
    states: NDArray[np.float32],
    active: NDArray[np.int64],
    W: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Latents for the states (N, S) of the active ones among W episodes; (N, Z)."""
    noise = rng.standard_normal((W, *policy.latent_noise_shape), np.float32)[active]
    latents: NDArray[np.float32] = policy.choose_latents(
        torch.from_numpy(states), torch.from_numpy(noise)
    ).numpy()
    return latents


def _choose(
    output: PolicyOutput, noise: NDArray[np.float32] | None, exploration_noise: float
) -> NDArray[np.float32]:
    """The actions to take, (N, A); ``noise`` (N, A) is standard normal, or None for no exploration."""
    if noise is None:
        chosen = output.action[:, 0]
    elif output.distribution is not None:
        chosen = output.distribution.sample(torch.from_numpy(noise)[:, None])[:, 0]
    else:
        disturbed = output.action[:, 0] + exploration_noise * torch.from_numpy(noise)
        chosen = disturbed.clamp(-ACTION_LIMIT, ACTION_LIMIT)
    actions: NDArray[np.float32] = chosen.numpy()
    return actions


def _log_probs(output: PolicyOutput, actions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-likelihoods, (N,), of the ``actions`` (N, A) that were taken: as they are stored, within the action range."""
    log_probs: NDArray[np.float32] = output.pi.log_prob(torch.from_numpy(actions)[:, None])[:, 0].numpy()
    return log_probs


class Episodes:
    """Observations, actions and rewards so far of W episodes, all at the same step; room is made as they grow.

    Attributes:
        observations: (W, room, S), float64 once an environment has given such.
        states: float32 (W, room, S), normalized.
        actions: float32 (W, room, A).
        conditions: float32 (W, room), scaled returns-to-go; or (W, room, Z), latents.
        rewards: float32 (W, room), as the environment gave them.
        log_probs: float32 (W, room), log-likelihoods of the actions; None where nobody wants them.
        terminated: bool (W,), of finished episodes.
        lengths: int64 (W,), 0 while an episode goes on.
    """

    log_probs: NDArray[np.float32] | None = None

    def __init__(
        self,
        W: int,
        S: int,
        A: int,
        condition: tuple[int, ...] = (),
        dtype: Any = np.float32,
        record_log_probs: bool = False,
    ) -> None:
        self.observations: Observations = np.zeros((W, _INITIAL_ROOM, S), dtype)
        self.states = np.zeros((W, _INITIAL_ROOM, S), np.float32)
        self.actions = np.zeros((W, _INITIAL_ROOM, A), np.float32)
        self.conditions = np.zeros((W, _INITIAL_ROOM, *condition), np.float32)
        self.rewards = np.zeros((W, _INITIAL_ROOM), np.float32)
        if record_log_probs:
            self.log_probs = np.zeros((W, _INITIAL_ROOM), np.float32)
        self.terminated = np.zeros(W, np.bool_)
        self.lengths = np.zeros(W, np.int64)

    def reserve(self, room: int) -> None:
        """Makes room for ``room`` steps, by doubling."""
        while room > self.rewards.shape[1]:
            names = ("observations", "states", "actions", "conditions", "rewards", "log_probs")
            for name in names if self.log_probs is not None else names[:-1]:
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.zeros_like(array)], axis=1))

    def contexts(
        self, active: NDArray[np.int64], step: int, length: int, max_timestep: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """States, actions, conditions and timesteps of the last C <= ``length`` steps: (N, C, ...)."""
        window = slice(max(0, step + 1 - length), step + 1)
        rows = active if len(active) < len(self.lengths) else slice(None)
        timesteps = torch.arange(window.start, window.stop).clamp(max=max_timestep - 1)
        return (
            torch.from_numpy(self.states[rows, window]),
            torch.from_numpy(self.actions[rows, window]),
            torch.from_numpy(self.conditions[rows, window]),
            timesteps.expand(len(active), -1),
        )

    def record(
        self,
        i: int,
        step: int,
        observation: Observations,
        reward: float,
        terminated: bool,
        truncated: bool,
    ) -> None:
        """Keeps what environment ``i`` returned at ``step``."""
        if observation.dtype.itemsize > self.observations.dtype.itemsize:
            self.observations = self.observations.astype(observation.dtype)
        self.observations[i, step + 1] = observation
        self.rewards[i, step] = reward
        if terminated or truncated:
            self.terminated[i] = terminated
            self.lengths[i] = step + 1

    def fork(self, i: int, step: int, count: int) -> "Episodes":
        """``count`` copies of episode ``i`` up to the observation at ``step``, from where each can go on."""
        S, A, dtype = self.observations.shape[-1], self.actions.shape[-1], self.observations.dtype
        copies = Episodes(count, S, A, self.conditions.shape[2:], dtype)
        copies.reserve(self.rewards.shape[1])
        copies.observations[:, : step + 1] = self.observations[i, : step + 1]
        for name in ("states", "actions", "conditions", "rewards"):
            getattr(copies, name)[:, :step] = getattr(self, name)[i, :step]
        return copies

    def received(self, active: NDArray[np.int64], step: int, delay: RewardDelay) -> NDArray[np.float32]:
        """The reward that each of the N ``active`` episodes receives at ``step``, (N,)."""
        rewards: NDArray[np.float32] = self.rewards[active, step]
        if delay != 0:
            for row, i in enumerate(active):
                rewards[row] = reward_received(self.rewards[i, : step + 1], delay, ended=self.lengths[i] > 0)
        return rewards

    def trajectories(self, successes: Sequence[bool | None]) -> Trajectories:
        """The finished episodes, laid end to end; ``successes``: what each environment says of its goal."""
        ends = np.cumsum(self.lengths)
        terminals = np.zeros(ends[-1], np.bool_)
        terminals[ends - 1] = self.terminated

        def join(array: NDArray[Any], first: int = 0) -> NDArray[Any]:
            return np.concatenate(
                [row[first : first + n] for row, n in zip(array, self.lengths, strict=True)]
            )

        return Trajectories(
            observations=join(self.observations),
            actions=join(self.actions),
            rewards=join(self.rewards),
            next_observations=join(self.observations, first=1),
            terminals=terminals,
            offsets=np.concatenate([[0], ends]),
            successes=None if None in successes else np.array(successes, np.bool_),
            log_probs=None if self.log_probs is None else join(self.log_probs),
        )
