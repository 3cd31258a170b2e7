"""Fine-tuning of decision transformers with reinforcement learning gradients, on Ray RLlib and Ray Tune.

Names are imported when they are first used: ``import vitamin`` alone loads neither torch nor Ray.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitamin.algorithms.hyperparameters import Hyperparameters
    from vitamin.algorithms.methods import METHODS
    from vitamin.analysis.results import load_results
    from vitamin.platform.catalog import get_task
    from vitamin.platform.datasets import load_dataset
    from vitamin.platform.experiments.acting import load_agent
    from vitamin.platform.experiments.api import ODTConfig, OfflineToOnline, TD3ODTConfig
    from vitamin.platform.experiments.runs import evaluate, train

__version__ = "0.1.0"
__all__ = [
    "METHODS",
    "Hyperparameters",
    "ODTConfig",
    "OfflineToOnline",
    "TD3ODTConfig",
    "__version__",
    "evaluate",
    "get_task",
    "load_agent",
    "load_dataset",
    "load_results",
    "train",
]

_HOMES = {
    "METHODS": "vitamin.algorithms.methods",
    "Hyperparameters": "vitamin.algorithms.hyperparameters",
    "ODTConfig": "vitamin.platform.experiments.api",
    "OfflineToOnline": "vitamin.platform.experiments.api",
    "TD3ODTConfig": "vitamin.platform.experiments.api",
    "evaluate": "vitamin.platform.experiments.runs",
    "get_task": "vitamin.platform.catalog",
    "load_agent": "vitamin.platform.experiments.acting",
    "load_dataset": "vitamin.platform.datasets",
    "load_results": "vitamin.analysis.results",
    "train": "vitamin.platform.experiments.runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
