"""Forward passes of the decision transformer (golden files 1)."""

import numpy as np
import pytest
import torch

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.policy import Padding

NOT_OURS = ("state_preds", "return_preds")
"""Heads that no loss trains; we do not build them."""

HISTORY_CONTEXT = 3
"""The context to which the files' rollout histories are cut."""


def _run(
    policy: DecisionTransformer, batch: SegmentBatch, mask: torch.Tensor, padding: Padding
) -> PolicyOutput:
    output: PolicyOutput = policy(
        batch.states, batch.actions, batch.returns_to_go[:, :-1], batch.timesteps, mask, padding
    )
    return output


def _compare_histories(
    golden: GoldenFile, policy: DecisionTransformer, dtype: torch.dtype, compare: Comparison
) -> None:
    lengths = sorted(
        int(key[4:].split("/")[0]) for key in golden if key.startswith("hist") and key.endswith("/states")
    )
    for length in lengths:
        history = golden.group(f"hist{length}")
        context = slice(-min(length, HISTORY_CONTEXT, reference.context_length(golden)), None)
        output = policy.act(
            reference.unrounded(history["states"], dtype)[:, context],
            reference.unrounded(history["actions"], dtype)[:, context],
            reference.unrounded(history["rtg"], dtype)[:, context, 0],
            torch.arange(length).expand(len(history["states"]), -1)[:, context],
        )
        compare(f"hist{length}_action", output.action[:, 0])


@pytest.mark.golden("forward_det")
@torch.inference_mode()
def test_deterministic_forward(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    policy = reference.policy(golden, reference.hyperparameters(golden), "deterministic", dtype)
    batch = reference.batch(golden.group("in"), dtype)
    real = reference.mask_of(golden.group("in"))
    everything = torch.ones_like(batch.mask)

    compare.skip(NOT_OURS)
    compare("action_preds", _run(policy, batch, batch.mask, "skip").action, where=real)
    compare("action_preds", _run(policy, batch, batch.mask, "compute").action, where=real)
    # Without a mask nothing is padding, so that all positions have a meaning.
    compare("action_preds_no_mask", _run(policy, batch, everything, "skip").action)
    compare("action_preds_no_mask", _run(policy, batch, batch.mask, "attend").action)
    _compare_histories(golden, policy, dtype, compare)


@pytest.mark.golden("forward_sto")
@torch.inference_mode()
def test_stochastic_forward(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    policy = reference.policy(golden, reference.hyperparameters(golden), "stochastic", dtype)
    batch = reference.batch(golden.group("in"), dtype)
    real = reference.mask_of(golden.group("in"))
    everything = torch.ones_like(batch.mask)
    boundary = np.full(golden["in/actions"].shape, np.float32(1 - 1e-6))
    boundary[..., 0] = np.float32(-1 + 1e-6)

    compare.skip(NOT_OURS)
    paddings: tuple[Padding, ...] = ("skip", "compute")
    for padding in paddings:
        output = _run(policy, batch, batch.mask, padding)
        assert output.distribution is not None
        compare("loc", output.distribution.loc, where=real)
        compare("log_std", output.distribution.log_std, where=real)
        compare("mean", output.action, where=real)
        compare("log_likelihood", output.distribution.log_prob(batch.actions), where=real)
        compare(
            "log_likelihood_boundary_actions",
            output.distribution.log_prob(torch.from_numpy(boundary).to(dtype)),
            where=real,
        )
        noise = torch.from_numpy(golden["noise/0_rsample"][0]).to(dtype)
        compare("entropy_mc", output.distribution.entropy(noise), where=real)
    for output in (_run(policy, batch, everything, "skip"), _run(policy, batch, batch.mask, "attend")):
        assert output.distribution is not None
        compare("loc_no_mask", output.distribution.loc)
    _compare_histories(golden, policy, dtype, compare)
