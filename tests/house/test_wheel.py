"""The contents of a built wheel: every module and data file once, under `vitamin/`."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.analysis.run_folders import write_run

ROOT = Path(__file__).parents[2]
PARTS = ("platform", "algorithms", "analysis", "tune_specs")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


def build(source: Path, kind: str, out: Path) -> Path:
    """Build a `wheel` or an `sdist` of the project in `source`, with the setuptools installed here."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", out, source]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the build reads, links kept, without caches: building leaves no trace in the project."""
    copy = tmp_path_factory.mktemp("checkout") / "vitamin"
    copy.mkdir()
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy / name)
    for name in (*PARTS, "vitamin"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(checkout, "wheel", tmp_path_factory.mktemp("wheel"))


def names_in(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")]


def test_wheel_holds_every_file_of_the_project_once(checkout: Path, wheel: Path) -> None:
    files = [
        Path(folder, name)
        for folder, _, names in os.walk(checkout / "vitamin", followlinks=True)
        for name in names
    ]
    assert Counter(names_in(wheel)) == Counter(file.relative_to(checkout).as_posix() for file in files)


def test_wheel_has_one_top_level_package(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names_in(wheel)} == {"vitamin"}


def test_wheel_says_that_it_is_typed_licensed_and_has_the_command(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
        metadata = archive.read(f"{info}/METADATA").decode()
        commands = archive.read(f"{info}/entry_points.txt").decode()
    assert "vitamin/py.typed" in names
    assert f"{info}/licenses/LICENSE" in names
    assert "License-Expression: Apache-2.0" in metadata
    assert "vitamin = vitamin.platform.cli:main" in commands


def test_installed_elsewhere_the_command_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", site, wheel], check=True)
    program = "import vitamin; print(vitamin.__file__); from vitamin.platform.cli import main; main()"

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(site), "VITAMIN_DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        origin, _, printed = result.stdout.partition("\n")
        assert Path(origin) == site / "vitamin" / "__init__.py"
        return printed

    assert "hopper-random-v2" in run("tasks")
    assert "td3_odt-hopper-random-v2-seed2" in run("sweep", "hopper_random", "--dry-run")
    write_run(tmp_path / "runs" / "one", [10, 20])
    assert "report/report.html" in run("report", "runs", "--reps", "10", "--against", "paper")
    page = (tmp_path / "runs" / "report" / "report.html").read_text(encoding="utf-8")
    assert "<!DOCTYPE html>" in page
    assert "89.07" in page  # the paper's score of TD3+ODT


def test_source_distribution_builds_the_same_wheel(
    checkout: Path, wheel: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = build(checkout, "sdist", tmp_path_factory.mktemp("sdist"))
    shutil.unpack_archive(archive, tmp_path)
    (unpacked,) = tmp_path.iterdir()
    again = build(unpacked, "wheel", tmp_path_factory.mktemp("wheel-from-sdist"))
    assert sorted(names_in(again)) == sorted(names_in(wheel))
