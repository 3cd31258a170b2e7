"""The command line. Commands import what they need when they run, so that help and version come at once."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vitamin import __version__
from vitamin.errors import VitaminError
from vitamin.platform.cli import data, evaluate, methods, report, sweep, tasks, train


class _Commands(TyperGroup):
    """Prints what users caused as one message; everything else keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except VitaminError as error:
            typer.echo(f"{typer.style('error:', fg='red', bold=True)} {error}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(train.INTERRUPTED) from interrupt


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"vitamin {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Online fine-tuning of decision transformers with reinforcement learning gradients."""
    from vitamin.platform.cli.noise import silence_libraries

    if (
        "" not in sys.path
    ):  # `my_module:MyEnv-v0` in the current directory, as env runners find it; last, to hide nothing
        sys.path.append("")
    silence_libraries()


app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("sweep")(sweep.sweep)
app.command("report")(report.report)
app.command("tasks")(tasks.tasks)
app.command("methods")(methods.methods)
app.add_typer(data.app, name="data")


def main() -> None:
    """Runs the command line."""
    try:
        app(prog_name="vitamin")
    finally:
        _flush()


def _flush() -> None:
    """Writes what is left; a reader that has gone (``vitamin tasks | head``) is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
