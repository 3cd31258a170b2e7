import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from tests.analysis.hand_scores import scores_of
from tests.analysis.run_folders import write_run
from vitamin.analysis.curves import COLUMNS, MOST_POINTS, Band, learning_curves
from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores


def curves_of(*runs: Mapping[int, float], band: Band = "t") -> pd.DataFrame:
    finals = [list(run.values())[-1] for run in runs]
    curves = {f"ODT/a/{seed}": run for seed, run in enumerate(runs)}
    return learning_curves(scores_of({"ODT": {"a": finals}}, curves=curves), band=band)


def test_curves_start_pretrained_and_interpolate_within_a_run() -> None:
    curves = curves_of({0: 10, 1000: 30, 2000: 50}, {0: 20, 1500: 80, 2000: 60})
    assert tuple(curves.columns) == COLUMNS
    assert curves["env_steps"].tolist() == [0, 1000, 1500, 2000]
    b_at_1000 = 20 + 60 * 1000 / 1500
    assert curves["mean"].tolist() == pytest.approx([15, (30 + b_at_1000) / 2, (40 + 80) / 2, (50 + 60) / 2])
    assert curves["seeds"].tolist() == [2, 2, 2, 2]
    assert curves[["task", "suite", "label", "unit", "data"]].iloc[0].tolist() == [
        "a",
        "mujoco",
        "ODT",
        "normalized",
        "",
    ]


def test_nothing_is_held_flat_where_a_run_ends() -> None:
    curves = curves_of({0: 10, 1000: 20, 2000: 60, 3000: 90}, {0: 20, 1000: 40})
    assert curves["env_steps"].tolist() == [0, 1000, 2000, 3000]
    assert curves["mean"].tolist() == [15, 30, 60, 90]
    assert curves["seeds"].tolist() == [2, 2, 1, 1]
    assert curves["low"].isna().tolist() == [False, False, True, True]


def test_a_run_without_pretrained_score_starts_at_its_first_evaluation() -> None:
    curves = curves_of({0: 10, 1000: 20}, {500: 40, 1000: 60})
    assert curves["seeds"].tolist() == [1, 2, 2]
    assert curves["mean"].tolist() == [10, (15 + 40) / 2, 40]


def test_undefined_scores_are_no_points() -> None:
    curves = curves_of({0: 10, 1000: np.nan, 2000: 50})
    assert curves["env_steps"].tolist() == [0, 2000]


def test_t_bands() -> None:
    curves = curves_of({0: 5, 1000: 20}, {0: 5, 1000: 40}, {0: 5, 1000: 75})
    low, high = scipy.stats.t.interval(0.95, 2, 45, np.std([20, 40, 75], ddof=1) / np.sqrt(3))
    assert curves["low"].tolist() == pytest.approx([5, low])
    assert curves["high"].tolist() == pytest.approx([5, high])


def test_bands_of_one_standard_deviation() -> None:
    curves = curves_of({0: 5, 1000: 20}, {0: 5, 1000: 40}, {0: 5, 1000: 60}, band="std")
    assert curves["low"].tolist() == pytest.approx([5, 20])
    assert curves["high"].tolist() == pytest.approx([5, 60])


def test_percentile_bands_of_the_runs_that_are_there() -> None:
    curves = curves_of(
        {0: 10, 1000: 30, 2000: 40}, {0: 20, 1000: 80, 2000: 50}, {0: 15, 1000: 50}, band="rliable"
    )
    assert curves["low"].tolist()[2] == 40
    assert curves["high"].tolist()[2] == 50
    assert curves["low"].tolist()[1] == pytest.approx(30)  # 1 of 27 resamples is the lowest run alone


def test_a_single_seed_has_no_band() -> None:
    assert curves_of({0: 10, 1000: 20})[["low", "high"]].isna().all(axis=None)


def test_runs_that_do_not_count_have_no_curve() -> None:
    curves = learning_curves(scores_of({"ODT": {"a": [1, 2]}}, left_out="not finished"))
    assert curves.empty
    assert tuple(curves.columns) == COLUMNS


def test_long_curves_are_thinned_and_keep_the_ends_of_runs() -> None:
    steps = np.arange(0, 200_000, 100)
    curves = curves_of(dict.fromkeys(steps.tolist(), 1.0), dict.fromkeys(steps[:1234].tolist(), 3.0))
    assert MOST_POINTS <= len(curves) <= MOST_POINTS + 4
    ends = curves["env_steps"].tolist()
    assert (ends[0], ends[-1]) == (0, steps[-1])
    assert curves.loc[curves["env_steps"] == steps[1233], "seeds"].tolist() == [2]
    assert (curves["seeds"] == np.where(curves["env_steps"] <= steps[1233], 2, 1)).all()


def test_a_group_takes_milliseconds() -> None:
    labels = [f"M{number}" for number in range(60)]
    random = np.random.default_rng(0)
    scores = scores_of({label: {"a": random.normal(50, 10, 5)} for label in labels})
    points = len(scores.evaluations)
    evaluations = pd.concat([scores.evaluations] * 100, ignore_index=True)
    evaluations["env_steps"] += np.repeat(np.arange(100), points) * 1000 + random.integers(
        0, 99, len(evaluations)
    )
    object.__setattr__(scores, "evaluations", evaluations.assign(phase="online"))
    start = time.process_time()
    curves = learning_curves(scores)
    assert time.process_time() - start < 60 * 0.005
    assert set(curves["label"]) == set(labels)


def test_runs_of_one_budget_end_at_one_step(tmp_path: Path) -> None:
    for seed, (end, budget) in enumerate(((2100, 2000), (2300, 2000), (1200, 1000))):
        write_run(tmp_path / str(seed), {0: 10.0, 1000: 20.0, end: 40.0}, seed=seed, online_steps=budget)
    curve = learning_curves(run_scores(load_results(tmp_path)))
    assert curve["env_steps"].tolist() == [0, 1000, 1200, 2300]
    assert curve["seeds"].tolist() == [3, 3, 3, 2]
    assert curve["mean"].iloc[-1] == 40
