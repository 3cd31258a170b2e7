"""Stand-ins for published data are told with every figure, per method."""

from pathlib import Path

from tests.analysis.run_folders import write_run
from vitamin.analysis.report.data import ReportData
from vitamin.analysis.report.figures import (
    ablation_figures,
    curve_figures,
    efficiency_figures,
    improvement_figures,
    interval_figures,
    profile_figures,
)
from vitamin.analysis.report.options import ReportOptions
from vitamin.analysis.results import load_results
from vitamin.analysis.schema import DatasetInfo

TASKS = ("hopper-medium-v2", "walker2d-medium-v2")
STAND_IN = DatasetInfo(
    path="/data/like.hdf5", fingerprint="sha256:aaaabbbbcccc", trajectories=4, steps=9, label="stand-in: SAC"
)
MAKERS = (
    *(curve_figures, interval_figures, profile_figures),
    *(improvement_figures, efficiency_figures, ablation_figures),
)


def test_every_figure_and_caption_tells_which_methods_have_stand_in_data(tmp_path: Path) -> None:
    for task in TASKS:
        for seed in (0, 1):
            write_run(tmp_path / f"odt-{task}-{seed}", [5, 20 + seed], task=task, seed=seed, method="odt")
            for alpha in (0.1, 0.5, 1.0):
                write_run(
                    tmp_path / f"{alpha}-{task}-{seed}",
                    [5, 30 * alpha + seed],
                    task=task,
                    seed=seed,
                    overrides={"rl_coefficient": alpha},
                    dataset=STAND_IN,
                )
    data = ReportData(load_results(tmp_path), ReportOptions())
    figures = [figure for maker in MAKERS for figure in maker(data)]
    assert {figure.kind for figure in figures} == {
        *("curves", "intervals", "profiles", "improvement", "efficiency", "ablation")
    }
    for figure in figures:
        assert "‡ stand-in data, not the task's published dataset: SAC" in figure.caption, figure.name
        labels = [name for name in ("label", "method_a", "method_b") if name in figure.frame]
        has = (
            figure.frame[labels]
            .apply(lambda column: column.astype(str).str.startswith("TD3+ODT"))
            .any(axis=1)
        )
        assert (figure.frame["data"] == "stand-in: SAC").tolist() == has.tolist(), figure.name
        if "label" in labels and figure.kind != "ablation":
            assert "ODT, rl_coefficient=0.1" in figure.caption
