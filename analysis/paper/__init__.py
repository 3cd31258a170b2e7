"""The published scores, and what can be said of them: averages from their rows, misprints, budgets.

*Reinforcement Learning Gradients as Vitamin for Online Finetuning Decision Transformers* (NeurIPS 2024), Tables 1 to 3.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import pandas as pd

PAPER_PRESET: Final = "paper"
_ONLINE_STEPS: Final = {"mujoco": 500_000, "adroit": 1_000_000, "antmaze": 1_000_000}

Quantity = Literal["final", "change"]


@dataclass(frozen=True)
class Misprint:
    """An average that the paper prints and its rows do not give.

    Attributes:
        suite: ``mujoco`` (Table 1), ``adroit`` (Table 2) or ``antmaze`` (Table 3).
        method: As tables write it.
        quantity: ``final``, the score, or ``change``, from the pretrained policy.
        printed: What the paper has.
    """

    suite: str
    method: str
    quantity: Quantity
    printed: float


MISPRINTS: Final = (
    Misprint("mujoco", "IQL", "change", 7.80),
    Misprint("mujoco", "DDPG+ODT", "final", 22.87),
    Misprint("adroit", "TD3", "final", 31.85),
    Misprint("adroit", "TD3", "change", -29.63),
)


def published() -> pd.DataFrame:
    """The published scores, in the paper's order.

    Returns:
        A row for each task and method: ``suite``, ``task``, ``method`` (``TD3+ODT``), ``final`` (normalized score) and
        ``change`` (from the pretrained policy). The paper gives no spread.
    """
    return _published().copy()


def published_averages() -> pd.DataFrame:
    """For each suite and method the mean of its rows: ``suite``, ``method``, ``tasks``, ``final``, ``change``.

    Printed averages are not used: three of them do not follow from the rows, see ``MISPRINTS``.
    """
    groups = _published().groupby(["suite", "method"], sort=False, as_index=False)
    return groups.agg(tasks=("task", "size"), final=("final", "mean"), change=("change", "mean"))


def published_steps(suite: str) -> int | None:
    """Online environment steps at which the paper scores a suite; None if it has no such suite."""
    return _ONLINE_STEPS.get(suite)


@cache
def _published() -> pd.DataFrame:
    with (files(__name__) / "published_scores.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file)
    names = {"algorithm": "method", "final_normalized_score": "final", "change_from_pretrained": "change"}
    return frame.rename(columns=names)
