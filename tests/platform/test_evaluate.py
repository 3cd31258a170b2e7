import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.platform.agent_runs import add_checkpoint, make_run
from vitamin.errors import RunError, SettingsError
from vitamin.platform.catalog import get_task
from vitamin.platform.experiments.evaluate import evaluate_agent, evaluate_run, load_agent
from vitamin.platform.experiments.video import record_episode

PAINTED = "tests.platform.own_environments:Painted-v0"


def test_equal_seeds_give_equal_episodes_and_others_do_not(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    first = evaluate_run(tmp_path / "run", episodes=3, seed=1)
    assert first == evaluate_run(tmp_path / "run", episodes=3, seed=1)
    assert first.returns != evaluate_run(tmp_path / "run", episodes=3, seed=2).returns
    assert len(first.returns) == 3
    assert first.lengths == (200, 200, 200)
    scores = [get_task("Pendulum-v1").normalized_score(value) for value in first.returns]
    assert first.normalized_scores == tuple(scores)


def test_default_episodes_are_those_of_the_run(tmp_path: Path) -> None:
    make_run(tmp_path / "run", overrides={"eval_episodes": 4})
    done = []
    agent = load_agent(tmp_path / "run")
    result = evaluate_agent(agent, progress=lambda episodes, total: done.append((episodes, total)))
    assert len(result.returns) == 4
    assert done == [(2, 4), (4, 4)]


@pytest.mark.parametrize("method", ["td3_odt", "odt"])
def test_target_return_and_checkpoint_matter(tmp_path: Path, method: str) -> None:
    make_run(tmp_path / "run", method=method)
    newest = evaluate_run(tmp_path / "run", episodes=1)
    assert newest == evaluate_run(tmp_path / "run", episodes=1, checkpoint=4)
    assert newest.returns != evaluate_run(tmp_path / "run", episodes=1, checkpoint=2).returns
    assert newest.returns != evaluate_run(tmp_path / "run", episodes=1, target_return=100.0).returns


@pytest.mark.parametrize(
    ("method", "overrides", "reason"),
    [
        ("pdt", {}, "latent futures"),
        ("iql", {}, "does not look at returns-to-go"),
        ("odt", {"return_conditioning": False}, "return_conditioning is off"),
    ],
)
def test_a_policy_blind_to_returns_acts_and_refuses_a_target_return(
    tmp_path: Path, method: str, overrides: dict[str, Any], reason: str
) -> None:
    make_run(tmp_path / "run", method=method, overrides=overrides)
    first = evaluate_run(tmp_path / "run", episodes=2, seed=1)
    assert first == evaluate_run(tmp_path / "run", episodes=2, seed=1)
    assert first.returns != evaluate_run(tmp_path / "run", episodes=2, seed=2).returns
    with pytest.raises(SettingsError, match=reason):
        evaluate_run(tmp_path / "run", episodes=1, target_return=3.0)


def test_task_without_reference_scores(tmp_path: Path) -> None:
    make_run(tmp_path / "run", task=PAINTED)
    result = evaluate_run(tmp_path / "run", episodes=2)
    assert result.normalized_scores is None
    assert result.lengths == (12, 12)


def test_success_and_discounted_returns(tmp_path: Path) -> None:
    make_run(tmp_path / "run", task="tests.platform.own_environments:Goal-v0", overrides={"discount": 0.5})
    result = evaluate_run(tmp_path / "run", episodes=3)
    assert result.successes == (True, True, True)
    assert result.discounted_returns == pytest.approx([2 - 0.5**11] * 3)
    make_run(tmp_path / "other", task=PAINTED)
    assert evaluate_run(tmp_path / "other", episodes=1).successes is None


def test_damaged_newest_checkpoint_is_reported_and_passed_over(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    damaged = tmp_path / "run" / "checkpoints" / "00000004" / "tensors.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    reports: list[str] = []
    assert load_agent(tmp_path / "run", report=reports.append).iteration == 2
    assert "00000004 is damaged: tensors.safetensors" in reports[0]
    with pytest.raises(RunError, match="damaged"):
        load_agent(tmp_path / "run", checkpoint=4)


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run folder"):
        load_agent(tmp_path / "missing")
    make_run(tmp_path / "sweep" / "run", iterations=())
    with pytest.raises(RunError, match=r"holds no run.*Runs below it: .*sweep/run"):
        load_agent(tmp_path / "sweep")
    with pytest.raises(RunError, match="no checkpoint yet"):
        load_agent(tmp_path / "sweep" / "run")
    with pytest.raises(RunError, match=r"no checkpoint of iteration 7; it has none"):
        load_agent(tmp_path / "sweep" / "run", checkpoint=7)


def test_checkpoint_of_another_task_or_schema(tmp_path: Path) -> None:
    spec = make_run(tmp_path / "run")
    add_checkpoint(tmp_path / "run", spec, 5, task="Hopper-v4")
    with pytest.raises(RunError, match=r"checkpoint 00000005.*belongs to Hopper-v4"):
        load_agent(tmp_path / "run")
    add_checkpoint(tmp_path / "run", spec, 6, schema=99)
    with pytest.raises(RunError, match="schema 99"):
        load_agent(tmp_path / "run")
    add_checkpoint(tmp_path / "run", spec, 7, schema=1)  # of a version that pretrained on fewer trajectories
    assert load_agent(tmp_path / "run").checkpoint.name == "00000007"


def test_run_file_of_another_run_or_schema(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    make_run(tmp_path / "other", method="odt")
    (tmp_path / "run" / "run.json").write_bytes((tmp_path / "other" / "run.json").read_bytes())
    with pytest.raises(RunError, match=r"config.yaml.*td3_odt.*odt"):
        load_agent(tmp_path / "run")
    file = tmp_path / "other" / "run.json"
    file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(RunError, match="schema version 99"):
        load_agent(tmp_path / "other")


def test_checkpoint_of_other_networks(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    make_run(tmp_path / "wide", overrides={"hidden_size": 32})
    (tmp_path / "run" / "config.yaml").write_bytes((tmp_path / "wide" / "config.yaml").read_bytes())
    with pytest.raises(RunError, match=r"does not hold the policy that .*config.yaml describes"):
        load_agent(tmp_path / "run")


def test_nothing_starts_or_imports_ray(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    program = (
        "import sys; from pathlib import Path\n"
        "from vitamin.platform.experiments.evaluate import evaluate_run\n"
        f"evaluate_run(Path({str(tmp_path / 'run')!r}), episodes=1); assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_video_has_the_episode_s_frames(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    make_run(tmp_path / "run", task=PAINTED)
    agent = load_agent(tmp_path / "run")
    value = record_episode(agent, tmp_path / "videos" / "video.mp4", seed=3)
    assert value == pytest.approx(evaluate_agent(agent, episodes=1, seed=3).returns[0])
    assert [file.name for file in (tmp_path / "videos").iterdir()] == ["video.mp4"]
    reader = ffmpeg.read_frames(str(tmp_path / "videos" / "video.mp4"))
    about = next(reader)
    frames = [np.frombuffer(frame, np.uint8) for frame in reader]
    assert (about["fps"], about["size"]) == (10, (256, 48))
    assert len(frames) == 13  # the first observation and 12 steps
    assert np.max(frames[0]) > 200  # white letters on black


def test_video_without_encoder_or_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / "run", task="tests.platform.own_environments:Corridor-v0")
    agent = load_agent(tmp_path / "run")
    with pytest.raises(RunError, match="cannot be recorded"):
        record_episode(agent, tmp_path / "video.mp4")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(RunError, match=r"imageio_ffmpeg.*pip install 'vitamin\[video\]'"):
        record_episode(agent, tmp_path / "video.mp4")
    assert not (tmp_path / "video.mp4").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere glfw needs no display")
def test_video_without_a_renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    make_run(tmp_path / "run", task="hopper-random-v2")
    with pytest.raises(RunError, match=r"MUJOCO_GL=glfw does not work.*apt-get install"):
        record_episode(load_agent(tmp_path / "run"), tmp_path / "video.mp4")
    assert list(tmp_path.glob("*.mp4")) == []


@pytest.mark.parametrize("target", [math.nan, math.inf, -math.inf])
def test_a_target_return_is_a_number_and_an_evaluation_has_episodes(tmp_path: Path, target: float) -> None:
    make_run(tmp_path / "run")
    with pytest.raises(SettingsError, match="A target return must be a finite number, not"):
        evaluate_run(tmp_path / "run", target_return=target)
    with pytest.raises(SettingsError, match="one episode at least, not 0"):
        evaluate_run(tmp_path / "run", episodes=0)


@pytest.mark.parametrize("changed", [{"num_layers": 100_000}, {"hidden_size": 10**9}, {"num_layers": 2}])
def test_a_policy_that_is_not_that_of_the_weights_is_not_built(
    tmp_path: Path, changed: dict[str, int]
) -> None:
    make_run(tmp_path / "run")
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    config["hyperparameters"] |= changed
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(RunError, match=r"does not hold the policy that .*config\.yaml describes"):
        load_agent(tmp_path / "run")
