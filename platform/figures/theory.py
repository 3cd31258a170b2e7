"""The figure of the theory (paper §3.3): what Lemma 2 and Corollary 1 say, computed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from vitamin.algorithms.theory import coverage, laplace, raised_targets
from vitamin.analysis import theory as figure
from vitamin.analysis.panels import over_seeds
from vitamin.platform.figures.files import FigureFiles, Progress, figure_folder, seed_rows, write_numbers
from vitamin.platform.figures.processes import in_processes
from vitamin.platform.figures.theory_table import theory_table

NAME: Final = "theory"
TARGETS: Final = np.linspace(-1, 3, 17)
FINE_TARGETS: Final = np.linspace(-1, 3, 201)
BEYOND: Final = 2.0
"""The target at which the distance from AWAC's policy is measured."""
SAMPLES: Final = tuple(int(n) for n in np.logspace(4, 6, 5))
HORIZON: Final = 20
PRIORS: Final[dict[str, float | tuple[float, float]]] = {
    "Beta(2, 6) prior": (2.0, 6.0),
    "Beta(8, 24) prior": (8.0, 24.0),
    "chance 1/4": 0.25,
}
EPISODES: Final = 20_000


def theory(
    folder: Path,
    *,
    seeds: int,
    progress: Progress,
    settings: raised_targets.Settings | None = None,
    samples: tuple[int, ...] = SAMPLES,
) -> FigureFiles:
    """Computes both claims, trains a return-conditioned policy with seeds 0 to ``seeds - 1``, and writes the figure.

    Args:
        folder: Made if it does not exist.
        seeds: At least 1.
        progress: Called with (done, total) trained policies.
        settings: Of the experiment with raised targets.
        samples: Numbers of draws from the bandit of Lemma 2.

    Raises:
        ReportError: If the folder cannot be written to.
    """
    settings = settings or raised_targets.Settings()
    with figure_folder(folder) as new:
        runs = in_processes(partial(raised_targets.run, settings=settings), range(seeds), progress)
        parts = [*_lemma(seeds, samples), *_coverage(seeds), *_achieved(runs, settings.horizon)]
        values = pd.concat(parts, ignore_index=True)
        out = new / NAME
        means = over_seeds(values)
        pictures = figure.plot_theory(means, out)
        numbers = write_numbers(values, means, out)
    return FigureFiles.moved(folder, pictures, numbers, theory_table(values))


def _lemma(seeds: int, samples: tuple[int, ...]) -> Iterator[pd.DataFrame]:
    bandit = laplace.BANDIT
    awac = laplace.awac_policy(bandit)
    bayes = laplace.posterior(bandit, FINE_TARGETS)
    beyond = np.linspace(bandit.q.max(), TARGETS[-1], 2)
    names = [f"Q = {value:g}, β = {share:g}" for value, share in zip(bandit.q, bandit.behavior, strict=True)]
    for a, name in enumerate(names):
        yield seed_rows(figure.POLICY, f"{figure.BAYES} {name}", 0, FINE_TARGETS, bayes[:, a])
        yield seed_rows(figure.POLICY, f"{figure.AWAC} {name}", 0, beyond, np.full(len(beyond), awac[a]))
    for seed in range(seeds):
        counts = laplace.counts(bandit, TARGETS, samples=samples[-1], seed=seed)
        policies = counts / counts.sum(axis=1, keepdims=True)
        for a, name in enumerate(names):
            yield seed_rows(figure.POLICY, f"{figure.SAMPLED} {name}", seed, TARGETS, policies[:, a])
    for noise in ("Laplace", "Gaussian"):
        for seed in range(seeds):
            found = [
                laplace.counts(bandit, np.array([BEYOND]), samples=n, seed=seed, noise=noise)[0]
                for n in samples
            ]
            distances = [laplace.distance(count / count.sum(), awac) for count in found]
            yield seed_rows(figure.DISTANCE, noise, seed, np.array(samples), np.array(distances))
    near = np.array(samples) * laplace.share_near(bandit, BEYOND)
    expected = np.array([laplace.sampling_error(awac, count) for count in near])
    yield seed_rows(figure.DISTANCE, figure.EXPECTED, 0, np.array(samples), expected)


def _coverage(seeds: int) -> Iterator[pd.DataFrame]:
    for name, chance in PRIORS.items():
        exact = (
            coverage.beta_binomial(HORIZON, *chance)
            if isinstance(chance, tuple)
            else coverage.binomial(HORIZON, chance)
        )
        mean, deviation = coverage.moments(exact)
        above = (np.arange(HORIZON + 1) - mean) / deviation
        shown = above >= 1
        yield seed_rows(figure.COVERAGE, name, 0, above[shown], 1 / exact[shown])
        found = np.stack(
            [coverage.sampled_returns(HORIZON, chance, episodes=EPISODES, seed=seed) for seed in range(seeds)]
        )
        seen = shown & (found > 0).all(axis=0)
        for seed, count in enumerate(found):
            yield seed_rows(
                figure.COVERAGE, f"{figure.SAMPLED} {name}", seed, above[seen], EPISODES / count[seen]
            )
    reach = np.linspace(1, 8, 29)
    yield seed_rows(figure.COVERAGE, figure.CHEBYSHEV, 0, reach, reach**2)
    yield seed_rows(figure.COVERAGE, figure.LINEAR, 0, reach, reach)


def _achieved(runs: list[raised_targets.Run], horizon: int) -> Iterator[pd.DataFrame]:
    targets = np.arange(horizon + 1)
    for seed, run in enumerate(runs):
        yield seed_rows(figure.ACHIEVED, figure.TRAINED, seed, targets, run.achieved)
        yield seed_rows(figure.ACHIEVED, figure.HIGHEST, seed, np.zeros(1), np.array([run.highest]))
    ideal = raised_targets.expected_returns(raised_targets.ideal_actions(horizon))
    best = horizon * (raised_targets.MEAN_CHANCE + raised_targets.SLOPE)
    behavior = horizon * raised_targets.MEAN_CHANCE
    yield seed_rows(figure.ACHIEVED, figure.IDEAL, 0, targets, ideal)
    yield seed_rows(figure.ACHIEVED, figure.BEST, 0, targets, np.full(horizon + 1, best))
    yield seed_rows(figure.ACHIEVED, figure.BEHAVIOR, 0, targets, np.full(horizon + 1, behavior))
