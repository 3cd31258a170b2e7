"""The commands, and what they share."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vitamin import __version__
from vitamin.platform.cli import (
    compare,
    data,
    embed,
    evaluate,
    export,
    figure,
    methods,
    report,
    sweep,
    tasks,
    train,
    watch,
)
from vitamin.platform.cli.encoding import spell_what_streams_lack
from vitamin.platform.cli.endings import end
from vitamin.platform.stopping import forget


class _Commands(TyperGroup):
    """Ends with a sentence and an exit code of `endings`, whatever was raised."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        forget()
        spell_what_streams_lack()
        with _told(Exception, KeyboardInterrupt):
            return super().main(*arguments, **options)

    # Typer has endings of its own for some errors.
    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _told(KeyboardInterrupt):
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _told(EOFError, OSError, KeyboardInterrupt):
            return super().invoke(ctx)


@contextmanager
def _told(*kinds: type[BaseException]) -> Iterator[None]:
    try:
        yield
    except kinds as error:
        raise SystemExit(end(error)) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"vitamin {__version__}")
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
app.command("compare")(compare.compare)
app.command("watch")(watch.watch)
app.command("export")(export.export)
app.command("embed")(embed.embed)
app.command("tasks")(tasks.tasks)
app.command("methods")(methods.methods)
app.add_typer(data.app, name="data")
app.add_typer(figure.app, name="figure")
