"""Callbacks that RLlib's config takes are called."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray.rllib.callbacks.callbacks import RLlibCallback

from tests.algorithms.rllib.outcomes import histories
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig

pytestmark = pytest.mark.ray
CALLS: Counter[str] = Counter()


class Counting(RLlibCallback):
    def on_algorithm_init(self, **kwargs: Any) -> None:
        CALLS.update(["init"])

    def on_evaluate_start(self, *, algorithm: Any, metrics_logger: Any, **kwargs: Any) -> None:
        CALLS.update(["start"])

    def on_evaluate_end(self, *, algorithm: Any, evaluation_metrics: Any, **kwargs: Any) -> None:
        assert evaluation_metrics["return_mean"] < 0
        CALLS.update(["end"])


def test_callbacks_are_called(make_config: Callable[..., OfflineToOnlineConfig], tmp_path: Path) -> None:
    CALLS.clear()
    recreated: list[list[int]] = []
    config = make_config(runners=1, eval_interval=2).callbacks(
        Counting,
        on_evaluate_end=lambda **_: CALLS.update(["function"]),
        on_train_result=lambda **_: CALLS.update(["result"]),
        on_checkpoint_loaded=lambda **_: CALLS.update(["loaded"]),
        on_env_runners_recreated=lambda *, env_runner_indices, **_: recreated.append(env_runner_indices),
    )
    algorithm = config.build_algo()
    histories(algorithm, 3)
    algorithm.evaluate()
    assert CALLS == {"init": 1, "result": 3, "start": 2, "end": 2, "function": 2}
    group = algorithm.env_runner_group
    pids = group.foreach_env_runner(lambda runner: os.getpid(), local_env_runner=False)
    os.kill(pids[0], signal.SIGKILL)
    histories(algorithm, 1)
    assert recreated == [[1]]
    algorithm.save_checkpoint(str(tmp_path))
    algorithm.restore(str(tmp_path))
    assert CALLS["loaded"] == 1
    algorithm.stop()
