"""The image's recipe: linted, and its build context holds what the wheel is built from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HADOLINT = shutil.which(
    "hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_recipe_passes_the_linter() -> None:
    result = subprocess.run(
        [str(HADOLINT), "docker/Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_build_context_holds_what_the_wheel_needs() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    links = {link.name for link in (ROOT / "vitamin").iterdir() if link.is_symlink()}
    assert kept == links | {"vitamin", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}


def test_image_names_no_version_that_the_constraints_hold() -> None:
    assert "==" not in (ROOT / "docker" / "Dockerfile").read_text()
