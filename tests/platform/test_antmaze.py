"""AntMaze against D4RL's (d4rl/locomotion/ant.py, maze_env.py, goal_reaching_env.py, assets/ant.xml)."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_raw_environment

# D4RL's *_TEST maps: R start, G goal.
MAPS = {
    "antmaze-umaze-v2": ["#####", "#R  #", "### #", "#G  #", "#####"],
    "antmaze-medium-play-v2": [
        "########",
        "#R ##  #",
        "#  #   #",
        "##   ###",
        "#  #   #",
        "# #  # #",
        "#   # G#",
        "########",
    ],
    "antmaze-large-play-v2": [
        "############",
        "#R   #     #",
        "# ## # # # #",
        "#      #   #",
        "# #### ### #",
        "#  # #     #",
        "## # # # ###",
        "#  #   # G #",
        "############",
    ],
}
STILL = np.zeros(8, np.float32)


def made(name: str) -> tuple[Any, Any]:
    env = make_raw_environment(get_task(name))
    env.reset(seed=0)
    return env, env.unwrapped


def cell_of(name: str, letter: str) -> tuple[int, int]:
    ((i, j),) = [(i, j) for i, row in enumerate(MAPS[name]) for j, c in enumerate(row) if c == letter]
    return i, j


@pytest.mark.parametrize("name", MAPS)
def test_the_ant_starts_at_the_origin_and_the_goal_in_d4rl_s_range(name: str) -> None:
    env, _ = made(name)
    (start_i, start_j), (goal_i, goal_j) = cell_of(name, "R"), cell_of(name, "G")
    corner = 4.0 * np.array([goal_j - start_j, goal_i - start_i])  # x is the column, y the row
    resets = [env.reset(seed=seed) for seed in range(300)]
    observations = np.array([observation for observation, _ in resets])
    goals = np.array([info["goal"] for _, info in resets]) - corner

    assert np.abs(observations[:, :2]).max() <= 0.1
    at_rest = np.array([0, 0, 0.75, 1, 0, 0, 0, *[0] * 8])
    noise = observations[:, :15] - at_rest
    assert np.abs(noise).max() <= 0.1
    assert noise.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.03)
    assert observations[:, 15:].std() == pytest.approx(0.1, rel=0.03)

    # Uniform up to 1 plus uniform up to 0.5.
    assert goals.min() >= 0
    assert goals.max() <= 1.5
    assert goals.mean() == pytest.approx(0.75, abs=0.05)
    assert goals.var() == pytest.approx((1 + 0.25) / 12, rel=0.15)
    # Goal and start are drawn apart: nothing about the goal can be read off the first observation.
    correlations = np.corrcoef(np.concatenate([goals, observations[:, :15]], 1).T)[:2, 2:]
    assert np.abs(correlations).max() < 0.25


@pytest.mark.parametrize("name", MAPS)
def test_reward_termination_and_success_within_half_a_unit_of_the_goal(name: str) -> None:
    env, inner = made(name)
    for radius in (0.0, 0.3, 0.48, 0.52, 1.0):
        _, info = env.reset(seed=int(100 * radius))
        positions = inner.init_qpos.copy()
        positions[:2] = info["goal"] - [0.6 * radius, 0.8 * radius]
        inner.set_state(positions, np.zeros(14))
        observation, reward, terminated, truncated, info_after = env.step(STILL)
        distance = np.linalg.norm(observation[:2] - info["goal"])
        assert distance == pytest.approx(radius, abs=0.01)
        assert reward == (1.0 if distance <= 0.5 else 0.0)
        assert (type(reward), terminated, truncated) == (float, radius < 0.5, False)
        assert info_after["success"] is (radius < 0.5)


def test_a_fallen_ant_goes_on() -> None:
    env, inner = made("antmaze-umaze-v2")
    positions = inner.init_qpos.copy()
    positions[3:7] = 0, 1, 0, 0  # on its back
    inner.set_state(positions, np.zeros(14))
    assert [env.step(STILL)[1:4] for _ in range(20)] == [(0.0, False, False)] * 20


@pytest.mark.parametrize("name", MAPS)
def test_observations_are_positions_and_velocities(name: str) -> None:
    env, inner = made(name)
    observation, *_ = env.step(np.ones(8, np.float32))
    np.testing.assert_array_equal(observation, [*inner.data.qpos[:15], *inner.data.qvel[:14]])


@pytest.mark.parametrize("name", MAPS)
def test_walls_are_where_d4rl_s_are(name: str) -> None:
    """Cell (i, j) is 4 wide, centered at (4 (j - j_start), 4 (i - i_start)); its walls are 2 high."""
    _, inner = made(name)
    start_i, start_j = cell_of(name, "R")
    expected = {
        (4.0 * (j - start_j), 4.0 * (i - start_i))
        for i, row in enumerate(MAPS[name])
        for j, letter in enumerate(row)
        if letter == "#"
    }
    model = inner.model
    boxes = [k for k in range(model.ngeom) if model.geom(k).name.startswith("wall")]
    assert {(model.geom_pos[k][0], model.geom_pos[k][1]) for k in boxes} == expected
    assert len(boxes) == len(expected)
    for k in boxes:
        np.testing.assert_array_equal(model.geom_size[k], [2, 2, 1])
        assert model.geom_pos[k][2] == 1
        assert (model.geom_contype[k], model.geom_conaffinity[k]) == (1, 1)


def test_walls_stop_the_ant() -> None:
    env, inner = made("antmaze-umaze-v2")
    positions = inner.init_qpos.copy()
    for direction, stopped in ((-1.0, True), (1.0, False)):
        inner.set_state(positions, np.array([direction * 20, *[0.0] * 13]))
        furthest = max(abs(float(env.step(STILL)[0][0])) for _ in range(15))
        assert (furthest < 2.0) is stopped


def test_physics_of_d4rl_s_ant_xml() -> None:
    _, inner = made("antmaze-umaze-v2")
    model = inner.model
    assert model.opt.timestep == 0.02
    assert inner.frame_skip == 5
    np.testing.assert_array_equal(model.actuator_gear[:, 0], [30] * 8)
    np.testing.assert_array_equal(model.actuator_ctrlrange, [[-1, 1]] * 8)
    for k in range(model.ngeom):
        np.testing.assert_allclose(model.geom_solref[k], [0.02, 1])
        np.testing.assert_allclose(model.geom_solimp[k][:3], [0.8, 0.8, 0.01])
    assert inner.metadata["render_fps"] == round(1 / inner.dt) == 10


@pytest.mark.parametrize(("name", "limit"), [*zip(MAPS, (700, 1000, 1000), strict=True)])
def test_time_limits(name: str, limit: int) -> None:
    env, _ = made(name)
    ends = [env.step(STILL)[2:4] for _ in range(limit)]
    assert ends == [(False, False)] * (limit - 1) + [(False, True)]


def test_v0_draws_a_goal_for_each_episode_too_and_says_so() -> None:
    task = get_task("antmaze-umaze-v0")
    env = make_raw_environment(task)
    goals = [env.reset(seed=seed)[1]["goal"] for seed in range(2)]
    assert not np.array_equal(*goals)
    assert any("-v0" in quirk for quirk in task.quirks)


def test_no_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made("antmaze-umaze-v2")
    assert not list(tmp_path.iterdir())
