"""Frames as statistics give them, made by hand, for tests of tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vitamin.analysis.table import Table


def suite_of(task: str) -> str:
    for prefix, suite in (
        ("hopper", "mujoco"),
        ("walker2d", "mujoco"),
        ("ant-", "mujoco"),
        ("pen", "adroit"),
    ):
        if task.startswith(prefix):
            return suite
    return "other"


def score_frame(*groups: Mapping[str, Any]) -> pd.DataFrame:
    """``Scores.frame``: of each group a run for each of its ``finals``; other keys are columns of all its runs."""
    rows = []
    for group in groups:
        columns = {key: value for key, value in group.items() if key not in ("finals", "statuses")}
        finals: Iterable[float] = group["finals"]
        for seed, final in enumerate(finals):
            row = {
                "task": "hopper-medium-v2",
                "label": "TD3+ODT",
                "status": group.get("statuses", ["finished"] * 100)[seed],
                "unit": "normalized",
                "data": "",
                "started": pd.Timestamp("2026-01-02", tz="UTC"),
                "budget": 10_000.0,
                "end_steps": 10_000.0,
                "at_steps": 10_000.0,
                "final_steps": 10_000.0,
                "pretrained": 10.0,
                "success": np.nan,
                "own_final": final,
                "area": np.nan,
                "regret": np.nan,
                "left_out": "",
            } | columns
            row |= {"seed": seed, "final": final, "change": final - row["pretrained"]}
            row |= {"suite": suite_of(row["task"]), "method": row["label"].split(",")[0]}
            row |= {"run": f"{row['task']}/{row['label']}/{seed}"}
            rows.append(row)
    return pd.DataFrame(rows)


def summary_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The summary that ``summarize`` makes, spelled out."""
    rows = []
    counted = frame[frame["left_out"] == ""]
    for (task, label), runs in counted.groupby(["task", "label"], sort=False):
        n = len(runs)
        half = {2: 12.7062, 3: 4.30265}.get(n, np.nan) * runs["final"].std() / np.sqrt(n)
        row = {
            "task": task,
            "suite": runs["suite"].iloc[0],
            "label": label,
            "unit": runs["unit"].iloc[0],
            "seeds": n,
        }
        for name in ("pretrained", "final", "change"):
            row |= {f"{name}_mean": runs[name].mean(), f"{name}_std": runs[name].std()}
        row |= {"final_low": row["final_mean"] - half, "final_high": row["final_mean"] + half}
        row |= {"success_mean": runs["success"].mean(), "regret_mean": runs["regret"].mean()}
        row |= {"own_final_mean": runs["own_final"].mean(), "own_steps": runs["end_steps"].mean()}
        row |= {
            "diverged": int((runs["status"] == "diverged").sum()),
            "data": "; ".join(set(runs["data"]) - {""}),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def labels_of(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(frame["label"]))


def texts(table: Table) -> list[list[str]]:
    """Of each row the texts of its cells, bold ones between asterisks."""
    return [[f"*{cell.text}*" if cell.bold else cell.text for cell in row] for row in table.rows]


def no_nonsense(table: Table) -> bool:
    """Whether no cell shows what is no number, nor a zero with a minus."""
    every = [cell.text for row in table.rows for cell in row]
    return not any(word in text.lower() for text in every for word in ("nan", "inf ", "-0.0", "−0.00"))
