"""The figure of the theory (paper §3.3): Lemma 2, Corollary 1, and what raising the target brings."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vitamin.analysis.panels import draw_mean, letter, over_seeds
from vitamin.analysis.pictures import print_style, save_picture
from vitamin.analysis.styles import Style, label_styles

POLICY: Final = "policy"
DISTANCE: Final = "distance"
COVERAGE: Final = "coverage"
ACHIEVED: Final = "achieved"
"""The panels."""

AWAC: Final = "AWAC"
BAYES: Final = "Bayes"
SAMPLED: Final = "sampled"
"""In panel POLICY, series are ``SAMPLED a``, ``BAYES a`` and ``AWAC a`` for action a."""

CHEBYSHEV: Final = "Chebyshev"
LINEAR: Final = "linear"
TRAINED: Final = "trained"
IDEAL: Final = "ideal"
BEHAVIOR: Final = "behavior"
BEST: Final = "best"

_SIZE: Final = (7.4, 5.8)  # inches
_REFERENCE: Final[dict[str, Any]] = {"color": "0.35", "linewidth": 1.0}
_DASHED: Final = (0, (4, 2))
_DOTTED: Final = (0, (1, 1.4))


def plot_theory(
    values: pd.DataFrame, out: Path, *, largest_value: float, highest_in_data: float
) -> tuple[Path, ...]:
    """Draws the four panels and writes them with the suffixes of pictures.

    Args:
        values: Columns ``vitamin.analysis.panels.SEED_COLUMNS``, with the panels and series of this module.
        out: Path without suffix, in an existing folder.
        largest_value: Of an action of the bandit in panel POLICY: from there on the lemma holds.
        highest_in_data: Mean over seeds of the highest return in the data of panel ACHIEVED.
    """
    with print_style():
        figure = theory_figure(values, largest_value=largest_value, highest_in_data=highest_in_data)
        return save_picture(figure, out)


def theory_figure(values: pd.DataFrame, *, largest_value: float, highest_in_data: float) -> Figure:
    """The figure; arguments as for `plot_theory`."""
    means = over_seeds(values)
    figure = Figure(figsize=_SIZE, layout="constrained")
    grid = figure.subplots(2, 2)
    _draw_policy(grid[0, 0], means[means["panel"] == POLICY], largest_value)
    _draw_distance(grid[0, 1], means[means["panel"] == DISTANCE])
    _draw_coverage(grid[1, 0], means[means["panel"] == COVERAGE])
    _draw_achieved(grid[1, 1], means[means["panel"] == ACHIEVED], highest_in_data)
    seeds = means["seeds"].max()
    note = (
        f"Points and bands: mean over {seeds} seeds, 95 % bootstrap interval" if seeds > 1 else "single seed"
    )
    figure.supxlabel(note, fontsize=8)
    return figure


def _draw_policy(axes: Axes, means: pd.DataFrame, largest_value: float) -> None:
    actions = [name.removeprefix(f"{AWAC} ") for name in means["series"].unique() if name.startswith(AWAC)]
    styles = label_styles(actions)
    for action in actions:
        color = styles[action].color
        bayes = means[means["series"] == f"{BAYES} {action}"]
        axes.plot(bayes["x"], bayes["mean"], color=color, linewidth=1.3)
        awac = means[means["series"] == f"{AWAC} {action}"]
        axes.plot(awac["x"], awac["mean"], color=color, linestyle=_DASHED, linewidth=1.0)
        _draw_points(axes, means[means["series"] == f"{SAMPLED} {action}"], styles[action], marker="o")
    axes.axvline(largest_value, linestyle=_DOTTED, **_REFERENCE)
    axes.annotate(
        "largest Q", xy=(largest_value, 1), xycoords=("data", "axes fraction"), xytext=(3, -9),
        textcoords="offset points", fontsize=7, color="0.35",
    )  # fmt: skip
    letter(axes, "a", "Lemma 2: the policy beyond all means")
    axes.set(xlabel="Target return", ylabel="π(a | target)", ylim=(0, 0.85))
    handles = [Line2D([], [], color=styles[action].color, linewidth=1.3) for action in actions]
    kinds = [
        Line2D([], [], color="0.2", marker="o", markersize=3, linestyle=""),
        Line2D([], [], color="0.2", linewidth=1.3),
        Line2D([], [], color="0.2", linestyle=_DASHED, linewidth=1.0),
    ]
    names = [*actions, "sampled", "Bayes' rule", "AWAC"]
    axes.legend([*handles, *kinds], names, fontsize=7, ncols=2, loc="upper left", handlelength=2.2)


def _draw_distance(axes: Axes, means: pd.DataFrame) -> None:
    series = list(dict.fromkeys(means["series"]))
    styles = label_styles(series)
    for name in series:
        drawn = means[means["series"] == name]
        draw_mean(
            axes, drawn, styles[name], marker=styles[name].marker, markersize=3.6, label=f"{name} returns"
        )
    first = means[means["series"] == series[0]]
    root = first["mean"].iloc[0] * np.sqrt(first["x"].iloc[0] / first["x"])
    axes.plot(first["x"], 0.6 * root, linestyle=_DOTTED, **_REFERENCE, label="∝ samples$^{-1/2}$")
    letter(axes, "b", "Lemma 2: distance from AWAC's policy")
    axes.set(xscale="log", yscale="log", xlabel="Samples near the target", ylabel="Total variation")
    axes.legend(fontsize=7, loc="lower left")


def _draw_coverage(axes: Axes, means: pd.DataFrame) -> None:
    references = {CHEBYSHEV: _DASHED, LINEAR: _DOTTED}
    exact = [
        name for name in means["series"].unique() if name not in references and not name.startswith(SAMPLED)
    ]
    styles = label_styles(exact)
    for name in exact:
        drawn = means[means["series"] == name]
        axes.plot(drawn["x"], drawn["mean"], color=styles[name].color, linewidth=1.4, label=name)
        sampled = means[means["series"] == f"{SAMPLED} {name}"]
        _draw_points(axes, sampled, styles[name], marker=styles[name].marker)
    for name, dashes in references.items():
        drawn = means[means["series"] == name]
        text = "Chebyshev: quadratic" if name == CHEBYSHEV else name
        axes.plot(drawn["x"], drawn["mean"], linestyle=dashes, **_REFERENCE, label=text)
    letter(axes, "c", "Corollary 1: $1/\\alpha_f$ is superlinear")
    axes.set(xscale="log", yscale="log", ylabel="$1/\\alpha_f$")
    axes.set_xlabel("Conditioning return, standard deviations above the mean")
    ticks = [1, 2, 3, 4, 6]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(fontsize=7, loc="upper left")


def _draw_achieved(axes: Axes, means: pd.DataFrame, highest_in_data: float) -> None:
    style = label_styles(["TD3+ODT", "ODT"])["ODT"]
    draw_mean(axes, means[means["series"] == TRAINED], style, label="trained policy")
    texts: dict[str, tuple[str, dict[str, Any]]] = {
        IDEAL: ("same, without error", {"color": "black", "linestyle": _DASHED, "linewidth": 1.0}),
        BEST: ("best action", {"color": "#009E73", "linewidth": 1.3}),
        BEHAVIOR: ("data's mean", {"linestyle": _DOTTED, **_REFERENCE}),
    }
    for name, (text, line) in texts.items():
        drawn = means[means["series"] == name]
        axes.plot(drawn["x"], drawn["mean"], label=text, **line)
    horizon = means["x"].max()
    axes.plot([0, horizon], [0, horizon], color="0.75", linewidth=0.9, label="achieved = target")
    axes.axvline(highest_in_data, linestyle=_DOTTED, **_REFERENCE)
    axes.annotate(
        "highest return\nin the data", xy=(highest_in_data, 0.02), xycoords=("data", "axes fraction"),
        xytext=(3, 0), textcoords="offset points", fontsize=7, color="0.35",
    )  # fmt: skip
    letter(axes, "d", "Raised targets: improvement stalls")
    axes.set(xlabel="Target return", ylabel="Achieved return", xlim=(0, horizon), ylim=(4, 14))
    axes.legend(fontsize=7, loc="upper left")


def _draw_points(axes: Axes, means: pd.DataFrame, style: Style, *, marker: str) -> None:
    errors = np.stack([means["mean"] - means["low"], means["high"] - means["mean"]])
    axes.errorbar(
        means["x"],
        means["mean"],
        yerr=None if np.isnan(errors).all() else errors,
        color=style.color,
        marker=marker,
        markersize=3,
        linestyle="",
        elinewidth=0.9,
    )
