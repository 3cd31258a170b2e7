"""docs/tasks.md against the registry."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.random_returns import measured_environments, random_returns
from vitamin.platform.catalog import get_task
from vitamin.platform.tasks.registry_files import suites

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
# D4RL's reference is no random policy's mean there, as the page says.
NOT_RANDOM = ("hopper", "ant", "maze2d open")


def tables() -> list[list[list[str]]]:
    """The cells of the page's tables, without headings."""
    found: list[list[list[str]]] = [[]]
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [table[2:] for table in found if table]


def test_every_suite_of_d4rl_is_described() -> None:
    described = {row[0].partition(":")[0] for row in tables()[0]}
    assert described == {suite.suite for suite in suites() if suite.dataset_base_url is not None}


def test_random_returns_are_there_for_every_environment_with_the_registry_s_reference() -> None:
    rows = {row[0]: row for row in tables()[1]}
    assert rows.keys() == {name for name, _ in measured_environments()}
    for name, block in measured_environments():
        assert block.reference is not None
        assert rows[name][4] == f"{block.reference.min:.2f}"


def test_random_returns_agree_with_d4rl_s_where_those_are_random_means() -> None:
    """Within three standard errors, D4RL's own taken as that of 100 episodes."""
    compared = 0
    for name, *numbers in tables()[1]:
        episodes, mean, error, reference = map(float, numbers)
        bound = 3 * error * np.sqrt(1 + episodes / 100)
        if name not in NOT_RANDOM:
            assert abs(mean - reference) <= bound, name
            compared += 1
    assert compared >= 12


@pytest.mark.parametrize(("name", "task"), [("door", "door-human-v1"), ("relocate", "relocate-human-v1")])
def test_figures_come_from_today_s_environments(name: str, task: str) -> None:
    ((_, episodes, mean, error, _),) = [row for row in tables()[1] if row[0] == name]
    returns = random_returns(get_task(task), 10)
    spread = float(error) * np.sqrt(float(episodes))
    assert returns.mean() == pytest.approx(float(mean), abs=3.5 * spread / np.sqrt(10))
