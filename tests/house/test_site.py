"""The documentation's site: every page has one place in it, and it is built without a broken link."""

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import vitamin

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = DOCS / "site" / "mkdocs.yml"
ADOPTED = {"README.md", ".github/CONTRIBUTING.md", "docker/README.md"}


class _Loader(yaml.SafeLoader):
    """Takes mkdocs' ``!ENV`` for a list."""


_Loader.add_constructor("!ENV", lambda loader, node: loader.construct_sequence(node))


def leaves(nav: Any) -> list[str]:
    """The pages of a nav, in its order."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in leaves(part)]


def test_nav_names_every_page_once() -> None:
    named = Counter(leaves(yaml.load(CONFIG.read_text(encoding="utf-8"), _Loader)["nav"]))
    hooks = (DOCS / "site/hooks.py").read_text(encoding="utf-8")
    adopted = dict(re.findall(r'^    "(\S+\.md)": "(\S+\.md)",$', hooks, re.MULTILINE))
    assert set(adopted.values()) == ADOPTED
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert named == Counter([*pages, *adopted])


def test_the_reference_has_every_public_name() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    shown = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)", text, re.MULTILINE)}
    mentioned = set(re.findall(r"`vitamin\.(\w+)`", text))
    assert {name for name in vitamin.__all__ if not name.startswith("__")} <= shown | mentioned


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings")),
    reason="the extra docs is not installed",
)
def test_the_site_is_built_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        CONFIG,
        "--site-dir",
        tmp_path,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    loaded = re.compile(
        r'<(?:script|img|iframe)[^>]* src="?(https?:[^" >]*)|<link[^>]* rel="?stylesheet[^>]* href="?(https?:[^" >]*)'
    )
    for page in tmp_path.rglob("*.html"):
        assert loaded.findall(page.read_text(encoding="utf-8")) == [], page.name
    assert "rl_coefficient" in (tmp_path / "api.html").read_text(encoding="utf-8")
    assert (tmp_path / "source/algorithms/methods.py.txt").is_file()
