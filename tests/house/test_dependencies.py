"""Imports and the dependencies that pyproject.toml declares agree."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.sources import ROOT, module_files

# Gymnasium draws with pygame; `tensorboard` is a program; rliable is what a report's statistics are checked with.
USED_OTHERWISE = {"pygame", "tensorboard", "rliable"}
EXTRAS = (
    "video",
    "tensorboard",
    "robotics",
    "minari",
    "sac",
)  # d4rl: not needed; dev: no part of the product


def imported() -> Iterator[str]:
    """Top-level packages outside the standard library that the product imports, wherever the import stands."""
    for path in module_files().values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            else:
                continue
            yield from (name.partition(".")[0] for name in names)


def test_imports_and_declared_dependencies_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in EXTRAS for line in project["optional-dependencies"][extra]),
    ]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    known = packages_distributions()
    used = {
        name: {canonicalize_name(package) for package in known.get(name, [name])}
        for name in set(imported()) - sys.stdlib_module_names - {"vitamin"}
    }
    assert {"torch", "ray", "yaml"} <= used.keys()
    assert [name for name, packages in used.items() if not packages & declared] == []
    assert (
        declared - USED_OTHERWISE - {package for packages in used.values() for package in packages} == set()
    )
