"""Runs the parity tests over a folder of golden numbers (``pytest --fixtures DIR``) and sums up how close they came.

A test marked ``@pytest.mark.golden("prefix", ...)`` runs once for every file with such a prefix, given as ``golden``,
and compares arrays through ``compare``, which fails the test if an expected array of the file was forgotten.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.parity.comparison import Comparison
from tests.parity.golden_files import DEFAULT_FOLDER, GoldenFile, golden_names

_PROPERTY = "parity"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "golden(*prefixes): runs over the golden files with one of these prefixes"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("golden")
    if marker is None:
        return
    folder = Path(metafunc.config.getoption("fixtures", None) or DEFAULT_FOLDER)
    cases = [pytest.param((folder, name), id=name) for name in golden_names(folder, *marker.args)]
    metafunc.parametrize("golden", cases, indirect=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> GoldenFile:
    """The golden file of this case."""
    folder, name = request.param
    return GoldenFile(folder, name)


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    """The arithmetic of this case."""
    chosen: torch.dtype = request.param
    return chosen


@pytest.fixture
def compare(request: pytest.FixtureRequest, golden: GoldenFile) -> Iterator[Comparison]:
    """Compares with this case's golden file, in the test's ``dtype`` (float64 if it has none)."""
    dtype = request.getfixturevalue("dtype") if "dtype" in request.fixturenames else torch.float64

    def report(key: str, error: float) -> None:
        request.node.user_properties.append((_PROPERTY, (str(dtype), f"{golden.name}:{key}", error)))

    comparison = Comparison(golden, dtype, report)
    yield comparison
    comparison.assert_complete()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    compared: dict[str, list[tuple[float, str]]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for kind, value in report.user_properties:
                    if kind == _PROPERTY:
                        arithmetic, name, error = value
                        compared.setdefault(arithmetic, []).append((error, name))
    for arithmetic, errors in sorted(compared.items()):
        worst, name = max(errors)
        terminalreporter.write_line(
            f"parity in {arithmetic}: {len(errors)} arrays compared, worst relative error {worst:.1e} ({name})"
        )
