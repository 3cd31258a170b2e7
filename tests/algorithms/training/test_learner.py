"""The learner by itself: filled, fitted, saved and loaded without a process beside it."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from tests.algorithms.batches import A, S, settings
from vitamin.algorithms.assembly import build_module
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.rollouts.units import Rollout
from vitamin.algorithms.threads import torch_threads
from vitamin.algorithms.training.learner import Learner
from vitamin.errors import Diverged

LENGTHS = (9, 4, 7)


def trajectories(seed: int, lengths: tuple[int, ...] = LENGTHS) -> Trajectories:
    rng, N = np.random.default_rng(seed), sum(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Trajectories(
        observations=rng.standard_normal((N, S), np.float32),
        actions=rng.uniform(-0.9, 0.9, (N, A)).astype(np.float32),
        rewards=rng.standard_normal(N, np.float32),
        next_observations=rng.standard_normal((N, S), np.float32),
        terminals=np.isin(np.arange(N), offsets[1:] - 1),
        offsets=offsets,
        log_probs=rng.standard_normal(N, np.float32),
    )


def learner(method: str = "td3_odt", seed: int = 0, **overrides: Any) -> Learner:
    row = METHODS[method]
    usual = {"batch_size": 4, "dropout": 0.1, "drop_worst_trajectory": False}
    chosen = settings(**usual | overrides | dict(row.fixed))
    built = Learner(build_module(S, A, row, chosen, seed), row, chosen, seed=seed)
    built.load_offline_data(trajectories(1))
    return built


def go_on(built: Learner, number: int) -> dict[str, float]:
    """An online iteration."""
    built.add([Rollout(trajectories(10 + number, (5,))), Rollout(trajectories(20 + number, (3, 6)))])
    built.fit("online", 2)
    return built.take_metrics()


@pytest.mark.parametrize("method", ["td3_odt", "odt", "ppo_odt", "awr", "iql", "td3_bc"])
def test_a_later_learner_goes_on_bit_for_bit(method: str) -> None:
    first = learner(method)
    first.fit("pretrain", 3)
    assert first.take_metrics()["replay/trajectories"] == len(LENGTHS)
    go_on(first, 0)
    saved = copy.deepcopy(first.state())
    expected = [go_on(first, number) for number in (1, 2)], first.digest()

    second = learner(method)
    assert second.digest() != expected[1]
    for later in (second, first):  # a fresh one, and one that has been online and is set back
        later.load_state(*saved, offline_data=lambda: trajectories(1))
        assert ([go_on(later, number) for number in (1, 2)], later.digest()) == expected


def test_the_result_depends_on_the_seed_and_on_nothing_around_it() -> None:
    digests = []
    for seed, threads in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(len(digests))
        with torch_threads(threads):
            built = learner(seed=seed)
            built.fit("pretrain", 2)
            built.fit("pretrain", 1)
            go_on(built, 0)
        digests.append(built.digest())
    assert digests[0] == digests[1] != digests[2]


def test_what_is_around_an_update_stays_as_it_is() -> None:
    built, before = learner(), torch.get_rng_state()
    deterministic = torch.are_deterministic_algorithms_enabled()  # RLlib's tests leave them on
    built.fit("pretrain", 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.are_deterministic_algorithms_enabled() == deterministic


def test_metrics_are_means_since_they_were_last_taken() -> None:
    built = learner(actor_update_interval=2)
    built.fit("pretrain", 1)
    built.fit("pretrain", 2)
    together = built.take_metrics()
    apart = learner(actor_update_interval=2)
    rows = []
    for _ in range(3):
        apart.fit("pretrain", 1)
        rows.append(apart.take_metrics())
    assert built.digest() == apart.digest()
    for name in ("loss/critic", "loss/actor"):
        assert together[name] == pytest.approx(np.mean([row[name] for row in rows]), rel=1e-5)
    assert built.updates == 6


def test_weights_that_are_not_finite_are_said() -> None:
    built = learner()
    next(built.module.networks.q.parameters()).data.fill_(np.nan)
    with pytest.raises(Diverged, match="weights of critic"):
        built.fit("pretrain", 1)
