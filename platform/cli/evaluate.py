"""`vitamin evaluate`: the returns of a trained agent, a video, and frames of it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.platform.cli.endings import say
from vitamin.platform.cli.recording import SIZE, Pictures, make_pictures, parse_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vitamin.platform.experiments.evaluate import Agent, CheckpointName, EvaluationResult

_NEWEST = "newest"
_PICTURES = "Pictures"
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
        list[str] | None,
        typer.Option(
            metavar="N|pretrained|newest",
            help="Iteration of the checkpoint; pretrained: that with which pretraining ended. May be repeated.",
            show_default="newest",
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE.mp4", help="Record an episode first.", rich_help_panel=_PICTURES),
    ] = None,
    video_size: Annotated[
        str,
        typer.Option(
            metavar="WIDTHxHEIGHT", help="Pixels that a frame fits into.", rich_help_panel=_PICTURES
        ),
    ] = SIZE,
    video_fps: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=240,
            help="Frames a second, at most; the video is as fast as the environment.",
            rich_help_panel=_PICTURES,
        ),
    ] = 20,
    strip: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png|.jpg",
            help="Picture of an episode: frames side by side, a row for each checkpoint.",
            rich_help_panel=_PICTURES,
        ),
    ] = None,
    strip_frames: Annotated[
        int, typer.Option(metavar="N", min=2, max=20, help="Frames in a row.", rich_help_panel=_PICTURES)
    ] = 5,
) -> None:
    """Roll out a run's policy and print its returns."""
    chosen = [_checkpoint(text) for text in checkpoint or [_NEWEST]]
    pictures = Pictures(video, strip, parse_size(video_size), video_fps, strip_frames)
    pictures.check(len(chosen))
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.experiments.evaluate import evaluate_agent, load_agent

    agents = [load_agent(run, checkpoint=one, report=say) for one in chosen]
    if video is not None or strip is not None:
        # Before the episodes, so that a renderer that is missing shows at once.
        make_pictures(agents, pictures, seed=seed, target_return=target_return)
    for agent in agents:
        with progress_display("Episodes") as progress:
            result = evaluate_agent(
                agent,
                episodes=episodes,
                seed=seed,
                target_return=target_return,
                progress=progress,
                report=say,
            )
        _print(agent, result)


def _checkpoint(text: str) -> "CheckpointName | None":
    if text == _NEWEST:
        return None
    if text == "pretrained":
        return "pretrained"
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        return int(text)
    raise typer.BadParameter(
        f"--checkpoint is the number of an iteration, 'pretrained' or '{_NEWEST}', not {text!r}."
    )


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
