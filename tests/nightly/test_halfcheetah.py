"""The paper's claim on a real task, at a size for every night: `make nightly`. `make test` leaves it out."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vitamin import load_results
from vitamin.analysis.scores import run_scores

SPEC = Path(__file__).parents[2] / "tune_specs" / "halfcheetah.yaml"
HOURS = 3600


def vitamin(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-c", "from vitamin.platform.cli import main; main()", *arguments]
    subprocess.run(command, cwd=folder, check=True)


@pytest.mark.nightly
@pytest.mark.timeout(3 * HOURS)
def test_td3_odt_leaves_random_data_behind_and_odt_does_not(tmp_path: Path) -> None:
    """The shipped sweep with two seeds and a tenth of its steps: too few for a test, but the difference has a sign."""
    sweep = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    (task,) = sweep["tasks"]
    sweep |= {"seeds": sweep["seeds"][:2], "data": {task: "random.hdf5"}}
    sweep["overrides"] |= {"online_steps": 10_000}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")
    vitamin(
        tmp_path, "data", "collect", task, "--policy", "random", "--steps", "100000", "--out", "random.hdf5"
    )
    vitamin(tmp_path, "sweep", "sweep.yaml", "--out", "runs")
    results = load_results(tmp_path / "runs")
    assert results.runs["status"].tolist() == ["finished"] * 4
    finals = run_scores(results).counted.groupby("method", observed=True)["final"].mean()
    print(finals)
    assert finals["TD3+ODT"] > finals["ODT"]
