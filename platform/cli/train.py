"""`vitamin train`: one run."""

from math import isnan
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.platform.cli.options import Quiet
from vitamin.platform.stopping import exit_code

if TYPE_CHECKING:
    from vitamin.platform.experiments.spec import ExperimentSpec

_RUN = "The run"
_PROCESSES = "Processes"


def train(
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK", help="A task (see `vitamin tasks`), any Gymnasium environment id, or minari:ID."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|minari:ID",
            help="Offline data: a file in D4RL's HDF5 layout, or a Minari dataset.",
            show_default="the task's file",
            rich_help_panel=_RUN,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="A row of `vitamin methods`.", show_default="td3_odt", rich_help_panel=_RUN),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=LARGEST_SEED,
            help="Key of every random draw.",
            show_default="0",
            rich_help_panel=_RUN,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Set of settings: paper (the authors'), small (a laptop's), tiny (for tests).",
            show_default="paper",
            rich_help_panel=_RUN,
        ),
    ] = None,
    reference_scores: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="MIN MAX",
            help="Returns that count as scores 0 and 100, for an environment of your own.",
            show_default="the task's",
            rich_help_panel=_RUN,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting; repeatable. `vitamin tasks TASK` lists all of them.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    online_steps: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Environment steps of the online phase.",
            show_default="the preset's",
            rich_help_panel=_RUN,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Start from a run's config.yaml; other options override it.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Run folder.", show_default="results/TASK-METHOD-seedN", rich_help_panel=_RUN
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the run in --out from its newest checkpoint, bit for bit; TASK may be left out.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    num_env_runners: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Remote env runners; 0: in the driver.",
            show_default="1",
            rich_help_panel=_PROCESSES,
        ),
    ] = None,
    num_learners: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Remote learners; 0: in the driver.",
            show_default="0",
            rich_help_panel=_PROCESSES,
        ),
    ] = None,
    num_gpus_per_learner: Annotated[
        float | None,
        typer.Option(
            metavar="N", min=0, help="GPUs of each learner.", show_default="0", rich_help_panel=_PROCESSES
        ),
    ] = None,
    checkpoint_interval: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Iterations between checkpoints.",
            show_default="10",
            rich_help_panel=_PROCESSES,
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Pretrain a decision transformer on offline data, then fine-tune it online."""
    if config is None and task is None:
        if not resume or out is None:
            raise typer.BadParameter("Give a TASK (or --config FILE, or --resume --out DIR).")
        config = _config_in(out)
    if config is not None and preset is not None:
        raise typer.BadParameter("--preset has no effect beside a config.yaml, which holds every setting.")
    from vitamin.platform.experiments.runs import default_folder
    from vitamin.platform.tasks.minari import absolute_source

    chosen = {
        "task": task,
        "method": method,
        "preset": preset,
        "seed": seed,
        "reference_scores": reference_scores,
        "data": data and absolute_source(data),
        "num_env_runners": num_env_runners,
        "num_learners": num_learners,
        "num_gpus_per_learner": num_gpus_per_learner,
        "checkpoint_interval": checkpoint_interval,
    }
    spec = _specification(config, chosen, settings or [], online_steps)
    _run(spec, out or default_folder(spec), resume=resume, quiet=quiet)


def _config_in(out: Path) -> Path:
    from vitamin.errors import RunError

    config = out / "config.yaml"
    if not config.is_file():
        raise RunError(f"{out} holds no run to resume. Check --out, or give a TASK to start a run there.")
    return config


def _specification(
    config: Path | None, chosen: dict[str, Any], settings: list[str], online_steps: int | None
) -> "ExperimentSpec":
    from vitamin.platform.experiments.spec import ExperimentSpec, read_config
    from vitamin.platform.tasks import parse_overrides

    values = {name: value for name, value in chosen.items() if value is not None}
    values = read_config(config, **values).model_dump() if config else {"overrides": {}} | values
    values["overrides"] |= parse_overrides(settings)
    if online_steps is not None:
        values["overrides"]["online_steps"] = online_steps
    return ExperimentSpec.create(**values)


def _run(spec: "ExperimentSpec", out: Path, *, resume: bool, quiet: bool) -> None:
    from vitamin.algorithms.methods import METHODS
    from vitamin.platform.cli.progress import open_reporter

    title = f"{spec.task} · {METHODS[spec.method].label} · seed {spec.seed} → {out}"
    with open_reporter(title, quiet=quiet) as reporter:
        # Ray takes seconds to import; the display is up by now.
        from vitamin.platform.experiments.same_run import holds_run
        from vitamin.platform.experiments.train import train as train_run

        if resume and not holds_run(out):
            reporter.message(f"No run in {out} yet: starting.")
        info = train_run(spec, out, resume=resume, reporter=reporter)
    if info.status != "finished":
        print(f"Continue with: vitamin train --resume --out {quote(str(out))}")
        raise typer.Exit(exit_code())
    _print_end(out)


def _print_end(out: Path) -> None:
    from vitamin.analysis.results import load_results
    from vitamin.analysis.scores import run_scores

    row = run_scores(load_results(out)).frame.iloc[0]
    what = "normalized score" if row["unit"] == "normalized" else "return"
    print(f"Results: {out}")
    scores = [] if isnan(row["pretrained"]) else [f"{row['pretrained']:.1f} pretrained"]
    if row["end_steps"]:
        scores.append(f"{row['own_final']:.1f} after {row['end_steps']} online steps")
    if scores:
        print(f"Mean {what}: {', '.join(scores)}")
    print(f"Next: vitamin evaluate {quote(str(out))}")
    print(f"      vitamin report {quote(str(out.parent))}")
