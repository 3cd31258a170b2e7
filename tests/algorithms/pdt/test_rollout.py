"""Rollouts of a policy that acts on a latent for each step."""

import numpy as np
import pytest
import torch

from tests.algorithms.rollouts.test_rollout import MEAN, STD, A, S, Walk, hyperparameters, rollout
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.randomness import Stream, generator
from vitamin.algorithms.rollouts.rollout import LatentPolicy

M, Z = 4, 2


class LatentScript:
    """Chooses the first draw plus the state's first component, and keeps what it was shown."""

    latent_noise_shape = (M, Z)

    def __init__(self) -> None:
        self.noise: list[torch.Tensor] = []
        self.chosen: list[torch.Tensor] = []
        self.contexts: list[torch.Tensor] = []
        self.states: list[torch.Tensor] = []

    def choose_latents(self, states: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        self.noise.append(noise.clone())
        self.chosen.append(noise[:, 0] + states[:, :1])
        return self.chosen[-1]

    def act(
        self, states: torch.Tensor, actions: torch.Tensor, latents: torch.Tensor, timesteps: torch.Tensor
    ) -> PolicyOutput:
        self.contexts.append(latents.clone())
        self.states.append(states.clone())
        return PolicyOutput(torch.full((len(states), 1, A), 0.1), None)


def future_policy(**overrides: object) -> FutureConditionedPolicy:
    torch.manual_seed(0)
    settings = hyperparameters(latent_size=Z, num_latent_samples=M, return_warmup_updates=0, **overrides)
    policy = FutureConditionedPolicy(S, A, settings).eval()
    policy.return_updates.fill_(1)
    return policy


def test_pdt_is_a_latent_policy() -> None:
    assert isinstance(future_policy(), LatentPolicy)


def test_a_latent_is_chosen_at_each_step_and_stays_in_the_context() -> None:
    script = LatentScript()
    rollout([Walk(length=7)], script, eval_context_length=3)
    assert [len(context[0]) for context in script.contexts] == [1, 2, 3, 3, 3, 3, 3]
    for step, context in enumerate(script.contexts):
        expected = torch.cat(script.chosen[max(0, step - 2) : step + 1])
        torch.testing.assert_close(context[0], expected)
        torch.testing.assert_close(
            script.chosen[step] - script.noise[step][:, 0], script.states[step][:, -1, :1].expand(-1, Z)
        )


def test_draws_do_not_depend_on_which_episodes_still_run() -> None:
    alone, beside = LatentScript(), LatentScript()
    rollout([Walk(length=9), Walk(length=9)], alone)
    rollout([Walk(length=4), Walk(length=9)], beside)
    for step in range(9):
        torch.testing.assert_close(beside.noise[step][-1], alone.noise[step][-1])
    assert len(beside.noise[-1]) == 1


@pytest.mark.parametrize("explore", [False, True])
def test_a_unit_depends_on_its_key_alone(explore: bool) -> None:
    policy = future_policy()
    torch.manual_seed(1)
    first = rollout([Walk(), Walk()], policy, explore=explore, unit=2)
    torch.manual_seed(2)
    again = rollout([Walk(), Walk()], policy, explore=explore, unit=2, target=-100.0)
    other = rollout([Walk(), Walk()], policy, explore=explore, unit=3)
    np.testing.assert_array_equal(first.actions, again.actions)
    assert not np.array_equal(first.actions[:3], other.actions[:3])


def test_an_evaluation_takes_the_mean_action_of_the_chosen_latents() -> None:
    policy, walk = future_policy(), Walk(length=1)
    trajectory = rollout([walk], policy, explore=False)
    rng = generator(3, Stream.ROLLOUT, 0, 0)
    rng.integers(2**31, size=1)
    noise = torch.from_numpy(rng.standard_normal((1, M, Z), np.float32))
    state = (torch.from_numpy(trajectory.observations) - MEAN) / STD
    with torch.inference_mode():
        latents = policy.choose_latents(state, noise)
        action = policy.act(
            state[None], torch.zeros(1, 1, A), latents[None], torch.zeros(1, 1, dtype=torch.int64)
        )
    np.testing.assert_allclose(trajectory.actions, action.action[0].numpy(), rtol=1e-6)
