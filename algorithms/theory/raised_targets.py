"""Raising the target of a return-conditioned policy gains next to nothing (consequence of Corollary 1).

H steps in one state. Action a in [-1, 1] earns 1 with chance MEAN_CHANCE + SLOPE a, else 0, and the data's actions are
uniform: most of a return is luck, and the returns that a raised target asks for are hardly in the data.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.randomness import Stream, generator, torch_seed
from vitamin.algorithms.threads import torch_threads
from vitamin.algorithms.update import Updater

Floats = NDArray[np.float64]

MEAN_CHANCE: Final = 0.35
SLOPE: Final = 0.25
_METHOD = Method("return_conditioned", "", "deterministic", None, "")


@dataclass(frozen=True)
class Settings:
    """Of the experiment.

    Attributes:
        horizon: H.
        episodes: Of the data.
        updates: Of the decision transformer.
    """

    horizon: int = 20
    episodes: int = 500
    updates: int = 1000


@dataclass(frozen=True)
class Run:
    """One seed.

    Attributes:
        achieved: (H + 1,), expected return of the trained policy when it is conditioned on 0, 1, ..., H.
        highest: Highest return in the data.
    """

    achieved: Floats
    highest: int


def run(seed: int, settings: Settings | None = None) -> Run:
    """Makes data, trains a small decision transformer on it, and conditions it on every target."""
    settings = settings or Settings()
    H = settings.horizon
    data = _collect(seed, settings)
    hyperparameters = _hyperparameters(H)
    with torch_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, Stream.NETWORKS))
        networks = build_networks(1, 1, _METHOD, hyperparameters)
        updater = Updater(networks, _METHOD, hyperparameters)
        replay = Replay.from_offline(data, hyperparameters=hyperparameters)
        for step in range(settings.updates):
            batch = replay.sample(generator(seed, Stream.SEGMENTS, step), hyperparameters.batch_size)
            updater.update(batch, "pretrain", noise=torch.zeros)
        achieved = expected_returns(_table(networks, H, hyperparameters.return_scale))
    return Run(achieved=achieved, highest=round(data.returns.max()))


def ideal_actions(horizon: int) -> Floats:
    """The actions that minimize the squared error: E[a | return-to-go g, n steps left]; (H + 1, H + 1) for g and n.

    A return-to-go that n steps cannot earn counts as the nearest that they can. Without steps left: 0.
    """
    g = np.arange(horizon + 1)[:, None]
    n = np.maximum(np.arange(horizon + 1), 1)
    share = np.minimum(g / n, 1)  # of the steps left that pay
    covariance = SLOPE / 3  # of action and payment: actions have the variance 1 / 3
    actions = covariance * (share / MEAN_CHANCE - (1 - share) / (1 - MEAN_CHANCE))
    return np.where(np.arange(horizon + 1) > 0, actions, 0)


def expected_returns(actions: Floats) -> Floats:
    """Expected return of a policy conditioned on each target, exactly, by recursion over the steps left.

    Args:
        actions: (H + 1, H + 1), at a return-to-go and a number of steps left.

    Returns:
        (H + 1,).
    """
    chances = MEAN_CHANCE + SLOPE * actions
    returns = np.zeros(len(actions))
    for n in range(1, len(actions)):
        paid = 1 + np.concatenate([returns[:1], returns[:-1]])  # a return-to-go below 0 stays at 0
        returns = chances[:, n] * paid + (1 - chances[:, n]) * returns
    return returns


def _collect(seed: int, settings: Settings) -> Trajectories:
    rng = generator(seed, Stream.COLLECTION)
    steps = settings.episodes * settings.horizon
    actions = rng.uniform(-1, 1, steps)
    state = np.zeros((steps, 1), np.float32)
    offsets = np.arange(settings.episodes + 1) * settings.horizon
    terminals = np.zeros(steps, np.bool_)
    terminals[offsets[1:] - 1] = True
    return Trajectories(
        observations=state,
        actions=actions[:, None].astype(np.float32),
        rewards=(rng.random(steps) < MEAN_CHANCE + SLOPE * actions).astype(np.float32),
        next_observations=state,
        terminals=terminals,
        offsets=offsets,
    )


def _table(networks: Networks, H: int, return_scale: float) -> Floats:
    """The policy's actions at returns-to-go 0 to H and 0 to H steps left; (H + 1, H + 1)."""
    returns_to_go, left = np.meshgrid(np.arange(H + 1), np.arange(1, H + 1), indexing="ij")
    nothing = torch.zeros(returns_to_go.size, 1, 1)
    with torch.no_grad():
        output = networks.eval().policy.act(
            nothing,
            nothing,
            torch.from_numpy(returns_to_go.reshape(-1, 1)).float() * return_scale,
            torch.from_numpy(H - left.reshape(-1, 1)),
        )
    actions = output.action.double().numpy().reshape(H + 1, H)
    return np.concatenate([np.zeros((H + 1, 1)), actions], axis=1)


def _hyperparameters(horizon: int) -> Hyperparameters:
    return Hyperparameters(
        context_length=1,
        eval_context_length=1,
        hidden_size=32,
        num_layers=1,
        num_heads=1,
        dropout=0.0,
        embedding_dropout=0.0,
        timestep_embedding=True,
        max_timestep=horizon,
        return_scale=1 / horizon,
        batch_size=128,
        learning_rate=3e-3,
        warmup_updates=0,
        drop_worst_trajectory=False,
    )
