"""`vitamin sweep`: many runs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitamin.platform.cli.endings import say
from vitamin.platform.cli.options import Quiet
from vitamin.platform.stopping import exit_code

if TYPE_CHECKING:
    from vitamin.platform.sweeps import Plan, SweepProgress

_IN_RAY_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # set by `ray job submit`


def sweep(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC", help="A YAML file, or the name of a shipped one, such as quickstart."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run folders.", show_default="results/NAME"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Skip finished trials, continue the others from their checkpoints."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and its cost, run nothing.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train every combination of tasks, methods, settings and seeds that a specification asks for."""
    from vitamin.platform.sweeps import check_paths, find_spec, make_plan, read_spec, run_sweep

    plan = make_plan(read_spec(find_spec(spec)))
    folder = out or Path("results") / plan.spec.name
    if dry_run:
        check_paths(plan, folder)
        _print_plan(plan)
        return
    if _IN_RAY_JOB in os.environ and not folder.is_absolute():
        raise typer.BadParameter(
            f"In a Ray job, {folder} would lie in the job's temporary copy of the working directory. "
            "Give an absolute --out, on storage that all nodes share."
        )
    from vitamin.platform.cli.sweep_display import open_display

    with open_display(f"{plan.spec.name} → {folder}", quiet=quiet) as display:
        progress = run_sweep(plan, folder, display, resume=resume)
    _print_end(plan, progress, spec, folder)


def _print_plan(plan: "Plan") -> None:
    from vitamin.errors import SweepError
    from vitamin.platform.cli.output import print_fields, print_table
    from vitamin.platform.ray_session import local_cpus
    from vitamin.platform.sweeps import read_data, total, trial_resources

    request = trial_resources(plan.trials[0])
    cpus, gpus = total(request, "CPU"), total(request, "GPU")
    limit = plan.spec.resources.max_concurrent
    here = int(local_cpus(cpus, at_once=limit or 1) // cpus)
    try:
        read_data(plan)
        data = "here"
    except SweepError as error:
        data = str(error)
    print_table(
        f"Sweep {plan.spec.name}",
        ("trial", "pretrain updates", "online steps"),
        [(trial.name, f"{trial.budget[0]:,}", f"{trial.budget[1]:,}") for trial in plan.trials],
    )
    print()
    fields = [
        ("trials", str(len(plan.trials))),
        ("environment steps", f"{plan.env_steps:,} online, evaluation not counted"),
        ("pretrain updates", f"{plan.pretrain_updates:,}"),
        ("each trial", f"{cpus:g} CPU" + (f", {gpus:g} GPU" if gpus else "")),
        (
            "at a time",
            f"{min(limit or here, here)} on this machine" + (f", at most {limit} anywhere" if limit else ""),
        ),
        ("data", data),
    ]
    print_fields("Cost", fields)


def _print_end(plan: "Plan", progress: "SweepProgress", spec: str, folder: Path) -> None:
    from vitamin.platform.cli.output import print_table
    from vitamin.platform.cli.sweep_display import count, position, score

    states = progress.trials.values()
    print_table(
        f"Sweep {plan.spec.name}: {count(len(plan.trials))} in {folder}",
        ("trial", "status", "position", "last evaluation"),
        [(state.trial.name, state.status, position(state), score(state)) for state in states],
    )
    for state in progress.with_status("diverged", "failed"):
        print(f"{state.trial.name} {state.status}: {state.message}")
    if progress.with_status("stopped"):
        print(f"Continue with: vitamin sweep {spec} --out {folder} --resume")
        raise typer.Exit(exit_code())
    if failed := progress.with_status("failed"):
        say(f"{len(failed)} of {count(len(states))} failed. --resume tries them again.")
        raise typer.Exit(1)
    print(f"Next: vitamin report {folder}")
