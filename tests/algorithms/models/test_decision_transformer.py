from typing import Any

import pytest
import torch

from tests.algorithms.batches import A, S, random_batch, settings
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.policy import Padding

KINDS: list[PolicyKind] = ["deterministic", "stochastic"]


def policy(
    kind: PolicyKind = "deterministic", dtype: torch.dtype = torch.float64, **overrides: Any
) -> DecisionTransformer:
    torch.manual_seed(0)
    built = DecisionTransformer(S, A, settings(**overrides), kind).to(dtype).eval()
    for parameter in built.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return built


def run(
    model: DecisionTransformer, batch: SegmentBatch, padding: Padding, mask: torch.Tensor | None = None
) -> PolicyOutput:
    output: PolicyOutput = model(
        *(batch.context() if mask is None else batch.context()._replace(mask=mask)),
        padding,
    )
    return output


@pytest.mark.parametrize("timestep_embedding", [False, True])
@pytest.mark.parametrize("lengths", [(6, 6, 6), (1, 3, 6)])
def test_the_future_does_not_change_the_past(lengths: tuple[int, ...], timestep_embedding: bool) -> None:
    model, batch = policy(timestep_embedding=timestep_embedding), random_batch(lengths)
    before = run(model, batch, "skip").action
    for t in range(5):
        batch = random_batch(lengths)
        batch.states[:, t + 1 :] += 1
        batch.returns_to_go[:, t + 1 :] -= 2
        batch.actions[:, t:] *= -0.5
        after = run(model, batch, "skip").action
        torch.testing.assert_close(after[:, : t + 1], before[:, : t + 1])
        assert not torch.allclose(after, before)


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_return_state_and_past_action_matters(kind: PolicyKind) -> None:
    model = policy(kind)
    before = run(model, random_batch([6]), "skip").action[0, -1]
    for change in ("returns_to_go", "states", "actions"):
        batch = random_batch([6])
        getattr(batch, change)[:, 2] += 0.3
        assert not torch.allclose(run(model, batch, "skip").action[0, -1], before)


@pytest.mark.parametrize("padding", ["skip", "attend", "compute"])
def test_behaviour_cloning_does_not_look_at_returns(padding: Padding) -> None:
    model, batch = policy(return_conditioning=False), random_batch((6, 2))
    before = run(model, batch, padding).action
    inputs = batch.states[:1], batch.actions[:1], batch.returns_to_go[:1, :-1], batch.timesteps[:1]
    acted = model.act(*inputs).action
    batch.returns_to_go.mul_(-3)
    torch.testing.assert_close(run(model, batch, padding).action, before, rtol=0, atol=0)
    torch.testing.assert_close(model.act(*inputs).action, acted, rtol=0, atol=0)
    torch.testing.assert_close(acted[0, 0], before[0, -1])


@pytest.mark.parametrize("timestep_embedding", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_does_not_change_real_positions(kind: PolicyKind, timestep_embedding: bool) -> None:
    lengths = (1, 6, 3, 5)
    model, batch = policy(kind, timestep_embedding=timestep_embedding), random_batch(lengths)
    for padding in ("skip", "compute"):
        output = run(model, batch, padding).action
        for row, length in enumerate(lengths):
            alone = model(
                batch.states[row : row + 1, -length:],
                batch.actions[row : row + 1, -length:],
                batch.returns_to_go[row : row + 1, -length - 1 : -1],
                batch.timesteps[row : row + 1, -length:],
                torch.ones(1, length, dtype=torch.bool),
            )
            torch.testing.assert_close(output[row, -length:], alone.action[0])


@pytest.mark.parametrize("kind", KINDS)
def test_skipped_positions_are_zero(kind: PolicyKind) -> None:
    batch = random_batch((1, 6, 3))
    output = run(policy(kind), batch, "skip")
    assert (output.action[~batch.mask] == 0).all()
    if output.distribution is not None:
        assert (output.distribution.loc[~batch.mask] == 0).all()


def test_packed_tokens_get_the_gradient_of_dense_ones() -> None:
    batch = random_batch((1, 6, 3, 2))
    gradients = []
    paddings: list[Padding] = ["skip", "compute"]
    for padding in paddings:
        model = policy()
        batch.mean(run(model, batch, padding).action.sin().sum(-1)).backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("lengths", [(1, 3, 6), (2, 2), (6, 6)])
def test_attending_to_padding_is_a_dense_pass_without_mask(lengths: tuple[int, ...]) -> None:
    model, batch = policy("stochastic"), random_batch(lengths)
    everything = torch.ones_like(batch.mask)
    attended, dense = run(model, batch, "attend"), run(model, batch, "skip", everything)
    torch.testing.assert_close(attended.action, dense.action)
    assert attended.distribution is not None
    assert dense.distribution is not None
    torch.testing.assert_close(attended.distribution.log_std, dense.distribution.log_std)
    skipped = run(model, batch, "skip").action
    assert batch.mask.all() or not torch.allclose(attended.action[batch.mask], skipped[batch.mask])


def test_attending_with_a_timestep_embedding_is_a_dense_pass_too() -> None:
    model, batch = policy(timestep_embedding=True), random_batch((1, 3, 6))
    batch.timesteps[:] = torch.arange(6)
    dense = run(model, batch, "skip", torch.ones_like(batch.mask)).action
    torch.testing.assert_close(run(model, batch, "attend").action, dense)


@pytest.mark.parametrize("C", [1, 2, 6])
@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_act_is_the_last_position_of_a_forward_pass(kind: PolicyKind, C: int) -> None:
    model, batch = policy(kind), random_batch((6, 6, 6))
    whole = model(
        batch.states[:, :C],
        batch.actions[:, :C],
        batch.returns_to_go[:, :C],
        batch.timesteps[:, :C],
        torch.ones(3, C, dtype=torch.bool),
    )
    context = batch.states[:, :C], batch.actions[:, :C], batch.returns_to_go[:, :C], batch.timesteps[:, :C]
    output = model.act(*context)
    assert output.action.shape == (3, 1, A)
    torch.testing.assert_close(output.action, whole.action[:, -1:])
    context[1][:, -1] = 7
    torch.testing.assert_close(model.act(*context).action, output.action)
    if output.distribution is not None:
        assert whole.distribution is not None
        torch.testing.assert_close(output.distribution.log_std, whole.distribution.log_std[:, -1:])


def test_act_refuses_training_mode() -> None:
    model = policy().train()
    with pytest.raises(RuntimeError, match="eval"):
        model.act(torch.zeros(1, 1, S), torch.zeros(1, 1, A), torch.zeros(1, 1), torch.zeros(1, 1).long())


@pytest.mark.parametrize("which", ["dropout", "embedding_dropout"])
def test_dropout_acts_in_training_mode_only(which: str) -> None:
    model, batch = policy(**{which: 0.5}), random_batch((6, 3))
    torch.testing.assert_close(run(model, batch, "skip").action, run(policy(), batch, "skip").action)
    model.train()
    first, second = run(model, batch, "skip").action, run(model, batch, "skip").action
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_gradient(kind: PolicyKind) -> None:
    model, batch = policy(kind, timestep_embedding=True), random_batch((6, 3, 1))
    output = run(model, batch, "skip")
    total = output.action.sum()
    if output.distribution is not None:
        total = total + output.distribution.log_std.square().sum()
    total.backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_actions_stay_inside_the_range_where_tanh_can_be_inverted() -> None:
    model, batch = policy(), random_batch((6,))
    with torch.no_grad():
        model.head.action.bias.copy_(torch.tensor([30.0, -30.0]))
    action = run(model, batch, "skip").action
    assert action.atanh().isfinite().all()


def test_bfloat16_autocast_stays_near_float32() -> None:
    batch = random_batch((6, 3, 1), dtype=torch.float32)
    model = policy("stochastic", torch.float32, dropout=0.1)
    exact = run(model, batch, "skip").action
    with torch.autocast("cpu", torch.bfloat16):
        rough = run(model, batch, "skip").action
        assert rough.dtype is torch.float32
        model.train()
        run(model, batch, "compute").action.sum().backward()
    torch.testing.assert_close(rough, exact, rtol=0, atol=0.1)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.blocks.parameters())


def test_float32_agrees_with_float64() -> None:
    batch = random_batch((6, 3, 1))
    wide, narrow = policy(), policy().float()
    inputs = (batch.states, batch.actions, batch.returns_to_go[:, :-1])
    exact = wide(*inputs, batch.timesteps, batch.mask).action
    rounded = narrow(*(x.float() for x in inputs), batch.timesteps, batch.mask).action
    torch.testing.assert_close(rounded.double(), exact, rtol=1e-4, atol=1e-5)
