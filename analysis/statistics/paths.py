"""The scores of each run over its evaluations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vitamin.analysis.schema import ONLINE
from vitamin.analysis.statistics.names import Floats

Curve = tuple[Floats, Floats]
"""Steps of a run's evaluations, ascending, and the scores there."""


def run_curves(evaluations: pd.DataFrame) -> Mapping[str, Curve]:
    """The evaluations of each run by step: the last pretrained one at step 0, then those online; no undefined ones."""
    known = evaluations.loc[evaluations["score"].notna(), ["run", "phase", "env_steps", "score"]]
    steps = np.where(known["phase"] == ONLINE, known["env_steps"], 0)
    points = known[["run", "score"]].assign(env_steps=steps.astype(np.float64))
    points["run"] = points["run"].astype("category").cat.remove_unused_categories()
    points = points.drop_duplicates(["run", "env_steps"], keep="last")
    points = points.sort_values(["run", "env_steps"], kind="stable")
    codes = points["run"].cat.codes.to_numpy()
    bounds = np.flatnonzero(np.diff(codes)) + 1
    parts = zip(
        np.split(points["env_steps"].to_numpy(), bounds),
        np.split(points["score"].to_numpy(), bounds),
        strict=True,
    )
    return dict(zip(points["run"].cat.categories, parts, strict=True)) if len(points) else {}


def inside(steps: Floats, curve: Curve) -> Floats:
    """A run's scores at some steps, linear between its evaluations and NaN before and after them."""
    return np.interp(steps, *curve, left=np.nan, right=np.nan)
