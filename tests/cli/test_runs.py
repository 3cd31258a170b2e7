"""The commands on real runs: collect, train, stop, resume, evaluate."""

import csv
import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.command import in_new_process, start, vitamin

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    vitamin("data", "collect", "Pendulum-v1", "--steps", 1000, "--out", "data.hdf5")
    return tmp_path / "data.hdf5"


def test_train_resume_and_evaluate(tmp_path: Path) -> None:
    options = ["--data", "data.hdf5", "--preset", "tiny", "--set", "tau=0.1"]
    code, out, err = in_new_process("train", "Pendulum-v1", *options)
    assert code == 0, err
    run = tmp_path / "results" / "Pendulum-v1-td3_odt-seed0"
    assert all(
        re.match(r"Pendulum-v1 · TD3\+ODT · seed 0|iteration \d", line) for line in err.splitlines()
    ), err

    rows = list(csv.DictReader((run / "evaluations.csv").open()))
    last = [float(row["normalized_score"]) for row in rows if row["iteration"] == rows[-1]["iteration"]]
    assert f"{sum(last) / len(last):.1f} after {rows[-1]['env_steps']} online steps" in out
    assert "vitamin evaluate results/Pendulum-v1-td3_odt-seed0" in out
    info = json.loads((run / "run.json").read_text())
    assert (info["status"], info["overrides"]) == ("finished", {"tau": 0.1})

    again = vitamin("train", "--resume", "--out", run)
    assert "is finished already" in again.stderr
    assert again.stdout.splitlines()[1:2] == out.splitlines()[1:2]

    evaluated = vitamin("evaluate", run, "--episodes", len(last), "--seed", 0).stdout
    score = next(line for line in evaluated.splitlines() if line.startswith("normalized score"))
    assert score.split()[2] == f"{sum(last) / len(last):.1f}"
    assert evaluated == vitamin("evaluate", run).stdout

    copied = vitamin("train", "--config", run / "config.yaml", "--out", run, code=1)
    assert "already holds a run" in copied.stderr


def test_stopping_keeps_the_state_and_resume_goes_on(tmp_path: Path) -> None:
    options = ["--data", "data.hdf5", "--preset", "tiny", "--num-env-runners", 0, "--out", "run"]
    process = start("train", "Pendulum-v1", *options, "--online-steps", 1_000_000)
    assert process.stderr is not None
    for line in process.stderr:
        if " online " in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert "Stopping after this iteration" in err
    assert "vitamin train --resume --out run" in out
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["status"] == "stopped"
    assert info["message"].startswith("stopped by SIGINT at ")
    assert info["message"].endswith(" of 1 000 000 online steps; `--resume` continues it")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    before = json.loads(lines[-1])

    code, _, err = in_new_process(
        "train", "--resume", "--out", "run", "--online-steps", before["env_steps"] + 1
    )
    assert code == 0, err
    assert f"Resuming after iteration {before['iteration']}." in err
    assert (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[: len(lines)] == lines
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "finished"


def test_damaged_data_ends_the_run_with_one_message(data: Path) -> None:
    data.write_bytes(b"no HDF5")
    answer = vitamin("train", "Pendulum-v1", "--data", data, "--quiet", code=1)
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "is not an HDF5 file" in answer.stderr


def test_an_environment_of_the_current_directory(tmp_path: Path) -> None:
    (tmp_path / "my_pendulum.py").write_text(
        "import gymnasium\n"
        "gymnasium.register('Mine-v0', 'gymnasium.envs.classic_control:PendulumEnv', max_episode_steps=50)\n"
    )
    options = ["--data", "data.hdf5", "--preset", "tiny", "--online-steps", 1]
    code, out, err = in_new_process("train", "my_pendulum:Mine-v0", *options)
    assert code == 0, err
    assert (tmp_path / "results" / "my_pendulum-Mine-v0-td3_odt-seed0" / "run.json").is_file()
    assert "Mean return: " in out
