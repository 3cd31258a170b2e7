"""The figure of the single-state MDP (paper Fig. 1 and 2): rewards, actions, learned actors and critics."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from vitamin.analysis.panels import draw_mean, interval_text, panel_label
from vitamin.analysis.pictures import print_style, save_picture
from vitamin.analysis.styles import Style, label_styles
from vitamin.analysis.table import Cell, Table

Ranges = tuple[tuple[float, float], ...]

REWARD: Final = "reward"
ACTIONS: Final = "actions"
ACTOR: Final = "actor"
CRITIC: Final = "critic"
TRUTH: Final = "truth"
"""The series of the true reward of each action, in the panel of the critics."""

SOLVED: Final = 0.5
"""A reward above this needs an action that the offline data is far from."""

_DATA_COLOR: Final = "0.88"
_SIZE: Final = (7.4, 5.6)  # inches


def plot_single_state(
    values: pd.DataFrame, means: pd.DataFrame, out: Path, *, offline: Ranges
) -> tuple[Path, ...]:
    """Draws the four panels and writes them with the suffixes of pictures.

    Args:
        values: Columns ``vitamin.analysis.panels.SEED_COLUMNS``. Panels ``REWARD`` (x: epoch, 0 at the end of
            pretraining), ``ACTIONS`` (epoch), ``ACTOR`` (return-to-go), ``CRITIC`` (action, with a series ``TRUTH``).
        means: What `vitamin.analysis.panels.over_seeds` made of them.
        out: Path without suffix, in an existing folder.
        offline: Ranges of actions in the offline data.
    """
    with print_style():
        return save_picture(single_state_figure(values, means, offline=offline), out)


def single_state_figure(values: pd.DataFrame, means: pd.DataFrame, *, offline: Ranges) -> Figure:
    """The figure; arguments as for `plot_single_state`."""
    styles = _styles(values)
    figure = Figure(figsize=_SIZE, layout="constrained")
    grid = figure.subplots(2, 2)
    for axes, panel in zip(grid.flat, (REWARD, ACTIONS, ACTOR, CRITIC), strict=True):
        for series, style in styles.items():
            drawn = means[(means["panel"] == panel) & (means["series"] == series)]
            draw_mean(axes, drawn, style)
    _finish_rewards(grid[0, 0], values)
    _finish_actions(grid[0, 1], values, styles, offline)
    truth = means[(means["panel"] == CRITIC) & (means["series"] == TRUTH)]
    _finish_actor(grid[1, 0], truth, offline)
    _finish_critic(grid[1, 1], truth, offline)
    _legend(figure, styles, seeds=values["seed"].nunique())
    return figure


def final_table(values: pd.DataFrame) -> Table:
    """For each method the final policy's reward: mean with interval, lowest, highest, and how many seeds solve it."""
    rewards = values[values["panel"] == REWARD]
    rows = []
    for method in dict.fromkeys(rewards["series"]):
        curve = rewards[rewards["series"] == method]
        final = curve.loc[curve["x"] == curve["x"].max(), "y"].to_numpy()
        pretrained = curve.loc[curve["x"] == 0, "y"].to_numpy()
        solved = int((final > SOLVED).sum())
        rows.append(
            (
                method,
                str(len(final)),
                interval_text(pretrained),
                interval_text(final),
                f"{np.median(final):.3f}",
                f"{final.min():.3f}",
                f"{final.max():.3f}",
                f"{solved} of {len(final)}",
            )
        )
    header = (
        "Method",
        "Seeds",
        "Pretrained, mean [95 %]",
        "Final, mean [95 %]",
        "Median",
        "Lowest",
        "Highest",
        f"Above {SOLVED}",
    )
    return Table(header, tuple(tuple(Cell(text) for text in row) for row in rows))


def _styles(values: pd.DataFrame) -> dict[str, Style]:
    """Of the methods, in the order of ``values``: those of their counterparts in learning curves."""
    same = {"DDPG": "TD3", "ODT+DDPG": "DDPG+ODT"}
    methods = [series for series in dict.fromkeys(values["series"]) if series != TRUTH]
    styles = label_styles(same.get(method, method) for method in methods)
    return {method: styles[same.get(method, method)] for method in methods}


def _finish_rewards(axes: Axes, values: pd.DataFrame) -> None:
    panel_label(axes, "a", "Reward")
    axes.set(xlabel="Epoch", ylabel="Reward of the policy's action", ylim=(-0.05, 1.05))
    axes.axhline(1, color="0.45", linestyle=(0, (2, 2)), linewidth=0.9, zorder=1)
    start = float(values.loc[values["panel"] == REWARD, "x"].min())
    axes.axvspan(start, 0, color="0.95", linewidth=0, zorder=0)
    axes.annotate("pretraining", xy=(start / 2, 0.94), ha="center", fontsize=7, color="0.35")
    axes.margins(x=0.01)


def _finish_actions(axes: Axes, values: pd.DataFrame, styles: dict[str, Style], offline: Ranges) -> None:
    panel_label(axes, "b", "Actions in rollouts")
    points = values[values["panel"] == ACTIONS]
    for rank, (series, style) in enumerate(styles.items()):
        of_method = points[points["series"] == series]
        shift = 0.22 * (rank - (len(styles) - 1) / 2)
        axes.scatter(of_method["x"] + shift, of_method["y"], s=5, color=style.color, alpha=0.35, linewidths=0)
    for low, high in offline:
        axes.axhspan(low, high, color=_DATA_COLOR, linewidth=0, zorder=0)
    axes.axhline(0, color="0.45", linestyle=(0, (2, 2)), linewidth=0.9, zorder=1)
    axes.set(xlabel="Online epoch", ylabel="Action", ylim=(-1.05, 1.05))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.02)


def _finish_actor(axes: Axes, truth: pd.DataFrame, offline: Ranges) -> None:
    panel_label(axes, "c", "Learned actor")
    axes.plot(truth["mean"], truth["x"], color="0.25", linestyle=(0, (1, 1.2)), linewidth=1.2)
    for low, high in offline:
        axes.axhspan(low, high, color=_DATA_COLOR, linewidth=0, zorder=0)
    axes.set(xlabel="Return-to-go", ylabel="Action", xlim=(-1, 1.02), ylim=(-1.05, 1.05))


def _finish_critic(axes: Axes, truth: pd.DataFrame, offline: Ranges) -> None:
    panel_label(axes, "d", "Learned critic")
    axes.plot(truth["x"], truth["mean"], color="0.25", linestyle=(0, (1, 1.2)), linewidth=1.2)
    for low, high in offline:
        axes.axvspan(low, high, color=_DATA_COLOR, linewidth=0, zorder=0)
    axes.set(xlabel="Action", ylabel="Q", xlim=(-1.02, 1.02))


def _legend(figure: Figure, styles: dict[str, Style], *, seeds: int) -> None:
    handles = [
        Line2D([], [], color=style.color, linestyle=style.line, linewidth=1.5) for style in styles.values()
    ]
    handles.append(Line2D([], [], color="0.25", linestyle=(0, (1, 1.2)), linewidth=1.2))
    handles.append(Line2D([], [], color="0.45", linestyle=(0, (2, 2)), linewidth=0.9))
    names = [*styles, "true reward", "optimum"]
    figure.legend(
        [*handles, Patch(color=_DATA_COLOR)],
        [*names, "offline actions"],
        loc="outside lower center",
        ncols=len(names) + 1,
        title=f"Mean over {seeds} seeds, 95 % bootstrap interval; points: seeds"
        if seeds > 1
        else "single seed",
        title_fontsize=8,
        fontsize=8,
        handlelength=2.6,
        columnspacing=1.4,
    )
