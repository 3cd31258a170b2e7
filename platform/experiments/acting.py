"""Acting with a run's policy, an observation at a time, in an environment that somebody else steps."""

import logging
from collections import deque
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vitamin.algorithms.data.delayed_rewards import reward_received
from vitamin.algorithms.data.normalization import as_observations, normalize, transform_rewards
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollouts.rollout import LatentPolicy, Policy
from vitamin.algorithms.rollouts.step_values import LARGEST
from vitamin.algorithms.seeds import check_seed
from vitamin.algorithms.threads import torch_threads
from vitamin.errors import EnvironmentFailure, VitaminError
from vitamin.platform.environments import action_bounds
from vitamin.platform.experiments import evaluate
from vitamin.platform.experiments.evaluate import Agent, CheckpointName


class ActingAgent:
    """A policy with the context and the return-to-go of one episode.

    Each action is, bit for bit, that of an evaluation in which one environment shows the same observations and rewards:
    the mean action, on the last ``eval_context_length`` steps.

    Attributes:
        agent: The policy, its settings and its checkpoint.

    Args:
        agent: The same.
        seed: Key of what a policy that acts on latent futures (PDT) draws; no other draws anything.
        target_return: Return-to-go at the start of each episode, in scaled-reward units; by default the run's
            ``eval_target_return``.

    Raises:
        SettingsError: If the seed is out of range, or the target return not finite or one that the policy does not
            look at.
        TaskError: If the task's action bounds are not known and its environment cannot be made.
    """

    def __init__(self, agent: Agent, *, seed: int = 0, target_return: float | None = None) -> None:
        check_seed(seed)
        agent.check_target_return(target_return)
        self.agent = agent
        settings = agent.hyperparameters
        self._seed = seed
        self._target_return = settings.eval_target_return if target_return is None else target_return
        self._mean, self._std = agent.observation_mean.numpy(), agent.observation_std.numpy()
        low, high = (bound.astype(np.float64) for bound in action_bounds(agent.task))
        self._center, self._half = (high + low) / 2, (high - low) / 2
        self._episode = -1
        # The last steps: states (S,), actions (A,) in [-1, 1], and the return-to-go () or latent (Z,) of each.
        self._context: deque[tuple[NDArray[np.float32], ...]] = deque(maxlen=settings.eval_context_length)
        self.reset()

    def reset(self) -> None:
        """Begins an episode: an empty context, the full target return."""
        self._episode += 1
        self._rng = generator(self._seed, Stream.EVALUATION, self.agent.iteration, self._episode)
        self._step = 0
        self._rewards: list[float] = []
        self._return_to_go = np.full(1, self._target_return * self.agent.hyperparameters.return_scale)
        self._context.clear()

    def act(self, observation: Any, reward: float | None = None) -> NDArray[np.float32]:
        """The action for an observation.

        Args:
            observation: (S,), as the environment gave it.
            reward: The reward of the action before, as the environment gave it, by which the return-to-go falls; None
                at an episode's first step. A policy that does not look at returns-to-go needs none.

        Returns:
            (A,), in the environment's units.

        Raises:
            EnvironmentFailure: If the observation is not (S,) or something is not finite.
            VitaminError: If a reward is missing, or comes before the first action.
        """
        state = normalize(self._checked(observation), self._mean, self._std)
        self._receive(reward)
        settings, policy = self.agent.hyperparameters, self.agent.policy
        with torch_threads(settings.rollout_threads), torch.inference_mode():
            condition = self._condition(policy, state)
            self._context.append((state, np.zeros(policy.action_size, np.float32), condition))
            states, actions, conditions = (
                torch.from_numpy(np.stack(parts)[None]) for parts in zip(*self._context, strict=True)
            )
            steps = torch.arange(self._step + 1 - len(self._context), self._step + 1)
            timesteps = steps.clamp(max=settings.max_timestep - 1)[None]
            output = policy.act(states, actions, conditions, timesteps)
            action: NDArray[np.float32] = output.action[0, 0].numpy()
        self._context[-1][1][:] = action
        self._step += 1
        return (self._center + action * self._half).astype(np.float32)

    def _checked(self, observation: Any) -> NDArray[Any]:
        try:
            array = as_observations(observation)
        except (TypeError, ValueError):
            raise EnvironmentFailure("The observation is not an array of numbers.") from None
        if array.shape != self._mean.shape:
            raise EnvironmentFailure(
                f"{self.agent.name} was trained on observations of shape {self._mean.shape}, not {array.shape}."
            )
        if not (np.abs(array) <= LARGEST).all():
            raise EnvironmentFailure(f"The observation is not finite: {array.tolist()}")
        return array

    def _receive(self, reward: float | None) -> None:
        """Takes what the action before received off the return-to-go, as rollouts do."""
        if self._step == 0:
            if reward is not None:
                raise VitaminError("An episode's first action has no reward before it: act(observation).")
            return
        if reward is None:
            if self.agent.blind_to_returns is None:
                raise VitaminError(
                    f"{self.agent.name} acts on what is left of its target return: give it what the action before"
                    " received, act(observation, reward). A new episode begins with reset()."
                )
            return
        if not abs(reward) <= LARGEST:
            raise EnvironmentFailure(f"The reward is {reward}.")
        settings = self.agent.hyperparameters
        self._rewards.append(float(reward))
        received = reward_received(np.array(self._rewards, np.float32), settings.reward_delay, ended=False)
        rewards = transform_rewards(np.array([received]), settings.reward_shift, settings.reward_divisor)
        self._return_to_go -= settings.return_scale * rewards

    def _condition(self, policy: Policy | LatentPolicy, state: NDArray[np.float32]) -> NDArray[np.float32]:
        """The step's return-to-go, (); of a latent policy its latent, (Z,)."""
        if not isinstance(policy, LatentPolicy):
            return self._return_to_go.astype(np.float32).reshape(())
        noise = self._rng.standard_normal((1, *policy.latent_noise_shape), np.float32)
        latents: NDArray[np.float32] = policy.choose_latents(
            torch.from_numpy(state[None]), torch.from_numpy(noise)
        ).numpy()
        return latents.reshape(-1)


def load_agent(
    run: str | PathLike[str],
    *,
    checkpoint: CheckpointName | None = None,
    seed: int = 0,
    target_return: float | None = None,
) -> ActingAgent:
    """The policy of a run folder, ready to act; neither the dataset nor Ray is needed.

    Args:
        run: The folder.
        checkpoint: Iteration of the checkpoint, or ``pretrained``; by default the newest whole one.
        seed: As for `ActingAgent`.
        target_return: As for `ActingAgent`.

    Raises:
        RunError: If there is no run or no whole checkpoint, or a file is damaged.
        SettingsError: As `ActingAgent`, and if ``config.yaml`` cannot be read.
        TaskError: If the run's task does not exist here.
    """
    agent = evaluate.load_agent(Path(run), checkpoint=checkpoint, report=logging.getLogger("vitamin").warning)
    return ActingAgent(agent, seed=seed, target_return=target_return)
