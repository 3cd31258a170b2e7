"""Options and settings that all tests share."""

import os

import pytest

# Before anything imports torch or Ray: xdist's workers must not fight over cores, and no test reports usage.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def pytest_addoption(parser: pytest.Parser) -> None:
    # pytest's own --fixtures, a flag that lists test fixtures, stays available as --funcargs.
    parser.optparser.conflict_handler = "resolve"
    parser.getgroup("parity", "parity with the reference implementation").addoption(
        "--fixtures",
        metavar="DIR",
        default=None,
        help="folder of golden numbers (default: $VITAMIN_PARITY_FIXTURES, else tests/parity/golden); give a test path "
        "too, or pytest takes the option for its own: pytest tests/parity --fixtures DIR",
    )
    parser.optparser.conflict_handler = "error"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Not by an expression in pyproject.toml, which any `-m` of the user's would replace.
    if "nightly" in config.option.markexpr:
        return
    nightly = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=nightly)
    items[:] = [item for item in items if item not in nightly]


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.get_closest_marker("ray"):
        # Two groups that take about as long: two workers are busy to the end, and start with them.
        group = "ray-rllib" if item.path.parent.name == "rllib" else "ray"
        item.add_marker(pytest.mark.xdist_group(group))
