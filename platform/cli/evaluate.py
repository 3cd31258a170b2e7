"""`vitamin evaluate`: the returns of a trained agent, and its film."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.platform.cli.endings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vitamin.platform.experiments.evaluate import Agent, EvaluationResult

_MOST_EPISODES = 1_000_000  # each of them is kept to its end


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    episodes: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=_MOST_EPISODES, help="Episodes.", show_default="eval_episodes of the run"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Key of the episodes.")] = 0,
    target_return: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Return-to-go at the start, in scaled-reward units.",
            show_default="eval_target_return of the run",
        ),
    ] = None,
    checkpoint: Annotated[
        int | None, typer.Option(metavar="N", help="Iteration of the checkpoint.", show_default="the newest")
    ] = None,
    video: Annotated[Path | None, typer.Option(metavar="FILE.mp4", help="Film an episode first.")] = None,
) -> None:
    """Roll out a run's policy and print its returns."""
    if video is not None and video.suffix != ".mp4":
        raise typer.BadParameter(f"--video writes .mp4 files, not {video.name}.")
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.experiments.evaluate import evaluate_agent, load_agent

    agent = load_agent(run, checkpoint=checkpoint, report=say)
    if video is not None:
        # Before the episodes, so that a renderer that is missing shows at once.
        from vitamin.platform.experiments.video import film_episode

        value = film_episode(agent, video, seed=seed, target_return=target_return)
        print(f"Film of an episode with return {value:.1f}: {video}")
    with progress_display("Episodes") as progress:
        result = evaluate_agent(
            agent, episodes=episodes, seed=seed, target_return=target_return, progress=progress, report=say
        )
    _print(agent, result)


def _print(agent: "Agent", result: "EvaluationResult") -> None:
    from vitamin.algorithms.methods import METHODS
    from vitamin.platform.cli.output import print_table

    title = (
        f"{agent.task.name} · {METHODS[agent.spec.method].label} · seed {agent.spec.seed}, iteration {agent.iteration} "
        f"({agent.env_steps} online steps): {len(result.returns)} episodes"
    )
    rows = [_row("return", result.returns), _row("length", result.lengths)]
    if result.normalized_scores is not None:
        rows.insert(0, _row("normalized score", result.normalized_scores))
    rows.append(_row("discounted return", result.discounted_returns))
    if result.successes is not None:
        rows.append(_row("success, %", [100.0 * success for success in result.successes]))
    print_table(title, ("", "mean", "std", "95 % interval of the mean", "min", "max"), rows)


def _row(name: str, values: "Sequence[float]") -> list[str]:
    import numpy as np

    from vitamin.analysis.statistics.intervals import t_interval

    array = np.asarray(values, float)
    interval = "-"
    if len(array) > 1:
        low, high = t_interval(array)
        interval = f"{low:.1f} … {high:.1f}"
    return [
        name,
        *(f"{number:.1f}" for number in (array.mean(), array.std())),
        interval,
        *(f"{number:.1f}" for number in (array.min(), array.max())),
    ]
