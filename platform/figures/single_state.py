"""The figure of the single-state MDP (paper Fig. 1 and 2)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from vitamin.algorithms.single_state import METHODS, Run, Settings, reward, run
from vitamin.algorithms.single_state.experiment import ACTIONS, RETURNS_TO_GO
from vitamin.algorithms.single_state.problem import OFFLINE_RANGES
from vitamin.analysis import single_state as figure
from vitamin.analysis.panels import over_seeds
from vitamin.platform.figures.files import FigureFiles, Progress, figure_folder, seed_rows, write_numbers
from vitamin.platform.figures.processes import in_processes

NAME: Final = "single-state-mdp"


def single_state_mdp(
    folder: Path, *, seeds: int, progress: Progress, settings: Settings | None = None
) -> FigureFiles:
    """Trains every method with seeds 0 to ``seeds - 1`` and writes the figure.

    Args:
        folder: Made if it does not exist.
        seeds: At least 1.
        progress: Called with (done, total) runs.
        settings: Of the experiment.

    Raises:
        ReportError: If the folder cannot be written to.
    """
    settings = settings or Settings()
    with figure_folder(folder) as new:
        values = measure(seeds, progress, settings)
        out = new / NAME
        offline = tuple((low, high) for _, low, high in OFFLINE_RANGES)
        means = over_seeds(values)
        pictures = figure.plot_single_state(values, means, out, offline=offline)
        numbers = write_numbers(values, means, out)
    return FigureFiles.moved(folder, pictures, numbers, figure.final_table(values))


def measure(seeds: int, progress: Progress, settings: Settings) -> pd.DataFrame:
    """The values of each method and seed, as columns ``SEED_COLUMNS``."""
    keys = [(method, seed) for method in METHODS for seed in range(seeds)]
    runs = in_processes(partial(_run, settings=settings), keys, progress)
    parts = [part for key, result in zip(keys, runs, strict=True) for part in _panels(*key, result, settings)]
    parts.append(seed_rows(figure.CRITIC, figure.TRUTH, 0, ACTIONS, reward(ACTIONS)))
    return pd.concat(parts, ignore_index=True)


def _run(key: tuple[str, int], settings: Settings) -> Run:
    return run(*key, settings)


def _panels(method: str, seed: int, result: Run, settings: Settings) -> Iterator[pd.DataFrame]:
    epochs = np.arange(len(result.rewards)) - settings.pretrain_epochs
    yield seed_rows(figure.REWARD, method, seed, epochs, result.rewards)
    online = np.arange(1, len(result.actions) + 1)
    yield seed_rows(figure.ACTIONS, method, seed, online, result.actions.mean(axis=1))
    yield seed_rows(figure.ACTOR, method, seed, RETURNS_TO_GO, result.actor)
    if result.critic is not None:
        yield seed_rows(figure.CRITIC, method, seed, ACTIONS, result.critic)
