from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.run_folders import write_run, write_seeds
from vitamin.analysis.curves import learning_curves
from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores


def curves_of(directory: Path, band: str = "bootstrap") -> pd.DataFrame:
    results = load_results(directory)
    return learning_curves(results, run_scores(results), band=band, reps=100)  # type: ignore[arg-type]


def test_curves_start_pretrained_interpolate_and_end_in_the_final_scores(tmp_path: Path) -> None:
    write_run(tmp_path / "a", {0: 10, 1000: 30, 2000: 50}, seed=0)
    write_run(tmp_path / "b", {0: 20, 1500: 80}, seed=1)
    curves = curves_of(tmp_path)
    assert curves["env_steps"].tolist() == [0, 1000, 1500, 2000]
    b_at_1000 = 20 + 60 * 1000 / 1500
    assert curves["mean"].tolist() == pytest.approx([15, (30 + b_at_1000) / 2, (40 + 80) / 2, (50 + 80) / 2])
    assert curves["low"].tolist() == pytest.approx([10, 30, 40, 50])
    assert curves["high"].tolist() == pytest.approx([20, b_at_1000, 80, 80])
    assert set(curves["seeds"]) == {2}


def test_band_of_one_standard_deviation(tmp_path: Path) -> None:
    write_seeds(tmp_path, [20, 40, 60], pretrained=5)
    curves = curves_of(tmp_path, band="std")
    assert curves["low"].tolist() == pytest.approx([5, 20])
    assert curves["high"].tolist() == pytest.approx([5, 60])


def test_curves_begin_where_all_runs_have_a_score(tmp_path: Path) -> None:
    write_run(tmp_path / "a", {0: 10, 1000: 30}, seed=0)
    write_run(tmp_path / "b", {500: 20, 1000: 40}, seed=1)
    assert curves_of(tmp_path)["env_steps"].tolist() == [500, 1000]


def test_a_single_seed_has_no_band(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [10, 20])
    curves = curves_of(tmp_path)
    assert curves["mean"].tolist() == [10, 20]
    assert curves["low"].isna().all()


def test_runs_that_do_not_count_have_no_curve(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [10, 20], status="failed")
    curves = curves_of(tmp_path)
    assert curves.empty
    assert "mean" in curves
