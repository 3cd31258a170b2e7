"""Mistakes of users: one message with the way out, a code that is not zero, nothing lost."""

import sys
from pathlib import Path

import pytest

from tests.cli.command import vitamin
from tests.platform.agent_runs import make_run
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return collect_dataset(get_task("Pendulum-v1"), steps=400, out=tmp_path / "data.hdf5")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hoper-medium-v2"], "Unknown task 'hoper-medium-v2'. Did you mean hopper-medium-v2"),
        (["Pendulum-v1", "--method", "td3odt"], "Unknown method 'td3odt'. Did you mean td3_odt"),
        (["Pendulum-v1", "--preset", "smal"], "Did you mean small?"),
        (["Pendulum-v1", "--set", "rl_coeficient=1"], "Did you mean rl_coefficient"),
        (["Pendulum-v1", "--set", "hidden_size=wide"], "expected an integer > 0"),
        (["Pendulum-v1", "--set", "dropout"], "Expected key=value"),
        (["Pendulum-v1", "--set", "num_heads=3"], "num_heads 3 does not divide"),
        (["CartPole-v1"], "CartPole-v1 has actions Discrete(2)"),
        (["--config", "missing.yaml"], "Cannot read missing.yaml"),
        (["Pendulum-v1", "--data", "missing.hdf5"], "There is no file"),
    ],
)
def test_settings(tmp_path: Path, arguments: list[str], words: str) -> None:
    assert words in vitamin("train", *arguments, "--out", "run", code=1).stderr
    assert not (tmp_path / "run" / "run.json").exists()


def test_names_that_are_not_utf_8_are_refused_before_anything_starts(tmp_path: Path, data: Path) -> None:
    options = ["Pendulum-v1", "--preset", "tiny", "--data"]
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "{name: s, tasks: [Pendulum-v1], methods: [odt], seeds: 1, data: {Pendulum-v1: data.hdf5}}"
    )
    (tmp_path / "odd\udcff.hdf5").hardlink_to(data)
    before = sorted(tmp_path.iterdir())
    words = "odd\\udcff{} is not UTF-8, as names must be where runs are made."
    assert words.format(".hdf5") in vitamin("train", *options, "odd\udcff.hdf5", code=1).stderr
    assert words.format("") in vitamin("train", *options, data, "--out", "odd\udcff", code=1).stderr
    assert words.format("") in vitamin("sweep", spec, "--out", "odd\udcff", code=1).stderr
    spec.write_text(spec.read_text().replace("data.hdf5", r'"odd\udcff.hdf5"'))
    assert words.format(".hdf5") in vitamin("sweep", spec, "--out", "sweep", code=1).stderr
    assert sorted(tmp_path.iterdir()) == before


def test_missing_dataset_says_which_file_from_where_and_where_to_put_it(tmp_path: Path) -> None:
    message = vitamin("train", "hopper-medium-v2", code=1).stderr
    assert str(tmp_path / "cache" / "hopper_medium-v2.hdf5") in message
    assert "http://rail.eecs.berkeley.edu/" in message
    assert "vitamin data import" in message


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- a list",
        "task: [",
        "task: Pendulum-v1\nsede: 1",
        "hyperparameters: 3",
        "task: Pendulum-v1\nhyperparameters: {tau: 0.1, tau: 0.2}",
    ],
)
def test_damaged_config(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    assert "error: " in vitamin("train", "--config", "config.yaml", code=1).stderr


def test_folder_with_another_run_is_left_alone(tmp_path: Path, data: Path) -> None:
    make_run(tmp_path / "run")
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}
    options = ["--data", data, "--preset", "tiny", "--out", "run"]
    message = vitamin("train", "Pendulum-v1", *options, code=1).stderr
    assert "already holds a run" in message
    assert "--resume" in message
    message = vitamin("train", "Pendulum-v1", *options, "--seed", 1, "--resume", code=1).stderr
    assert "holds another run (seed: 0 → 1)" in message.replace("\n", " ")
    assert (
        before.items()
        <= {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}.items()
    )


def test_folder_with_other_files_and_unwritable_folder(tmp_path: Path, data: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    message = vitamin("train", "Pendulum-v1", "--data", data, "--out", "thesis", code=1).stderr
    assert "is not empty and holds no run (chapter1.tex" in message
    message = vitamin("train", "Pendulum-v1", "--data", data, "--out", "data.hdf5/run", code=1).stderr
    assert "Cannot write to" in message


def test_video_without_an_encoder_is_refused_before_the_episodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    answer = vitamin("evaluate", "run", "--episodes", 2, "--video", "video.mp4", code=1)
    assert answer.stdout == ""
    assert "pip install 'vitamin[video]'" in answer.stderr


def test_video_without_a_renderer_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path / "run")
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setitem(sys.modules, "pygame", None)
    answer = vitamin("evaluate", "run", "--episodes", 1, "--video", "video.mp4", code=1)
    assert answer.stdout == ""
    assert "classic_control" in answer.stderr
    assert not (tmp_path / "video.mp4").exists()
