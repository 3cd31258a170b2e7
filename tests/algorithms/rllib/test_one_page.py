"""docs/examples/one_page.py does what `OfflineToOnline` does without remote processes, bit for bit and without Ray."""

import importlib.util
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import load_dataset

PAGE = Path(__file__).parents[3] / "docs" / "examples" / "one_page.py"
ITERATIONS = 4
GROUPS = {"group_size": 3, "reset_states": 2, "subtrajectory_length": 6, "group_batch_size": 4}
GUIDED = {"jump_start_steps": 50, "curriculum_target_return": -900.0}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("td3_odt", {}),
    ("td3_odt", GUIDED),
    ("odt", {"min_env_steps_per_iteration": 900}),
    ("ppo_odt", {"old_log_probs": "recorded"}),
    ("awr", {}),
    ("iql", {}),
    ("grpo", GROUPS),
    ("pdt", {}),
]


def _page() -> Any:
    spec = importlib.util.spec_from_file_location("one_page", PAGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.ray
@pytest.mark.parametrize(("method", "overrides"), CASES)
def test_the_page_and_the_algorithm_agree_bit_for_bit(
    make_config: Callable[..., OfflineToOnlineConfig],
    pendulum_data: Path,
    method: str,
    overrides: dict[str, Any],
) -> None:
    config = make_config(method, online_steps=4000, **overrides)
    algorithm = config.build_algo()
    expected = [evaluation for _, evaluation in histories(algorithm, ITERATIONS)]
    expected_digest = digest(algorithm)
    algorithm.stop()

    task = get_task("Pendulum-v1")
    data = load_dataset(pendulum_data, task)
    train = _page().train(task, METHODS[method], config.hyperparameters(), data, config.seed)
    outcomes = list(itertools.islice(train, ITERATIONS))
    assert [evaluation for _, evaluation in outcomes] == expected
    assert {evaluation.phase for evaluation in expected if evaluation is not None} == {"pretrain", "online"}
    assert outcomes[-1][0].digest() == expected_digest


def test_the_page_is_one_page_and_needs_no_ray() -> None:
    assert len(PAGE.read_text().splitlines()) <= 60
    program = f"import runpy, sys; runpy.run_path({str(PAGE)!r}); assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=240)
