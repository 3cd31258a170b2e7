"""The figure of the theory (paper §3.3): Lemma 2, Corollary 1, and what raising the target brings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vitamin.analysis.panels import draw_mean, panel_label
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
"""In panel POLICY, series are ``SAMPLED a``, ``BAYES a`` and, from the largest Q on, ``AWAC a`` for action a."""

EXPECTED: Final = "expected sampling error"
CHEBYSHEV: Final = "quadratic bound"
LINEAR: Final = "linear"
TRAINED: Final = "trained"
IDEAL: Final = "ideal"
BEHAVIOR: Final = "behavior"
BEST: Final = "best"
HIGHEST: Final = "highest return in the data"

_SIZE: Final = (7.4, 5.8)  # inches
_REFERENCE: Final[dict[str, Any]] = {"color": "0.35", "linewidth": 1.0}
_DASHED: Final = (0, (4, 2))
_DOTTED: Final = (0, (1, 1.4))


def plot_theory(means: pd.DataFrame, out: Path) -> tuple[Path, ...]:
    """Draws the four panels and writes them with the suffixes of pictures.

    Args:
        means: Columns ``vitamin.analysis.panels.MEAN_COLUMNS``, with the panels and series of this module.
        out: Path without suffix, in an existing folder.
    """
    with print_style():
        return save_picture(theory_figure(means), out)


def theory_figure(means: pd.DataFrame) -> Figure:
    """The figure; argument as for `plot_theory`."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    grid = figure.subplots(2, 2)
    draw = {
        POLICY: _draw_policy,
        DISTANCE: _draw_distance,
        COVERAGE: _draw_coverage,
        ACHIEVED: _draw_achieved,
    }
    for axes, (panel, function) in zip(grid.flat, draw.items(), strict=True):
        function(axes, means[means["panel"] == panel])
    seeds = means["seeds"].max()
    note = (
        f"Points and bands: mean over {seeds} seeds, 95 % bootstrap interval" if seeds > 1 else "single seed"
    )
    figure.supxlabel(note, fontsize=8)
    return figure


def _draw_policy(axes: Axes, means: pd.DataFrame) -> None:
    actions = [name.removeprefix(f"{AWAC} ") for name in means["series"].unique() if name.startswith(AWAC)]
    largest_value = means.loc[means["series"].str.startswith(AWAC), "x"].min()
    styles = _styles(actions)
    for action, style in styles.items():
        bayes = means[means["series"] == f"{BAYES} {action}"]
        axes.plot(bayes["x"], bayes["mean"], color=style.color, linewidth=1.0)
        awac = means[means["series"] == f"{AWAC} {action}"]
        axes.plot(awac["x"], awac["mean"], color=style.color, alpha=0.3, linewidth=5, zorder=1)
        _draw_points(axes, means[means["series"] == f"{SAMPLED} {action}"], style)
    axes.axvline(largest_value, ymax=0.5, linestyle=_DOTTED, **_REFERENCE)
    _note(axes, "largest Q", (largest_value, 0.02), "right", shift=(-3, 0))
    panel_label(axes, "a", "Lemma 2: conditioning is AWAC")
    axes.set(xlabel="Target return R", ylabel="π(a | R)", xlim=(-1.1, 3.1), ylim=(0, 0.8))
    handles = [
        Line2D([], [], color=style.color, marker=style.marker, markersize=3.5, linewidth=1.0)
        for style in styles.values()
    ]
    kind: dict[str, Any] = {"color": "0.2"}
    handles += [
        Line2D([], [], marker="o", markersize=3, linestyle="", **kind),
        Line2D([], [], linewidth=1.0, **kind),
        Line2D([], [], linewidth=5, alpha=0.3, **kind),
    ]
    names = [*actions, "sampled data", "Bayes' rule", "AWAC, ∝ β exp((Q − V) / b)"]
    axes.legend(handles, names, fontsize=7, loc="upper right", handlelength=2.2, labelspacing=0.3)


def _draw_distance(axes: Axes, means: pd.DataFrame) -> None:
    series = [name for name in dict.fromkeys(means["series"]) if name != EXPECTED]
    for name, style in _styles(series).items():
        drawn = means[means["series"] == name]
        line: dict[str, Any] = {"marker": style.marker, "markersize": 3.6, "label": f"{name} returns"}
        draw_mean(axes, drawn, style, **line)
    expected = means[means["series"] == EXPECTED]
    axes.plot(
        expected["x"], expected["mean"], linestyle=_DOTTED, **_REFERENCE, label="expected sampling error"
    )
    panel_label(axes, "b", "Lemma 2: distance from AWAC's policy")
    axes.set(xscale="log", yscale="log", xlabel="Actions in the data", ylabel="Total variation distance")
    axes.legend(fontsize=7, loc="lower left")


def _draw_coverage(axes: Axes, means: pd.DataFrame) -> None:
    references = {CHEBYSHEV: (_DASHED, 4), LINEAR: (_DOTTED, -9)}
    exact = [
        name for name in means["series"].unique() if name not in references and not name.startswith(SAMPLED)
    ]
    for name, style in _styles(exact).items():
        drawn = means[means["series"] == name]
        line: dict[str, Any] = {"marker": style.marker, "markersize": 3, "label": name}
        axes.plot(drawn["x"], drawn["mean"], color=style.color, linewidth=1.0, **line)
        _draw_points(axes, means[means["series"] == f"{SAMPLED} {name}"], style, hollow=True)
    for name, (dashes, lift) in references.items():
        drawn = means[means["series"] == name]
        axes.plot(drawn["x"], drawn["mean"], linestyle=dashes, **_REFERENCE)
        _note(axes, name, (drawn["x"].iloc[-1], drawn["mean"].iloc[-1]), "right", shift=(0, lift))
    panel_label(axes, "c", "Corollary 1: $1/\\alpha_f$ grows superlinearly")
    axes.set(xscale="log", yscale="log", ylabel="$1/\\alpha_f$")
    axes.set_xlabel("Conditioning return, $(R - V)/\\sigma$")
    ticks = [1, 2, 3, 4, 6, 8]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    handles, names = axes.get_legend_handles_labels()
    handles.append(
        Line2D([], [], color="0.2", marker="o", markersize=5, markerfacecolor="none", linestyle="")
    )
    axes.legend(handles, [*names, "sampled returns"], fontsize=7, loc="upper left")


def _draw_achieved(axes: Axes, means: pd.DataFrame) -> None:
    trained, ideal = _styles([TRAINED, IDEAL]).values()
    lines = {name: means[means["series"] == name] for name in (TRAINED, IDEAL, BEST, BEHAVIOR)}
    draw_mean(axes, lines[TRAINED], trained)
    axes.plot(lines[IDEAL]["x"], lines[IDEAL]["mean"], color=ideal.color, linestyle=_DASHED, linewidth=1.2)
    axes.plot(lines[BEST]["x"], lines[BEST]["mean"], color="0.2", linewidth=1.2)
    axes.plot(lines[BEHAVIOR]["x"], lines[BEHAVIOR]["mean"], linestyle=_DOTTED, **_REFERENCE)
    horizon, best = means["x"].max(), lines[BEST]["mean"].iloc[0]
    highest = means.loc[means["series"] == HIGHEST, "mean"].iloc[0]
    axes.plot([0, horizon], [0, horizon], color="0.7", linewidth=0.9)
    axes.axvspan(highest, horizon, color="0.95", linewidth=0, zorder=0)
    _note(axes, "not in\nthe data", ((highest + horizon) / 2, 4.2), "center")
    _note(axes, "the best action", (0.3, best), "left", shift=(0, 3))
    _note(axes, "achieved = target", (4.6, 4.6), "left", shift=(8, 0))
    _note(axes, "mean of the data", (0.3, lines[BEHAVIOR]["mean"].iloc[0]), "left", shift=(0, 3))
    for name, style, text, drop in ((TRAINED, trained, "trained", -12), (IDEAL, ideal, "without error", 4)):
        end = lines[name].iloc[-1]
        _note(axes, text, (end["x"], end["mean"]), "right", shift=(-3, drop), color=style.color)
    panel_label(axes, "d", "Raised targets: improvement stalls")
    axes.set(xlabel="Target return", ylabel="Achieved return", xlim=(0, horizon), ylim=(4, 13))


def _draw_points(axes: Axes, means: pd.DataFrame, style: Style, *, hollow: bool = False) -> None:
    errors = np.stack([means["mean"] - means["low"], means["high"] - means["mean"]])
    axes.errorbar(
        means["x"],
        means["mean"],
        yerr=None if np.isnan(errors).any() else errors,
        color=style.color,
        marker=style.marker,
        markersize=6 if hollow else 3.5,
        markerfacecolor="none" if hollow else style.color,
        linestyle="",
        elinewidth=0.9,
        zorder=3,
    )


def _note(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    side: Literal["left", "center", "right"],
    *,
    shift: tuple[float, float] = (0, 0),
    color: Any = "0.3",
) -> None:
    """Small text at a place in the data, shifted by points."""
    axes.annotate(
        text, xy=place, xytext=shift, textcoords="offset points", ha=side, fontsize=7, color=color
    )  # fmt: skip


def _styles(names: Iterable[str]) -> dict[str, Style]:
    """Of series that are no methods: the colors of pictures in their order."""
    return dict(zip(names, label_styles(("TD3+ODT", "ODT", "TD3", "DDPG+ODT")).values(), strict=False))
