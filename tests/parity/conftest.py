"""Runs the parity tests over a folder of golden numbers and sums up how close they came.

``pytest tests/parity --fixtures DIR`` or the environment variable ``VITAMIN_PARITY_FIXTURES`` chooses the folder.

A test marked ``@pytest.mark.golden("prefix", ...)`` runs once for every file with such a prefix, given as ``golden``,
and compares arrays through ``compare``, which fails the test if an expected array of the file was forgotten.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

from tests.parity.comparison import Comparison
from tests.parity.golden_files import DEFAULT_FOLDER, GoldenFile, golden_names

FOLDER_VARIABLE = "VITAMIN_PARITY_FIXTURES"
PREFIXES = ("forward_", "odt_step", "rl_", "rollout_", "segments_", "td3_")
_PROPERTY = "parity"
_FAILED = pytest.StashKey[bool]()


def _folder(config: pytest.Config) -> Path:
    chosen = config.getoption("fixtures", None) or os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else DEFAULT_FOLDER


def pytest_configure(config: pytest.Config) -> None:
    folder = _folder(config)
    if not (folder / "config.json").is_file() or not golden_names(folder, *PREFIXES):
        raise pytest.UsageError(
            f"{folder} holds no golden numbers: it needs config.json and files such as {PREFIXES[0]}*.npz."
        )
    config.addinivalue_line(
        "markers", "golden(*prefixes): runs over the golden files with one of these prefixes"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("golden")
    if marker is None:
        return
    folder = _folder(metafunc.config)
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

    def report(arithmetic: str, name: str, error: float) -> None:
        request.node.user_properties.append((_PROPERTY, (arithmetic, name, error)))

    comparison = Comparison(golden, dtype, report)
    yield comparison
    if not request.node.stash.get(_FAILED, False):
        comparison.assert_complete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = report.failed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    errors: dict[str, dict[str, float]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for kind, value in report.user_properties:
                    if kind == _PROPERTY:
                        arithmetic, name, error = value
                        of_arrays = errors.setdefault(arithmetic, {})
                        of_arrays[name] = max(error, of_arrays.get(name, 0.0))
    for arithmetic, of_arrays in sorted(errors.items()):
        name = max(of_arrays, key=of_arrays.__getitem__)
        terminalreporter.write_line(
            f"parity in {arithmetic}: {len(of_arrays)} arrays compared, "
            f"worst relative error {of_arrays[name]:.1e} ({name})"
        )
