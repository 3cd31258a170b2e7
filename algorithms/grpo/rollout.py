"""Rollouts for grpo: whole episodes, and groups of sub-trajectories from states on their way."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.grpo.groups import Groups
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.distributions import SquashedGaussian
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.normalized_networks import NormalizedNetworks
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollouts.environment import (
    CheckedEnvironment,
    Environment,
    check_environments,
    first_notice,
    require_restorable,
)
from vitamin.algorithms.rollouts.pool import EnvironmentPool
from vitamin.algorithms.rollouts.rollout import Episodes, Player, Policy, begin_episodes, untold
from vitamin.algorithms.rollouts.units import Rollout, WorkUnit

_SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True)
class GroupRollout(Rollout):
    """The data of an online unit of grpo.

    Attributes:
        groups: The groups from states of the episodes.
    """

    groups: Groups

    @classmethod
    def of(cls, rollout: Rollout) -> Self:
        """The same ``rollout``, which must have groups.

        Raises:
            TypeError: If it has none.
        """
        if not isinstance(rollout, cls):
            raise TypeError("Updates on groups learn from rollouts with groups.")
        return rollout

    @property
    def extra_steps(self) -> int:
        """Environment steps of the sub-trajectories."""
        return int(self.groups.lengths.sum())


class RollOutGroups:
    """W whole episodes, and groups of sub-trajectories from states on their way.

    Args:
        hyperparameters: The run's settings.
    """

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        self._settings = hyperparameters

    def check(self, environment: Environment) -> None:
        """See `require_restorable`."""
        require_restorable(environment)

    def __call__(
        self,
        pool: EnvironmentPool,
        module: NormalizedNetworks,
        unit: WorkUnit,
        seed: int,
        tell: Callable[[str], None],
    ) -> GroupRollout:
        """See `RollOut`."""
        return rollout_groups(
            pool.take(max(unit.episodes, self._settings.group_size)),
            module.networks.policy,
            observation_mean=module.observation_mean,
            observation_std=module.observation_std,
            episodes=unit.episodes,
            target_return=unit.target_return,
            rng=generator(*unit.key(seed)),
            draw_rng=generator(seed, Stream.RESET_STATES, unit.iteration, unit.index),
            hyperparameters=self._settings,
            tell=tell,
        )


def rollout_groups(
    environments: Sequence[Environment],
    policy: Policy,
    *,
    hyperparameters: Hyperparameters,
    observation_mean: Tensor,
    observation_std: Tensor,
    episodes: int,
    target_return: float,
    rng: np.random.Generator,
    draw_rng: np.random.Generator,
    tell: Callable[[str], None] = untold,
) -> GroupRollout:
    """Rolls out W episodes, then ``group_size`` sub-trajectories from each of W ``reset_states`` states on their way.

    All of them sample the policy. A sub-trajectory takes over the context and the return-to-go of its reset state,
    and ends after ``subtrajectory_length`` steps or with its episode.

    Args:
        environments: W or ``group_size``, whichever is more, made alike; `RestorableEnvironment`.
        policy: Stochastic, in evaluation mode.
        hyperparameters: Sizes, context length, scales of rewards and returns.
        observation_mean: (S,), on the CPU.
        observation_std: (S,), on the CPU; the divisor of the observations.
        episodes: W.
        target_return: Return-to-go at the start of the episodes, in scaled-reward units.
        rng: Source of starts and actions. The episodes are those that `rollout_unit` makes of it.
        draw_rng: Source of the reset states.
        tell: As for `rollout_unit`.

    Raises:
        EnvironmentFailure: As `rollout_unit`.
        TaskError: If the state of an environment cannot be saved.
    """
    settings, W = hyperparameters, episodes
    player = Player(policy, settings, observation_mean.numpy(), observation_std.numpy())
    checked = check_environments(environments, len(observation_mean))
    parents = checked[:W]
    parent_episodes = begin_episodes(parents, environments[0].action_space.shape[0], rng)
    draw = ResetDraw(parents, W * settings.reset_states, settings.uncertainty_exponent, draw_rng)
    returns_to_go = np.full(W, target_return * settings.return_scale)
    player.play(parents, parent_episodes, returns_to_go, explore=True, rng=rng, observe=draw.consider)
    trajectories = parent_episodes.trajectories([environment.success for environment in parents])
    if notice := first_notice(parents):
        tell(notice)
    members = checked[: settings.group_size]
    groups = [_group(player, members, parent_episodes, drawn, rng) for drawn in draw.drawn()]
    return GroupRollout(trajectories, Groups.concatenate(groups))


@dataclass(frozen=True)
class ResetState:
    """A state that sub-trajectories start from.

    Attributes:
        episode: Number of the episode that it was met in.
        step: The step that is taken in it.
        uncertainty: Mean variance of the policy's action components.
        saved: What its environment gave.
    """

    episode: int
    step: int
    uncertainty: float
    saved: Any


class ResetDraw:
    """Draws states of running episodes without replacement, in proportion to a power of the policy's uncertainty.

    The states with the largest keys log(weight) + Gumbel noise are such a draw (Efraimidis and Spirakis 2006), and
    whether one is among the largest so far is known when it is met, so that few states are ever saved.

    Args:
        environments: Those of the episodes.
        count: How many are drawn; all states if there are not more.
        exponent: 0 draws uniformly, infinity takes the most uncertain ones.
        rng: Source of the noise.
    """

    def __init__(
        self,
        environments: Sequence[CheckedEnvironment],
        count: int,
        exponent: float,
        rng: np.random.Generator,
    ) -> None:
        self._environments = environments
        self._count = count
        self._exponent = exponent
        self._rng = rng
        self._best: list[tuple[float, int, int, ResetState]] = []

    def consider(self, active: NDArray[np.int64], step: int, output: PolicyOutput) -> None:
        """Takes in the states that the ``active`` episodes are in; an `Observer`."""
        uncertainty = SquashedGaussian.of(output.pi).variance().mean(-1)[:, 0].double().numpy()
        noise = self._rng.gumbel(size=len(self._environments))[active]
        keys = self._exponent * np.log(uncertainty.clip(min=_SMALLEST_VARIANCE)) + noise
        for i, key, variance in zip(active.tolist(), keys.tolist(), uncertainty.tolist(), strict=True):
            if len(self._best) < self._count or key > self._best[0][0]:
                state = ResetState(i, step, variance, self._environments[i].save())
                push = heapq.heappush if len(self._best) < self._count else heapq.heapreplace
                push(self._best, (key, step, i, state))

    def drawn(self) -> list[ResetState]:
        """The states drawn, in the order of episodes and steps."""
        return sorted((item[-1] for item in self._best), key=lambda state: (state.episode, state.step))


def _group(
    player: Player,
    environments: Sequence[CheckedEnvironment],
    episodes: Episodes,
    reset: ResetState,
    rng: np.random.Generator,
) -> Groups:
    """The sub-trajectories from one reset state."""
    settings, size, first = player.settings, len(environments), reset.step
    for environment in environments:
        environment.restore(reset.saved)
    copies = episodes.fork(reset.episode, first, size)
    target = float(episodes.conditions[reset.episode, first])
    remaining = np.full(size, target)
    player.play(
        environments,
        copies,
        remaining,
        explore=True,
        rng=rng,
        first=first,
        steps=settings.subtrajectory_length,
    )
    ends = np.where(copies.lengths > 0, copies.lengths, first + settings.subtrajectory_length)
    seen = max(0, first + 1 - settings.eval_context_length)  # the first step that the first context holds
    parts = [(row, slice(seen, int(end))) for row, end in enumerate(ends)]
    limit = settings.max_timestep - 1
    return Groups(
        states=np.concatenate([copies.states[part] for part in parts]),
        actions=np.concatenate([copies.actions[part] for part in parts]),
        returns_to_go=np.concatenate([copies.conditions[part] for part in parts]),
        timesteps=np.concatenate([np.arange(seen, end).clip(max=limit) for end in ends]),
        offsets=np.concatenate([[0], np.cumsum(ends - seen)]),
        lead=np.full(size, first - seen),
        returns=(target - remaining) / settings.return_scale,
        group=np.zeros(size, np.int64),
        uncertainty=np.full(size, reset.uncertainty),
    )
