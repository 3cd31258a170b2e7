from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd

from tests.analysis.run_folders import write_seeds
from vitamin.analysis.curves import learning_curves
from vitamin.analysis.plots import curves_figure, plot_curves
from vitamin.analysis.results import load_results
from vitamin.analysis.scores import run_scores
from vitamin.analysis.styles import label_styles


def curves_of(directory: Path) -> pd.DataFrame:
    return learning_curves(run_scores(load_results(directory)))


def test_pictures(tmp_path: Path) -> None:
    write_seeds(tmp_path / "runs", [40, 60, 65])
    write_seeds(tmp_path / "runs", [12, 10, 15], method="odt")
    write_seeds(tmp_path / "runs", [-300, -250], task="Pendulum-v1", reference_scores=None)
    curves = curves_of(tmp_path / "runs")
    paths = plot_curves(curves, tmp_path / "curves")
    assert [path.name for path in paths] == ["curves.png", "curves.svg", "curves.pdf"]
    pixels = matplotlib.image.imread(paths[0])
    assert min(pixels.shape[:2]) > 400
    assert len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) > 100
    assert b"<svg" in paths[1].read_bytes()
    assert paths[2].read_bytes().startswith(b"%PDF")
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in plot_curves(curves, tmp_path / "curves")] == before


def test_panels_and_legend(tmp_path: Path) -> None:
    write_seeds(tmp_path, [40, 60, 65])
    write_seeds(tmp_path, [12, 10], method="odt")
    write_seeds(tmp_path, [95, 98], task="walker2d-medium-v2")
    write_seeds(tmp_path, [-300, -250], task="Pendulum-v1", reference_scores=None)
    figure = curves_figure(curves_of(tmp_path), band="std")
    assert [axes.get_title() for axes in figure.axes] == [
        "Pendulum-v1",
        "hopper-medium-v2",
        "walker2d-medium-v2",
    ]
    assert figure.axes[0].get_ylabel() == "Return"
    assert figure.axes[1].get_ylabel().startswith("Normalized score")
    assert "ref.\nmax" in [text.get_text() for text in figure.axes[2].texts]
    assert not figure.axes[0].texts
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["ODT (n = 2)", "TD3+ODT (n = 2 to 3)"]
    assert "standard deviation" in legend.get_title().get_text()


def test_styles_are_fixed_for_methods_and_distinct_for_variants() -> None:
    alone = label_styles(["ODT"])["ODT"]
    together = label_styles(["New", "ODT", "TD3+ODT, a=1", "TD3+ODT, a=2", "TD3+ODT, a=3"])
    assert together["ODT"] == alone
    assert len({style.color for style in together.values()}) == 5
    variants = [style for label, style in together.items() if label.startswith("TD3+ODT")]
    assert len({style.marker for style in variants}) == 3
    assert [sum(style.color) for style in variants] == sorted(sum(style.color) for style in variants)
