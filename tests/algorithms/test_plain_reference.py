import pytest
import torch

from benchmarks.plain_reference import PlainTD3
from tests.algorithms.batches import A, S, random_batch, settings
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.update import Updater


@pytest.mark.parametrize("lengths", [(6, 6, 6), (1, 6, 3)])
def test_the_update_that_benchmarks_compare_with_is_the_same_update(lengths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    chosen = settings(actor_update_interval=1, learning_rate=1e-2)
    networks = build_networks(S, A, METHODS["td3_odt"], chosen)
    plain = PlainTD3(networks, S, A, chosen)
    updater = Updater(networks, METHODS["td3_odt"], chosen)
    batch = random_batch(lengths, dtype=torch.float32)
    noise = torch.randn(batch.actions.shape)
    for _ in range(3):
        metrics = updater.update(batch, "online", lambda shape: noise)
        critic_loss, actor_loss = plain.update(batch, noise)
        torch.testing.assert_close(metrics["loss/critic"], critic_loss, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(metrics["loss/actor"], actor_loss, rtol=1e-3, atol=1e-4)
