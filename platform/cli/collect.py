"""`vitamin data collect`: making a dataset by acting."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.platform.cli.endings import say
from vitamin.platform.cli.options import Force

_OPTIONS = {
    "random": ("--steps",),
    "medium": ("--steps", "--target-score", "--target-return", "--max-train-steps"),
    "medium-replay": ("--target-score", "--target-return", "--max-train-steps"),
    "RUN": ("--steps", "--mean-action", "--noise", "--return-to-go", "--checkpoint"),
}
_RECIPES, _RUNS = "Medium data", "Data of a run"


def collect(
    task: Annotated[str, typer.Argument(metavar="TASK|ENV_ID", help="A task, or a Gymnasium environment.")],
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, help="Environment steps.", show_default="needed but for medium-replay"
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="random|medium|medium-replay|RUN",
            help="random: uniform over the action bounds. medium: a SAC agent trained to a part of the expert's"
            " score. medium-replay: all steps of that training. RUN: the policy of a run folder.",
            show_default="the kind of the task's published data, else random",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, max=LARGEST_SEED, help="Of actions, environment and SAC's training."),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The file to write; by default the task's place in the cache."
        ),
    ] = None,
    force: Force = False,
    target_score: Annotated[
        float | None,
        typer.Option(
            "--target-score",
            help="Normalized score at which SAC's training ends.",
            show_default="33, about D4RL's medium",
            rich_help_panel=_RECIPES,
        ),
    ] = None,
    target_return: Annotated[
        float | None,
        typer.Option(
            "--target-return",
            help="Mean return at which it ends, where there are no reference scores.",
            rich_help_panel=_RECIPES,
        ),
    ] = None,
    max_train_steps: Annotated[
        int | None,
        typer.Option(
            "--max-train-steps",
            min=1,
            help="Steps within which SAC must get there.",
            show_default="1000000",
            rich_help_panel=_RECIPES,
        ),
    ] = None,
    mean_action: Annotated[
        bool, typer.Option("--mean-action", help="Do not explore.", rich_help_panel=_RUNS)
    ] = False,
    noise: Annotated[
        float | None,
        typer.Option(
            "--noise",
            min=0,
            help="Std of the noise on a deterministic policy's actions.",
            show_default="exploration_noise of the run",
            rich_help_panel=_RUNS,
        ),
    ] = None,
    return_to_go: Annotated[
        float | None,
        typer.Option(
            "--return-to-go",
            help="Return-to-go at the start, in scaled-reward units.",
            show_default="online_target_return of the run, with --mean-action eval_target_return",
            rich_help_panel=_RUNS,
        ),
    ] = None,
    checkpoint: Annotated[
        int | None,
        typer.Option(
            "--checkpoint",
            help="Iteration of the checkpoint.",
            show_default="the newest",
            rich_help_panel=_RUNS,
        ),
    ] = None,
) -> None:
    """Make a dataset by acting in a task's environment. It is labelled as a stand-in."""
    from vitamin.platform.catalog import get_task
    from vitamin.platform.datasets import inspect_dataset
    from vitamin.platform.datasets.collect import usual_policy
    from vitamin.platform.datasets.policies import POLICIES

    named = get_task(task)
    policy = usual_policy(named) if policy is None else policy
    run = Path(policy) if policy not in POLICIES and Path(policy).is_dir() else None
    given = {
        "--steps": steps,
        "--target-score": target_score,
        "--target-return": target_return,
        "--max-train-steps": max_train_steps,
        "--mean-action": mean_action or None,
        "--noise": noise,
        "--return-to-go": return_to_go,
        "--checkpoint": checkpoint,
    }
    _check_options("RUN" if run else policy, {name for name, value in given.items() if value is not None})
    common: dict[str, Any] = {"steps": steps, "seed": seed, "out": out, "force": force}
    if run is None:
        path = _by_recipe(named, policy, (target_score, target_return, max_train_steps), common)
    else:
        acting = {"explore": not mean_action, "noise": noise, "return_to_go": return_to_go}
        path = _by_run(named, run, checkpoint, common | acting)
    report = inspect_dataset(path, named)
    size = f"{report.trajectories} episodes, {report.steps} steps, mean return {report.returns.mean:.1f}"
    score = "" if report.normalized_mean is None else f" (normalized score {report.normalized_mean:.1f})"
    print(f"{path} written: {size}{score} ({report.label})")


def _check_options(kind: str, given: set[str]) -> None:
    allowed = _OPTIONS.get(kind)
    if allowed is None:  # an unknown policy gets a message of its own
        return
    for name in sorted(given.difference(allowed)):
        kinds = " and ".join(other for other, options in _OPTIONS.items() if name in options)
        raise typer.BadParameter(f"{name} does not go with --policy {kind}, but with {kinds}.")
    if "--steps" in allowed and "--steps" not in given:
        raise typer.BadParameter(f"--policy {kind} needs --steps N.")


def _by_recipe(
    task: Any, policy: str, recipe: tuple[float | None, float | None, int | None], common: Any
) -> Path:
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.datasets import collect_dataset
    from vitamin.platform.datasets.sac import Recipe

    target_score, target_return, max_train_steps = recipe
    budget = {} if max_train_steps is None else {"max_train_steps": max_train_steps}
    with progress_display(f"{policy} policy in {task.env_id}") as progress:
        return collect_dataset(
            task,
            policy=policy,
            recipe=Recipe(target_score=target_score, target_return=target_return, **budget),
            progress=progress,
            report=say,
            **common,
        )


def _by_run(task: Any, run: Path, checkpoint: int | None, options: Any) -> Path:
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.experiments.collect import collect_from_agent
    from vitamin.platform.experiments.evaluate import load_agent

    agent = load_agent(run, checkpoint=checkpoint, report=say)
    with progress_display(f"{run.name} in {task.env_id}") as progress:
        return collect_from_agent(agent, task, progress=progress, report=say, **options)
