"""The main numbers of the theory's figure."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vitamin.algorithms.theory import laplace, raised_targets
from vitamin.analysis import theory as figure
from vitamin.analysis.panels import interval_text
from vitamin.analysis.table import Cell, Table


def theory_table(values: pd.DataFrame) -> Table:
    """The numbers that each panel shows; ``values`` are those of the figure."""
    rows = [*_lemma(values), *_coverage(values), *_achieved(values)]
    header = ("Quantity", "Value, mean over seeds [95 %]")
    return Table(header, tuple((Cell(name), Cell(text)) for name, text in rows))


def _lemma(values: pd.DataFrame) -> list[tuple[str, str]]:
    samples = values.loc[values["panel"] == figure.DISTANCE, "x"].max()
    names = {
        "Laplace": "distance from AWAC's policy, Laplace returns",
        figure.EXPECTED: "the same, expected from sampling",
        "Gaussian": "distance from AWAC's policy, Gaussian returns",
    }
    rows = [
        (f"Lemma 2: {name}", interval_text(_at(values, figure.DISTANCE, series, samples), 4))
        for series, name in names.items()
    ]
    total = laplace.awac_weights(laplace.BANDIT).sum()
    return [*rows, ("Lemma 2: sum of AWAC's weights, 1 if its assumptions held", f"{total:.3f}")]


def _coverage(values: pd.DataFrame) -> list[tuple[str, str]]:
    shown = values[values["panel"] == figure.COVERAGE]
    references = shown["series"].isin((figure.CHEBYSHEV, figure.LINEAR))
    exact = shown[~references & ~shown["series"].str.startswith(figure.SAMPLED)]
    ends = exact.groupby("series", sort=False).tail(1)
    return [
        (
            f"Corollary 1: 1/α_f of the highest return, {series}",
            f"{inverse:.3g}, {inverse / above**2:.3g} times Chebyshev's bound",
        )
        for series, above, inverse in zip(ends["series"], ends["x"], ends["y"], strict=True)
    ]


def _achieved(values: pd.DataFrame) -> list[tuple[str, str]]:
    horizon = values.loc[values["panel"] == figure.ACHIEVED, "x"].max()
    mean = round(horizon * raised_targets.MEAN_CHANCE)
    cells = [
        (f"Return of the trained policy, target {mean:g} (the data's mean)", figure.TRAINED, mean),
        (f"Return of the trained policy, target {horizon:g} (the highest possible)", figure.TRAINED, horizon),
        (f"The same without error, target {horizon:g}", figure.IDEAL, horizon),
        ("Return of the best action", figure.BEST, horizon),
    ]
    return [(name, interval_text(_at(values, figure.ACHIEVED, series, x), 2)) for name, series, x in cells]


def _at(values: pd.DataFrame, panel: str, series: str, x: float) -> NDArray[np.float64]:
    """Of each seed the value at x."""
    chosen = values[(values["panel"] == panel) & (values["series"] == series) & (values["x"] == x)]
    return chosen["y"].to_numpy(dtype=np.float64)
