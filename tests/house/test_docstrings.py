"""Docstrings name the thing that they describe."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("algorithms", "analysis", "benchmarks", "docs", "platform", "tests", "vitamin")


def docstrings(source: str) -> list[tuple[int, str]]:
    """Line and text of every string that stands by itself: of modules, classes, functions and attributes."""
    return [
        (node.lineno, node.value.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_docstring_begins_with_what(folder: str) -> None:
    begun = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if text.startswith("What ")
    ]
    assert begun == []


def test_docstrings_of_attributes_and_nested_functions_are_seen() -> None:
    source = (
        '"""A."""\nX = 1\n"""B."""\nclass C:\n    """C."""\n    def f():\n        """D."""\n        g("E")\n'
    )
    assert [text for _, text in docstrings(source)] == ["A.", "B.", "C.", "D."]
