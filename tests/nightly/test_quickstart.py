"""The claim of the README's quickstart, on results of this commit: `make nightly`. `make test` leaves it out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vitamin import load_results
from vitamin.platform.experiments.versions import commit

ROOT = Path(__file__).parents[2]
MADE = ROOT / "results" / "quickstart"


def vitamin(folder: Path, *arguments: object) -> str:
    command = [sys.executable, "-c", "from vitamin.platform.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def is_of_this_commit(folder: Path) -> bool:
    """Whether `make quickstart` left finished runs there that today's files, unchanged, have made."""
    here = commit()
    if here is None or here.endswith("-dirty") or not folder.is_dir():
        return False
    results = load_results(folder)
    return not results.missing and {info.commit for info in results.infos.values()} == {here}


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_the_quickstart_confirms_what_the_readme_says(tmp_path: Path) -> None:
    """Six runs, three to six minutes unless `make quickstart` has just made them; the verdict is the report's."""
    results = MADE
    if not is_of_this_commit(MADE):
        results = tmp_path / "results" / "quickstart"
        data = tmp_path / "results" / "pendulum-random.hdf5"
        vitamin(
            tmp_path, "data", "collect", "Pendulum-v1", "--policy", "random", "--steps", 10_000, "--out", data
        )
        vitamin(tmp_path, "sweep", "quickstart", "--out", results)
    runs = load_results(results).runs
    assert runs["status"].tolist() == ["finished"] * 6

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (claim,) = re.findall(r"<!-- results: docs/results/quickstart claims \"(.*)\" -->", readme)
    page = tmp_path / "page.md"
    page.write_text(f'<!-- results: {results} claims "{claim}" -->\n<!-- end -->\n', encoding="utf-8")
    vitamin(tmp_path, "embed", page)
    verdict = page.read_text(encoding="utf-8")
    print(verdict)
    assert "**Confirmed**" in verdict
