"""Rollouts in the golden numbers' toy environment against the published code (files 7)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from torch import Tensor

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.rollouts.rollout import rollout_unit


@pytest.fixture
def dtype() -> torch.dtype:
    """Rollouts record and see float32 in any case."""
    return torch.float32


@pytest.mark.golden("rollout_")
def test_rollout(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    steps, W = golden["expected/env_actions"].shape[:2]
    settings = _settings(golden)
    kind = "stochastic" if "_sto_" in golden.name else "deterministic"
    policy = Recorder(reference.policy(golden, settings, kind, dtype))
    environments = [ToyEnvironment(golden, i) for i in range(W)]
    trajectories = rollout_unit(
        environments,
        policy,
        hyperparameters=settings,
        observation_mean=torch.from_numpy(golden["state_mean"]).to(dtype),
        observation_std=torch.from_numpy(golden["state_std"]).to(dtype),
        target_return=golden["target_return"] / golden["reward_scale"],
        explore=bool(golden["noise_level"] > 0) or golden.name.endswith("sample"),
        rng=RecordedNoise(golden),
        record_log_probs=kind == "stochastic",
    )

    lengths = golden["expected/lengths"].astype(int)
    compare("lengths", trajectories.lengths)
    compare("returns", trajectories.returns)
    _compare_contexts(golden, compare, policy, lengths)
    actions = np.zeros((steps, W, golden["env_B"].shape[0]))
    for i, environment in enumerate(environments):
        actions[: lengths[i], i] = environment.actions
    compare("env_actions", actions, where=np.arange(steps)[:, None] < lengths)

    for i in range(W):
        episode = trajectories.select([i])
        # The published code stores the state after the reset as the last next observation, and ends every
        # trajectory with a terminal, which ours does at insertion into the replay.
        not_last = np.arange(lengths[i]) < lengths[i] - 1
        compare(f"traj{i}/observations", episode.observations)
        compare(f"traj{i}/actions", episode.actions)
        compare(f"traj{i}/rewards", episode.rewards[:, None])
        compare(f"traj{i}/next_observations", episode.next_observations, where=not_last)
        compare(f"traj{i}/terminals", episode.terminals, where=not_last)
        if episode.log_probs is not None:
            compare(f"traj{i}/action_log_probs", episode.log_probs)
        assert episode.terminals[-1] == (lengths[i] == golden["env_len"][i])


class ToyEnvironment:
    """x' = tanh(x A + a B + c), reward x' w - 0.1 |a|^2 in float32; ends at its length or a time limit."""

    def __init__(self, golden: GoldenFile, index: int) -> None:
        self._golden = golden
        self._index = index
        self._time_limit = int(golden["max_ep_len"])
        self.action_space = Box(-1, 1, (len(golden["env_B"]),))
        self.actions: list[NDArray[np.float32]] = []

    def reset(self, *, seed: int | None = None) -> tuple[NDArray[np.float64], dict[str, Any]]:
        self._state = self._golden["env_x0"][self._index]
        return self._state, {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        golden = self._golden
        self.actions.append(action)
        self._state = np.tanh(self._state @ golden["env_A"] + action @ golden["env_B"] + golden["env_c"])
        reward = np.float32(self._state @ golden["env_w"] - 0.1 * np.sum(np.square(action)))
        step = len(self.actions)
        return (
            self._state,
            float(reward),
            step == golden["env_len"][self._index],
            step == self._time_limit,
            {},
        )


class Recorder:
    """A policy that keeps the contexts it was shown."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy
        self.contexts: list[tuple[Tensor, ...]] = []

    def act(self, *context: Tensor) -> PolicyOutput:
        self.contexts.append(tuple(tensor.clone() for tensor in context))
        output: PolicyOutput = self._policy.act(*context)
        return output


class RecordedNoise(np.random.Generator):
    """The golden file's noise; that of the stochastic policy covers the whole context."""

    def __init__(self, golden: GoldenFile) -> None:
        super().__init__(np.random.PCG64(0))
        recorded = golden.group("noise")
        draws = [recorded[key] for key in sorted(recorded, key=lambda key: int(key.split("_")[0]))]
        self._draws: Iterator[NDArray[Any]] = iter(d[:, -1] if d.ndim == 3 else d for d in draws)

    def standard_normal(self, *args: Any, **kwargs: Any) -> Any:
        return next(self._draws).astype(np.float64)


def _settings(golden: GoldenFile) -> Hyperparameters:
    config = golden.config
    return Hyperparameters(
        context_length=int(golden["K"]),
        eval_context_length=int(golden["eval_context_length"]),
        hidden_size=config["hidden"],
        num_layers=config["layers"],
        num_heads=config["heads"],
        max_timestep=config["max_timestep"],
        return_scale=float(golden["reward_scale"]),
        exploration_noise=float(golden["noise_level"]),
    )


def _compare_contexts(
    golden: GoldenFile, compare: Comparison, policy: Recorder, lengths: NDArray[np.int64]
) -> None:
    """At real positions of environments that still run: ours have left the batch, and are not padded."""
    steps, W, K = golden["expected/ctx_padding_mask"].shape
    mask = np.zeros((steps, W, K), np.bool_)
    names = ("ctx_states", "ctx_actions", "ctx_rtg", "ctx_timesteps")
    padded = {name: np.zeros(golden[f"expected/{name}"].shape) for name in names}
    assert len(policy.contexts) == steps
    for step, context in enumerate(policy.contexts):
        running = np.flatnonzero(step < lengths)
        C = context[0].shape[1]
        mask[step, running, K - C :] = True
        for name, ours in zip(names, context, strict=True):
            target = padded[name]
            target[step, running, K - C :] = ours.numpy().reshape(len(running), C, *target.shape[3:])
    running_everywhere = (np.arange(steps)[:, None] < lengths)[..., None] & np.ones(K, np.bool_)
    compare("ctx_padding_mask", mask, where=running_everywhere)
    for name in names:
        compare(name, padded[name], where=mask)
