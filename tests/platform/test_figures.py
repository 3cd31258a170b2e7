"""Figures of the paper: what is drawn is what the CSV says, and the command line's mistakes."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from tests.cli.command import vitamin
from vitamin.algorithms import single_state
from vitamin.algorithms.theory import raised_targets
from vitamin.analysis.single_state import ACTIONS, ACTOR, CRITIC, REWARD, TRUTH, single_state_figure
from vitamin.analysis.theory import ACHIEVED, DISTANCE, TRAINED, theory_figure
from vitamin.platform.figures import FigureFiles, single_state_mdp, theory
from vitamin.platform.figures.processes import in_processes

SHORT = single_state.Settings(pretrain_epochs=1, online_epochs=2, updates_per_epoch=4)


def silent(done: int, total: int | None) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> FigureFiles:
    return single_state_mdp(tmp_path_factory.mktemp("figures"), seeds=2, progress=silent, settings=SHORT)


@pytest.fixture(scope="module")
def small_theory(tmp_path_factory: pytest.TempPathFactory) -> FigureFiles:
    settings = raised_targets.Settings(episodes=50, updates=5)
    folder = tmp_path_factory.mktemp("figures")
    return theory(folder, seeds=2, progress=silent, settings=settings, samples=(10_000, 100_000))


def check_pictures(made: FigureFiles) -> None:
    assert [path.suffix for path in made.pictures] == [".png", ".svg", ".pdf"]
    pixels = matplotlib.image.imread(made.pictures[0])
    assert min(pixels.shape[:2]) > 800
    assert len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) > 100
    assert b"<svg" in made.pictures[1].read_bytes()


def test_numbers_of_the_single_state_figure_are_those_drawn(small: FigureFiles) -> None:
    check_pictures(small)
    means, values = pd.read_csv(small.means), pd.read_csv(small.seeds)
    axes = single_state_figure(values, means, offline=((-1, -0.95),)).axes
    for place, panel in zip(axes, (REWARD, ACTIONS, ACTOR, CRITIC), strict=True):
        in_panel = means[(means["panel"] == panel) & (means["series"] != TRUTH)]
        methods = dict.fromkeys(in_panel["series"])
        assert list(methods) == [name for name in single_state.METHODS if panel != CRITIC or name != "ODT"]
        drawn = [np.asarray(line.get_ydata()) for line in place.lines]
        for method in methods:
            expected = in_panel.loc[in_panel["series"] == method, "mean"].to_numpy()
            assert any(len(line) == len(expected) and np.allclose(line, expected) for line in drawn)
    assert (means.loc[means["series"] != TRUTH, "seeds"] == 2).all()


def test_numbers_of_each_seed_are_its_run_s(small: FigureFiles) -> None:
    values = pd.read_csv(small.seeds)
    result = single_state.run("DDPG", 1, SHORT)
    of_run = values[(values["series"] == "DDPG") & (values["seed"] == 1)].set_index("panel")
    assert of_run.loc[REWARD, "x"].tolist() == [-1, 0, 1, 2]
    assert of_run.loc[REWARD, "y"].to_numpy() == pytest.approx(result.rewards)
    assert of_run.loc[ACTIONS, "y"].to_numpy() == pytest.approx(result.actions.mean(axis=1))
    assert of_run.loc[CRITIC, "y"].to_numpy() == pytest.approx(result.critic)
    row = next(row for row in small.table.rows if row[0].text == "DDPG")
    assert f"{of_run.loc[REWARD, 'y'].iloc[-1]:.3f}" in (row[5].text, row[6].text)


def test_same_seeds_same_bytes(small: FigureFiles, tmp_path: Path) -> None:
    again = single_state_mdp(tmp_path, seeds=2, progress=silent, settings=SHORT)
    for one, other in zip((*small.pictures, small.means), (*again.pictures, again.means), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_numbers_of_the_theory_figure_are_those_drawn(small_theory: FigureFiles) -> None:
    check_pictures(small_theory)
    means = pd.read_csv(small_theory.means)
    axes = theory_figure(means).axes
    for place, panel, series in ((axes[1], DISTANCE, "Laplace"), (axes[3], ACHIEVED, TRAINED)):
        expected = means.loc[(means["panel"] == panel) & (means["series"] == series), "mean"].to_numpy()
        drawn = [np.asarray(line.get_ydata()) for line in place.lines]
        assert any(len(line) == len(expected) and np.allclose(line, expected) for line in drawn)
    quantities = {row[0].text: row[1].text for row in small_theory.table.rows}
    distances = [
        quantities[f"Lemma 2: distance from AWAC's policy, {noise} returns"]
        for noise in ("Laplace", "Gaussian")
    ]
    laplace, gaussian = (float(text.split()[0]) for text in distances)
    assert laplace < 0.05 < gaussian
    assert quantities["Return of the best action"] == "12.00"


def test_results_do_not_depend_on_processes() -> None:
    seen: list[tuple[int, int | None]] = []
    roots = in_processes(np.sqrt, range(13), lambda done, total: seen.append((done, total)))
    assert roots == [np.sqrt(n) for n in range(13)]
    assert seen == [(done, 13) for done in range(1, 14)]


@pytest.mark.parametrize("figure", ["single-state-mdp", "theory"])
def test_mistakes_are_one_message_before_anything_is_computed(figure: str, tmp_path: Path) -> None:
    for seeds in (0, -1, "few"):
        assert "--seeds" in vitamin("figure", figure, "--seeds", seeds, "--out", tmp_path, code=2).stderr
    (tmp_path / "thesis.tex").touch()
    message = vitamin("figure", figure, "--out", tmp_path / "thesis.tex" / "figures", code=1).stderr
    assert "Cannot write the figure to" in message
    assert "Choose another --out." in message
    assert vitamin("figure", figure, "--out", tmp_path / "thesis.tex", code=1).stderr.count("error:") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_command_prints_the_table_and_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitamin.platform.figures.single_state.Settings", lambda: SHORT)
    printed = vitamin("figure", "single-state-mdp", "--seeds", 1, "--out", tmp_path).stdout
    assert [line.split()[:2] for line in printed.splitlines()[2:5]] == [
        [name, "1"] for name in single_state.METHODS
    ]
    assert str(tmp_path / "single-state-mdp.svg") in printed
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f"single-state-mdp.{suffix}" for suffix in ("png", "svg", "pdf", "csv")),
        "single-state-mdp-seeds.csv",
    }
