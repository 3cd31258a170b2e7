import numpy as np
import pandas as pd

from vitamin.analysis.panels import interval_text, over_seeds


def rows(series: str, seed: int, y: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"panel": "p", "series": series, "seed": seed, "x": range(len(y)), "y": y})


def test_means_over_seeds_have_intervals_and_keep_the_order_of_series() -> None:
    parts = [rows("b", seed, [seed, 1]) for seed in range(4)]
    means = over_seeds(pd.concat([*parts, rows("a", 0, [5, 6])]))
    assert means["series"].tolist() == ["b", "b", "a", "a"]
    assert means["mean"].tolist() == [1.5, 1, 5, 6]
    assert means["seeds"].tolist() == [4, 4, 1, 1]
    first = means.iloc[0]
    assert 0 < first["low"] < 1.5 < first["high"] < 3
    assert means.loc[1, ["low", "high"]].tolist() == [1, 1]
    assert means.loc[2:, ["low", "high"]].isna().all(axis=None)


def test_interval_as_text() -> None:
    assert interval_text(np.array([0.25, 0.25])) == "0.250 [0.250, 0.250]"
    assert interval_text(np.array([0.25]), 1) == "0.2"
    assert interval_text(np.array([0.0, 1.0]), 2) == "0.50 [0.00, 1.00]"
