"""Small Minari datasets, made with Minari itself as other programs would make them."""

import warnings
from typing import Any

import gymnasium
import minari
import numpy as np
from gymnasium.spaces import Box, Dict
from minari.data_collector import EpisodeBuffer
from numpy.typing import NDArray

LENGTHS = (4, 1, 6)
ENDS = ("terminated", "", "truncated")


class Goal(gymnasium.Env[dict[str, NDArray[np.float64]], NDArray[np.float32]]):
    """Observations as of the goal mazes; the reward is the first action."""

    observation_space = Dict(
        {"observation": Box(-9, 9, (3,)), "achieved_goal": Box(-9, 9, (2,)), "desired_goal": Box(-9, 9, (2,))}
    )
    action_space = Box(-2.0, 2.0, (2,))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
        super().reset(seed=seed)
        return self._show(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[dict[str, NDArray[np.float64]], float, bool, bool, dict[str, Any]]:
        return self._show(), float(action[0]), False, False, {}

    def _show(self) -> dict[str, NDArray[np.float64]]:
        return {
            "observation": np.full(3, 1.0, np.float32),
            "achieved_goal": np.full(2, 2.0, np.float32),
            "desired_goal": np.full(2, 3.0, np.float32),
        }


gymnasium.register("MinariGoal-v0", entry_point="tests.platform.minari_datasets:Goal", max_episode_steps=7)


def create(
    name: str, env: str | None = "Pendulum-v1", *, seed: int = 0, ends: tuple[str, ...] = ENDS, **options: Any
) -> list[EpisodeBuffer]:
    """A local dataset of three episodes of noise in Pendulum-v1, or in the spaces of ``env`` or ``options``."""
    rng = np.random.default_rng(seed)
    made = gymnasium.make(env or "Pendulum-v1")
    spaces = {"observation_space": made.observation_space, "action_space": made.action_space} | options
    buffers = [_episode(rng, number, T, ends[number], spaces) for number, T in enumerate(LENGTHS)]
    about = dict.fromkeys(("author", "author_email", "code_permalink", "description"), "tests")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        minari.create_dataset_from_buffers(
            name, buffers, env=env, eval_env=env, algorithm_name="noise", **about, **spaces
        )
    return buffers


def _episode(
    rng: np.random.Generator, number: int, T: int, end: str, spaces: dict[str, Any]
) -> EpisodeBuffer:
    terminations, truncations = np.zeros(T, bool), np.zeros(T, bool)
    terminations[-1], truncations[-1] = end == "terminated", end == "truncated"
    return EpisodeBuffer(
        id=number,
        observations=_values(rng, spaces["observation_space"], T + 1),
        actions=_values(rng, spaces["action_space"], T),
        rewards=rng.normal(size=T),
        terminations=terminations,
        truncations=truncations,
        infos={},
    )


def _values(rng: np.random.Generator, space: Any, count: int) -> Any:
    if isinstance(space, Dict):
        return {key: _values(rng, part, count) for key, part in space.spaces.items()}
    if isinstance(space, Box):
        return rng.uniform(-1, 1, (count, *space.shape)).astype(space.dtype)
    return np.zeros(count, np.int64)
