"""The same numbers on a GPU as on the CPU; skipped where there is none."""

import copy

import pytest
import torch

from tests.algorithms.batches import A, S, random_batch, settings
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.models import attention as attention_module
from vitamin.algorithms.models.attention import attention
from vitamin.algorithms.update import Updater

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def _noise(shape: torch.Size) -> torch.Tensor:
    return torch.zeros(shape, device="cuda")


@needs_gpu
@pytest.mark.parametrize("over_padding", [False, True])
@pytest.mark.parametrize("method", ["td3_odt", "odt"])
def test_updates_on_a_gpu_equal_those_on_the_cpu(method: str, over_padding: bool) -> None:
    chosen = settings(
        rl_coefficient=1.0,
        critic_loss_over_padding=over_padding,
        entropy_over_padding=over_padding,
        target_attends_padding=over_padding,
    )
    torch.manual_seed(0)
    networks = build_networks(S, A, METHODS[method], chosen)
    batch = random_batch((6, 2, 5, 1))
    floats = {
        name: value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
        for name, value in vars(batch).items()
    }
    results = {}
    for device in ("cpu", "cuda"):
        moved = {n: v.to(device) if isinstance(v, torch.Tensor) else v for n, v in floats.items()}
        updater = Updater(copy.deepcopy(networks).to(device), METHODS[method], chosen)
        for _ in range(3):
            metrics = updater.update(
                SegmentBatch(**moved), "online", lambda shape, where=device: torch.zeros(shape, device=where)
            )
        results[device] = metrics, [p.detach().cpu() for p in updater.networks.parameters()]
    for name, value in results["cpu"][0].items():
        torch.testing.assert_close(results["cuda"][0][name].cpu(), value, rtol=1e-3, atol=1e-4)
    for ours, theirs in zip(results["cuda"][1], results["cpu"][1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@needs_gpu
@pytest.mark.parametrize("method", ["td3_odt", "odt"])
def test_bfloat16_and_dropout_work_on_a_gpu(method: str) -> None:
    chosen = settings(precision="bfloat16", dropout=0.1, embedding_dropout=0.1, rl_coefficient=1.0)
    updater = Updater(build_networks(S, A, METHODS[method], chosen).cuda().train(), METHODS[method], chosen)
    batch = random_batch((6, 2, 5, 1))
    moved = {
        name: (value.float() if value.is_floating_point() else value).cuda()
        if isinstance(value, torch.Tensor)
        else value
        for name, value in vars(batch).items()
    }
    metrics = updater.update(SegmentBatch(**moved), "online", _noise)
    assert all(torch.isfinite(value) for value in metrics.values())


def test_attention_takes_weights_in_float32_as_autocast_on_cuda_gives_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    query, key_value = torch.randn(2, 20, 8), torch.randn(2, 20, 16)
    gradients = []
    for precise in (False, True):
        if precise:
            monkeypatch.setattr(
                attention_module, "_softmax", lambda scores: scores.float().softmax(-1, dtype=torch.float32)
            )
        q, kv = (x.bfloat16().requires_grad_() for x in (query, key_value))
        penalty = torch.zeros(2, 20, dtype=torch.bfloat16)
        bias = torch.full((20, 20), -torch.inf, dtype=torch.bfloat16).triu(1)
        attention(q, kv, 2, bias, penalty, dropout=0.0).sum().backward()
        gradients.append((q.grad, kv.grad))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.1, atol=0.1)
