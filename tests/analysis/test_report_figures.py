"""The pictures of a report as data: which there are, what is said of them, where they are paged."""

from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.run_folders import write_run, write_seeds
from vitamin.analysis.choice import Choice
from vitamin.analysis.report.ablations import ABLATION_COLUMNS, ablations, label_settings
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.figures import (
    PANELS,
    ablation_figures,
    curve_figures,
    efficiency_figures,
    improvement_figures,
    interval_figures,
    profile_figures,
)
from vitamin.analysis.report.options import Interval, ReportOptions
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import DatasetInfo


def data(directory: Path, *, interval: Interval = "t", std: bool = False, **choice: object) -> ReportData:
    options = ReportOptions(Choice(**choice), interval=interval, std=std, reps=50)  # type: ignore[arg-type]
    return ReportData(load_results(directory), options)


def summary(**means: float) -> pd.DataFrame:
    """Of labels with a mean each, on one task."""
    rows = [
        {
            "task": "hopper-medium-v2",
            "suite": "mujoco",
            "label": label,
            "unit": "normalized",
            "final_mean": mean,
            "final_low": mean - 1,
            "final_high": mean + 1,
            "seeds": 3,
            "data": "",
        }
        for label, mean in means.items()
    ]
    return pd.DataFrame(rows)


def test_settings_of_a_label() -> None:
    assert label_settings("TD3+ODT, rl_coefficient=0.5, preset=small") == {
        "rl_coefficient": "0.5",
        "preset": "small",
    }
    assert label_settings("TD3+ODT") == {}


def test_three_values_are_a_sweep_and_two_are_methods() -> None:
    means = {f"TD3+ODT, tau={tau}": 10.0 * tau for tau in (1, 2, 3)}
    (frame,) = ablations(summary(**means, ODT=5.0))
    assert tuple(frame) == ABLATION_COLUMNS
    assert set(frame["method"]) == {"TD3+ODT"}
    assert set(frame["x_name"]) == {"tau"}
    assert set(frame["z_name"]) == {""}
    assert dict(zip(frame["x"], frame["mean"], strict=True)) == {"1": 10, "2": 20, "3": 30}
    two = {label: mean for label, mean in means.items() if "3" not in label.partition("=")[2]}
    assert list(ablations(summary(**two))) == []
    (named,) = ablations(summary(**two), by=("tau",))
    assert list(named["x"]) == ["1", "2"]


def test_the_setting_with_most_values_is_the_x_axis_unless_one_is_named() -> None:
    means = {f"TD3+ODT, alpha={alpha}, tau={tau}": float(tau) for alpha in (1, 2) for tau in (1, 2, 3)}
    (frame,) = ablations(summary(**means))
    assert set(frame["x_name"]) == {"tau"}
    assert set(frame["z_name"]) == {"alpha"}
    assert set(frame["z"]) == {"1", "2"}
    (frame,) = ablations(summary(**means), by=("alpha",))
    assert set(frame["x_name"]) == {"alpha"}
    assert set(frame["z_name"]) == {"tau"}


def test_an_ablation_says_what_it_shows(tmp_path: Path) -> None:
    for value, final in ((0.1, 20), (0.5, 60), (2.0, 40)):
        write_seeds(tmp_path, [final, final + 2], overrides={"rl_coefficient": value}, host=f"of{value}")
    (figure,) = ablation_figures(data(tmp_path))
    assert figure.name == "ablation-td3-odt-rl-coefficient" or figure.name.startswith("ablation-td3")
    assert figure.title == "TD3+ODT: final score against rl_coefficient"
    assert figure.caption == "Mean over seeds with 95 % t intervals; each panel is a task."
    assert figure.alt == "hopper-medium-v2: highest at rl_coefficient 0.5."
    assert figure.frame["mean"].tolist() == [21, 61, 41]


def test_curves_are_paged_at_twelve_tasks_of_a_suite(tmp_path: Path) -> None:
    for number in range(PANELS + 1):
        write_run(tmp_path / f"own-{number}", [1, 2], task=f"Own{number}-v0")
    write_run(tmp_path / "maze", [1, 2], task="maze2d-umaze-v1")
    figures = {figure.name: figure for figure in curve_figures(data(tmp_path))}
    assert list(figures) == ["curves-maze2d", "curves-other-1", "curves-other-2"]
    assert figures["curves-other-1"].frame["task"].nunique() == PANELS
    assert set(figures["curves-other-2"].frame["task"]) == {"Own12-v0"}
    assert "Single seeds." in figures["curves-maze2d"].caption
    assert figures["curves-maze2d"].title.startswith("Maze2D: ")


@pytest.mark.parametrize(("seeds", "thin"), [(5, True), (6, False)])
def test_single_runs_are_thin_lines_if_they_are_five_or_fewer(tmp_path: Path, seeds: int, thin: bool) -> None:
    write_seeds(tmp_path, [70.0 + seed for seed in range(seeds)])
    write_seeds(tmp_path, [10.0], method="odt")
    (figure,) = curve_figures(data(tmp_path))
    assert (figure.runs is not None) == thin
    assert ("Thin lines are single runs." in figure.caption) == thin
    if figure.runs is not None:
        ours = figure.runs[figure.runs["label"].astype(str) == "TD3+ODT"]
        assert sorted(ours.loc[ours["env_steps"] == 1000, "score"]) == [70, 71, 72, 73, 74]


def test_runs_that_do_not_count_are_no_thin_lines(tmp_path: Path) -> None:
    write_seeds(tmp_path, [70.0, 72.0])
    write_run(tmp_path / "failed", [10, 0, 0], seed=7, status="failed")
    (figure,) = curve_figures(data(tmp_path))
    assert figure.runs is not None
    assert set(figure.runs["seed"]) == {0, 1}


@pytest.mark.parametrize(
    ("interval", "std", "words"),
    [
        ("t", False, "95 % t intervals of the mean over seeds"),
        ("rliable", False, "95 % bootstrap intervals of the mean over seeds, too narrow for few of them"),
        ("t", True, "± one standard deviation over seeds"),
    ],
)
def test_captions_name_the_bands(tmp_path: Path, interval: Interval, std: bool, words: str) -> None:
    write_seeds(tmp_path, [70, 72, 74])
    (figure,) = curve_figures(data(tmp_path, interval=interval, std=std))
    assert figure.caption.startswith(f"Mean over seeds with {words}, pointwise. ")
    assert figure.alt == "Curves of TD3+ODT. hopper-medium-v2: TD3+ODT (72.0) ends highest."


@pytest.fixture
def two_tasks(tmp_path: Path) -> Path:
    stand_in = DatasetInfo(
        path="/d", fingerprint="sha256:aaaa", trajectories=1, steps=1, label="stand-in: random"
    )
    for task, better in (("hopper-medium-v2", 70.0), ("walker2d-medium-v2", 80.0)):
        dataset = {"dataset": stand_in} if task.startswith("walker") else {}
        write_seeds(tmp_path, [better, better + 2, better + 4], task=task, **dataset)
        write_seeds(tmp_path, [10, 12, 14], task=task, method="odt", **dataset)
    return tmp_path


def test_figures_over_tasks(two_tasks: Path) -> None:
    found = data(two_tasks)
    (intervals,) = interval_figures(found)
    assert set(intervals.frame["kind"]) <= {"suite", "all"}
    assert set(intervals.frame["metric"]) == {"mean", "median", "IQM", "optimality gap"}
    assert "widened by √(n/(n−1))" in intervals.caption
    assert "TD3+ODT (77.0)" in intervals.alt
    (profiles,) = profile_figures(found)
    assert set(profiles.frame["label"]) == {"ODT", "TD3+ODT"}
    (improvement,) = improvement_figures(found)
    assert improvement.frame["probability"].isin((0, 1)).all()
    names = [figure.name for figure in efficiency_figures(found)]
    assert names == ["efficiency", "efficiency-hours"]
    (curves,) = curve_figures(found)
    for figure in (curves, intervals):
        assert "‡ stand-in data" in figure.caption
        assert "dataset: random" in figure.caption


def test_rliable_s_own_intervals_are_not_called_widened(two_tasks: Path) -> None:
    (intervals,) = interval_figures(data(two_tasks, interval="rliable"))
    assert "widened" not in intervals.caption


def test_one_task_has_no_figures_over_tasks(tmp_path: Path) -> None:
    write_seeds(tmp_path, [70, 72])
    found = data(tmp_path)
    for figures in (interval_figures, profile_figures, improvement_figures, efficiency_figures):
        assert list(figures(found)) == []
