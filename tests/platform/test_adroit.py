"""Adroit against D4RL's formulas (d4rl/hand_manipulation_suite/*_v0.py), and against a recorded demonstration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vitamin.platform.catalog import get_task
from vitamin.platform.environments import make_environment, make_raw_environment

DEMONSTRATION = Path(__file__).parent / "fixtures" / "door_demonstration.npz"


def made(name: str) -> tuple[Any, Any]:
    """The environment after a reset, and the MuJoCo environment in it."""
    env = make_raw_environment(get_task(f"{name}-human-v1"))
    env.reset(seed=0)
    return env, env.unwrapped


def set_joints(inner: Any, values: Mapping[str, float]) -> None:
    positions = inner.data.qpos.copy()
    for joint, value in values.items():
        positions[inner.model.joint(joint).qposadr[0]] = value
    inner.set_state(positions, np.zeros(inner.model.nv))


def length(vector: NDArray[np.float64]) -> float:
    return float(np.sqrt((vector**2).sum()))


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.1, 1.5])
def test_door(angle: float) -> None:
    env, inner = made("door")
    set_joints(inner, {"door_hinge": angle})
    _, reward, terminated, truncated, info = env.step(np.full(28, 0.3, np.float32))
    data, model = inner.data, inner.model
    hinge = data.qpos[model.joint("door_hinge").qposadr[0]]
    expected = (
        -0.1 * length(data.site("S_grasp").xpos - data.site("S_handle").xpos)
        - 0.1 * (hinge - 1.57) ** 2
        - 1e-5 * (data.qvel**2).sum()
        + 2 * (hinge > 0.2)
        + 8 * (hinge > 1.0)
        + 10 * (hinge > 1.35)
    )
    assert reward == pytest.approx(expected, abs=1e-9)
    assert info["success"] is (angle == 1.5)
    assert (terminated, truncated) == (False, False)


@pytest.mark.parametrize(("lifted", "driven"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.075), (0.2, 0.0895)])
def test_hammer(lifted: float, driven: float) -> None:
    env, inner = made("hammer")
    set_joints(inner, {"OBJTz": lifted, "nail_dir": driven})
    _, reward, terminated, truncated, info = env.step(np.full(26, 0.3, np.float32))
    data = inner.data
    hammer, palm, head = data.body("Object").xpos, data.site("S_grasp").xpos, data.site("tool").xpos
    nail, goal = data.site("S_target").xpos, data.site("nail_goal").xpos
    depth = length(nail - goal)
    expected = (
        -0.1 * length(palm - hammer)
        - length(head - nail)
        - 10 * depth
        - 0.01 * length(data.qvel)
        + 2 * (hammer[2] > 0.04 and head[2] > 0.04)
        + 25 * (depth < 0.02)
        + 75 * (depth < 0.01)
    )
    assert reward == pytest.approx(expected, abs=1e-9)
    assert info["success"] is bool(depth < 0.01)
    assert info["success"] is (driven == 0.0895)
    assert (terminated, truncated) == (False, False)


@pytest.mark.parametrize(("to_target", "lifted"), [(0.0, 0.0), (0.0, 0.3), (0.75, 0.0), (1.0, 0.0)])
def test_relocate(to_target: float, lifted: float) -> None:
    env, inner = made("relocate")
    way = to_target * (inner.data.site("target").xpos - inner.data.body("Object").xpos)
    set_joints(inner, {"OBJTx": way[0], "OBJTy": way[1], "OBJTz": way[2] + lifted})
    _, reward, terminated, truncated, info = env.step(np.full(30, 0.3, np.float32))
    data = inner.data
    ball, palm, target = data.body("Object").xpos, data.site("S_grasp").xpos, data.site("target").xpos
    distance = length(ball - target)
    expected = -0.1 * length(palm - ball) + 10 * (distance < 0.1) + 20 * (distance < 0.05)
    if ball[2] > 0.04:
        expected += 1 - 0.5 * length(palm - target) - 0.5 * distance
    assert reward == pytest.approx(expected, abs=1e-9)
    assert info["success"] is bool(distance < 0.1)
    assert info["success"] is (to_target > 0.7)
    assert (terminated, truncated) == (False, False)


@pytest.mark.parametrize(("aligned", "fallen"), [(False, False), (True, False), (False, True), (True, True)])
def test_pen(aligned: bool, fallen: bool) -> None:
    env, inner = made("pen")
    if aligned:
        inner.model.body("target").quat[:] = inner.model.body("Object").quat
    set_joints(inner, {"OBJTx": 0.4, "OBJTz": -0.2} if fallen else {})
    _, reward, terminated, truncated, info = env.step(np.zeros(24, np.float32))
    data = inner.data
    pen, target = data.body("Object").xpos, data.site("eps_ball").xpos
    pen_axis = data.site("object_top").xpos - data.site("object_bottom").xpos
    target_axis = data.site("target_top").xpos - data.site("target_bottom").xpos
    distance = length(pen - target)
    similarity = pen_axis @ target_axis / (length(pen_axis) * length(target_axis))
    close = distance < 0.075
    dropped = bool(pen[2] < 0.075)
    expected = (
        -distance
        + similarity
        + 10 * (close and similarity > 0.9)
        + 50 * (close and similarity > 0.95)
        - 5 * dropped
    )
    assert reward == pytest.approx(expected, abs=1e-6)
    assert info["success"] is bool(close and similarity > 0.95)
    assert info["success"] is (aligned and not fallen)
    assert (terminated, truncated) == (fallen, False)
    assert dropped is fallen


def test_a_dropped_pen_ends_the_episode_before_the_time_limit() -> None:
    env, inner = made("pen")
    generator = np.random.default_rng(0)
    heights = []
    terminated = False
    while not terminated:
        _, _, terminated, truncated, _ = env.step(generator.uniform(-1, 1, 24).astype(np.float32))
        assert not truncated
        heights.append(inner.data.body("Object").xpos[2])
    assert len(heights) < 100
    assert heights[-1] < 0.075 <= min(heights[:-1])


@pytest.mark.parametrize(("name", "limit"), [("hammer", 200), ("door", 200), ("relocate", 200)])
def test_time_limits(name: str, limit: int) -> None:
    env, _ = made(name)
    action = np.zeros(env.action_space.shape, np.float32)
    ends = [env.step(action)[2:4] for _ in range(limit)]
    assert ends == [(False, False)] * (limit - 1) + [(False, True)]


def test_a_held_pen_s_time_limit() -> None:
    env, inner = made("pen")
    start = inner.data.qpos.copy()
    ends = []
    for _ in range(100):
        inner.set_state(start, np.zeros(inner.model.nv))
        ends.append(env.step(np.zeros(24, np.float32))[2:4])
    assert ends == [(False, False)] * 99 + [(False, True)]


def test_a_human_demonstration_earns_the_rewards_that_were_recorded_with_it() -> None:
    """The first 199 steps of demonstration 11 of 25 (Rajeswaran et al. 2018, Apache-2.0).

    It passes all thresholds of the reward. The file has no velocities; the hand is taken to rest at first.
    """
    demonstration = np.load(DEMONSTRATION)
    env = make_environment(get_task("door-human-v1"))
    env.reset(seed=0)
    inner: Any = env.unwrapped
    first = demonstration["first_observation"].astype(float)
    positions = np.zeros(30)
    positions[1:28], positions[28], positions[29] = first[:27], first[28], first[27]

    def place() -> None:
        inner.set_state(positions, np.zeros(30))

    # What observations lack follows from the places of handle and palm: the frame's, and the arm's first joint.
    place()
    inner.model.body("frame").pos[:] += first[32:35] - inner.data.site("S_handle").xpos
    palm = inner.data.site("S_grasp").xpos.copy()
    positions[0] = 1.0
    place()
    direction = inner.data.site("S_grasp").xpos - palm
    positions[0] = (first[29:32] - palm) @ direction
    place()
    np.testing.assert_allclose(inner._get_obs(), first, atol=1e-6)

    steps = [env.step(action) for action in demonstration["actions"]]
    rewards = np.array([step[1] for step in steps])
    recorded = demonstration["rewards"]
    np.testing.assert_allclose(rewards, recorded, atol=0.01)
    assert recorded.min() < -0.2
    assert recorded.max() > 19
    np.testing.assert_allclose([step[0][28] for step in steps], demonstration["door_angles"], atol=0.02)
    assert [step[4]["success"] for step in steps] == [bool(reward > 15) for reward in recorded]
