"""Maze2D against D4RL's point mass (d4rl/pointmaze/maze_model.py)."""

from typing import Any

import numpy as np
import pytest

from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_environment, make_raw_environment

# D4RL's maze strings; O is free, G the goal.
MAPS = {
    "maze2d-open-v0": ["#######", "#OOOOO#", "#OOGOO#", "#OOOOO#", "#######"],
    "maze2d-umaze-v1": ["#####", "#GOO#", "###O#", "#OOO#", "#####"],
    "maze2d-medium-v1": [
        "########",
        "#OO##OO#",
        "#OO#OOO#",
        "##OOO###",
        "#OO#OOO#",
        "#O#OO#O#",
        "#OOO#OG#",
        "########",
    ],
    "maze2d-large-v1": [
        "############",
        "#OOOO#OOOOO#",
        "#O##O#O#O#O#",
        "#OOOOOO#OOO#",
        "#O####O###O#",
        "#OO#O#OOOOO#",
        "##O#O#O#O###",
        "#OO#OOO#OGO#",
        "############",
    ],
}
LIMITS = {"maze2d-open-v0": 150, "maze2d-umaze-v1": 300, "maze2d-medium-v1": 600, "maze2d-large-v1": 800}
REST = np.zeros(2, np.float32)


def made(name: str) -> tuple[Any, Any]:
    env = make_raw_environment(get_task(name))
    env.reset(seed=0)
    return env, env.unwrapped


def letters(name: str, wanted: str) -> list[tuple[int, int]]:
    return [(i, j) for i, row in enumerate(MAPS[name]) for j, letter in enumerate(row) if letter in wanted]


@pytest.mark.parametrize("name", MAPS)
def test_reward_and_success_within_half_a_unit_of_the_goal_and_no_termination(name: str) -> None:
    env, inner = made(name)
    ((i, j),) = letters(name, "G")
    for offset in ((0.0, 0.0), (0.0, 0.2), (-0.49, 0.0), (-0.3, -0.45), (-0.51, 0.0), (0.0, -0.6)):
        inner.set_state(np.array([i + offset[0], j + offset[1]]), np.zeros(2))
        observation, reward, terminated, truncated, info = env.step(REST)
        distance = np.hypot(observation[0] - i, observation[1] - j)
        assert distance == pytest.approx(np.hypot(*offset), abs=1e-3)
        assert reward == (1.0 if distance <= 0.5 else 0.0)
        assert info["success"] is bool(np.hypot(*offset) <= 0.5)
        assert (type(reward), terminated, truncated) == (float, False, False)


@pytest.mark.parametrize("name", MAPS)
def test_walls_are_where_d4rl_s_are(name: str) -> None:
    """The wall of cell (i, j) is centered at (i - 0.2, j - 0.2), 0.5 to each side; the ball's radius is 0.1."""
    env, inner = made(name)
    walls = letters(name, "#")
    for i, j in letters(name, "OG"):
        center = np.array([i - 0.2, j - 0.2])
        for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
            inner.set_state(center.copy(), np.zeros(2))
            action = np.zeros(2, np.float32)
            action[axis] = sign
            for _ in range(40):
                observation = env.unwrapped.step(action)[0]
            moved = sign * (observation[axis] - center[axis])
            neighbor = (i + sign, j) if axis == 0 else (i, j + sign)
            if neighbor in walls:
                assert moved == pytest.approx(0.4, abs=0.05)
            else:
                assert moved > 0.6


def test_a_step_of_the_point_mass() -> None:
    """Damping 1, force 100, a sphere of radius 0.1 and density 1000, steps of 0.01 with implicit damping."""
    env, inner = made("maze2d-open-v0")
    inner.set_state(np.array([1.0, 2.0]), np.array([0.5, -1.0]))
    observation, *_ = env.step(np.array([0.3, 2.0], np.float32))  # clipped to 1
    mass = 1000 * 4 / 3 * np.pi * 0.1**3
    velocity = np.array([0.5, -1.0])
    velocity += 0.01 * (np.array([30.0, 100.0]) - velocity) / (mass + 0.01)
    np.testing.assert_allclose(
        observation, [1 + 0.01 * velocity[0], 2 + 0.01 * velocity[1], *velocity], rtol=1e-6
    )


def test_speed_is_clipped_before_each_step() -> None:
    env, inner = made("maze2d-open-v0")
    inner.set_state(np.array([2.0, 2.0]), np.array([0.0, 50.0]))
    observation, *_ = env.step(REST)
    assert 4.9 < observation[3] < 5.0


@pytest.mark.parametrize("name", MAPS)
def test_starts_are_all_free_cells_with_a_little_noise(name: str) -> None:
    env, _ = made(name)
    starts = np.array([env.reset(seed=seed)[0] for seed in range(20 * len(letters(name, "OG")))])
    rounded = np.round(starts[:, :2])
    assert np.abs(starts[:, :2] - rounded).max() <= 0.1
    assert {tuple(cell) for cell in rounded.astype(int).tolist()} == set(letters(name, "OG"))
    assert np.abs(starts[:, :2] - rounded).mean() == pytest.approx(0.05, abs=0.01)
    assert starts[:, 2:].std() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_time_limits(name: str, limit: int) -> None:
    env, _ = made(name)
    ends = [env.step(REST)[2:4] for _ in range(limit)]
    assert ends == [(False, False)] * (limit - 1) + [(False, True)]


def test_random_returns_agree_with_d4rl_s_reference() -> None:
    """maze2d-umaze's minimum, 23.85, is the mean of a random policy; 100 episodes have a standard error of about 5."""
    task = get_task("maze2d-umaze-v1")
    env = make_environment(task)
    returns = []
    for seed in range(100):
        env.reset(seed=seed)
        generator = np.random.default_rng(seed)
        actions = generator.uniform(-1, 1, (300, 2)).astype(np.float32)
        returns.append(sum(env.step(action)[1] for action in actions))
    error = np.std(returns) / np.sqrt(len(returns))
    assert error < 8
    assert task.reference_min == pytest.approx(np.mean(returns), abs=2.5 * error)
