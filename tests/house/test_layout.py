"""The links under vitamin/, and the standard library's `platform` next to ours."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", ["platform", "algorithms", "analysis", "tune_specs"])
def test_links_are_relative_and_resolve(part: str) -> None:
    link = ROOT / "vitamin" / part
    assert link.is_symlink()
    assert link.readlink() == Path("..", part)
    assert (ROOT / part).is_dir()


@pytest.mark.parametrize("flags", [[], ["-I"]], ids=["root on sys.path", "isolated"])
def test_platform_is_the_standard_library_s(flags: list[str]) -> None:
    program = "import platform; print(platform.python_version(), platform.__file__)"
    result = subprocess.run(
        [sys.executable, *flags, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    version, file = result.stdout.split(maxsplit=1)
    assert version == ".".join(map(str, sys.version_info[:3]))
    assert ROOT / "platform" not in Path(file.strip()).parents


def test_no_init_makes_our_platform_a_regular_package() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
