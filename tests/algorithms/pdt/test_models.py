"""PDT's networks: what the encoder and the policy may see, and which latent is chosen."""

from typing import Any

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from tests.algorithms.batches import A, S, random_batch, settings
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.models.future_encoder import FutureEncoder
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.models.latents import DiagonalGaussian

Z, K = 3, 6


def future_settings(**overrides: Any) -> Any:
    return settings(**{"latent_size": Z, "future_length": K, "num_latent_samples": 5, **overrides})


def perturbed(module: Any) -> Any:
    module = module.double().eval()
    for parameter in module.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return module


def encoder(**overrides: Any) -> FutureEncoder:
    torch.manual_seed(0)
    built: FutureEncoder = perturbed(FutureEncoder(S, A, future_settings(**overrides)))
    return built


def policy(**overrides: Any) -> FutureConditionedPolicy:
    torch.manual_seed(0)
    built: FutureConditionedPolicy = perturbed(FutureConditionedPolicy(S, A, future_settings(**overrides)))
    return built


def future(*lengths: int, F: int = K) -> SegmentBatch:
    """Its states, actions and mask are a batch of futures."""
    return random_batch(lengths, K=F)


def gaussian(*shape: int, seed: int) -> DiagonalGaussian:
    rng = torch.Generator().manual_seed(seed)
    loc, log_std = torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    return DiagonalGaussian(loc, 0.3 * log_std)


def reference(distribution: DiagonalGaussian) -> Independent:
    return Independent(Normal(distribution.loc, distribution.log_std.exp()), 1)


def test_densities_and_divergences_are_those_of_torch() -> None:
    p, q = gaussian(2, 4, Z, seed=1), gaussian(2, 4, Z, seed=2)
    torch.testing.assert_close(p.divergence(q), kl_divergence(reference(p), reference(q)))
    torch.testing.assert_close(p.log_prob(q.loc), reference(p).log_prob(q.loc))
    assert torch.equal(p.divergence(p), torch.zeros(2, 4, dtype=torch.float64))


def test_a_sample_is_loc_plus_noise_times_std() -> None:
    p, noise = gaussian(2, Z, seed=1), torch.randn(2, Z, dtype=torch.float64)
    torch.testing.assert_close(p.sample(noise), p.loc + noise * p.log_std.exp())


@pytest.mark.parametrize("lengths", [(6, 6), (4, 2)])
def test_each_latent_knows_the_future_up_to_its_step(lengths: tuple[int, ...]) -> None:
    model, batch = encoder(), future(*lengths)
    before = model(batch.states, batch.actions, batch.mask, steps=K)
    for t in range(K - min(lengths), K):
        for change in ("states", "actions"):
            batch = future(*lengths)
            getattr(batch, change)[:, t] += 0.3
            after = model(batch.states, batch.actions, batch.mask, steps=K)
            torch.testing.assert_close(after.loc[:, :t], before.loc[:, :t])
            assert not torch.isclose(after.loc[:, t:], before.loc[:, t:]).all(-1).any()


def test_padding_does_not_change_what_is_known() -> None:
    model, batch = encoder(), future(4, 6, 1)
    latents = model(batch.states, batch.actions, batch.mask, steps=K)
    for row, length in enumerate((4, 6, 1)):
        alone = model(
            batch.states[row : row + 1, -length:],
            batch.actions[row : row + 1, -length:],
            torch.ones(1, length, dtype=torch.bool),
            steps=K,
        )
        torch.testing.assert_close(latents.loc[row], alone.loc[0])
        torch.testing.assert_close(latents.log_std[row], alone.log_std[0])


def test_an_unknown_future_is_standard_normal() -> None:
    batch = future(0, 2)
    latents = encoder()(batch.states, batch.actions, batch.mask, steps=K)
    assert (latents.loc[0] == 0).all()
    assert (latents.log_std[0] == 0).all()
    assert (latents.loc[1, :4] == 0).all()
    assert (latents.loc[1, 4:] != 0).all()
    nothing = encoder()(batch.states[:1], batch.actions[:1], batch.mask[:1], steps=K)
    assert (nothing.loc == 0).all()


@pytest.mark.parametrize("F", [4, 9])
def test_the_last_step_knows_the_whole_future_whatever_its_length(F: int) -> None:
    model, batch = encoder(future_length=F), future(F, F, F=F)
    latents = model(batch.states, batch.actions, batch.mask, steps=K)
    assert latents.loc.shape == (2, K, Z)
    assert ((latents.loc == 0).all(-1).sum(1) == max(0, K - F)).all()
    batch.actions[:, -1] += 0.3
    after = model(batch.states, batch.actions, batch.mask, steps=K)
    assert not torch.isclose(after.loc[:, -1], latents.loc[:, -1]).any()
    torch.testing.assert_close(after.loc[:, :-1], latents.loc[:, :-1])


def run(
    model: FutureConditionedPolicy, batch: SegmentBatch, latents: torch.Tensor, padding: Any = "skip"
) -> torch.Tensor:
    action: torch.Tensor = model(
        batch.states, batch.actions, latents, batch.timesteps, batch.mask, padding
    ).action
    return action


def latents_of(batch: SegmentBatch) -> torch.Tensor:
    rng = torch.Generator().manual_seed(3)
    return torch.randn(*batch.mask.shape, Z, generator=rng, dtype=torch.float64) * batch.mask[..., None]


@pytest.mark.parametrize("lengths", [(6, 6), (2, 5)])
def test_an_action_depends_on_past_states_and_latents_and_not_on_later_ones(lengths: tuple[int, ...]) -> None:
    model, batch = policy(), random_batch(lengths)
    latents = latents_of(batch)
    before = run(model, batch, latents)
    for t in range(4, K):
        for change in ("states", "latents", "actions"):
            batch = random_batch(lengths)
            changed = latents.clone()
            (changed if change == "latents" else getattr(batch, change))[:, t] += 0.3
            after = run(model, batch, changed)
            first = t + 1 if change == "actions" else t
            torch.testing.assert_close(after[:, :first], before[:, :first])
            assert not torch.isclose(after[:, first:], before[:, first:]).all(-1).any()


def test_returns_and_rewards_have_no_influence_on_actions() -> None:
    model, batch = policy(), random_batch((6, 3))
    before = run(model, batch, latents_of(batch))
    batch.returns_to_go.add_(1)
    batch.rewards.add_(1)
    assert torch.equal(run(model, batch, latents_of(batch)), before)


@pytest.mark.parametrize("timestep_embedding", [False, True])
def test_act_is_the_last_position_of_a_pass(timestep_embedding: bool) -> None:
    model, batch = policy(timestep_embedding=timestep_embedding), random_batch((6, 6))
    latents = latents_of(batch)
    whole = run(model, batch, latents)
    with torch.inference_mode():
        output = model.act(batch.states, batch.actions, latents, batch.timesteps)
    torch.testing.assert_close(output.action[:, 0], whole[:, -1])
    with pytest.raises(RuntimeError, match="eval"):
        model.train().act(batch.states, batch.actions, latents, batch.timesteps)


def test_computing_padding_changes_nothing_at_real_positions() -> None:
    model, batch = policy(), random_batch((2, 6))
    computed, skipped = (run(model, batch, latents_of(batch), padding) for padding in ("compute", "skip"))
    torch.testing.assert_close(computed[batch.mask], skipped[batch.mask])


def test_the_latent_of_highest_predicted_return_is_chosen() -> None:
    model = policy(return_warmup_updates=2)
    states = torch.randn(4, S, dtype=torch.float64)
    noise = torch.randn(4, *model.latent_noise_shape, dtype=torch.float64)
    prior = model.prior(states)
    first = model.choose_latents(states, noise)
    torch.testing.assert_close(first, prior.loc + prior.log_std.exp() * noise[:, 0])

    model.return_updates.fill_(2)
    chosen = model.choose_latents(states, noise)
    best = []
    for i in range(4):
        samples = [prior.loc[i] + prior.log_std[i].exp() * noise[i, m] for m in range(5)]
        values = [model.predict_return(states[i : i + 1], z[None]).loc.item() for z in samples]
        best.append(samples[max(range(5), key=values.__getitem__)])
    torch.testing.assert_close(chosen, torch.stack(best))
    assert not torch.allclose(chosen, first)


@pytest.mark.parametrize(
    ("warmup", "updates", "selects"), [(0, 0, False), (0, 1, True), (3, 2, False), (3, 3, True)]
)
def test_returns_count_after_the_warmup(warmup: int, updates: int, selects: bool) -> None:
    model = policy(return_warmup_updates=warmup)
    model.return_updates.fill_(updates)
    assert model.selects is selects
