"""The command line. Commands import what they need when they run, so that help and version come at once."""

from typing import TYPE_CHECKING, Any

from vitamin.platform.cli.endings import catch_threads, end, flush
from vitamin.platform.stopping import end_on_signals, end_process

if TYPE_CHECKING:
    from vitamin.platform.cli.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """Runs the command line. Whatever ends it, importing it included, is said in a sentence, see `endings`."""
    try:
        end_on_signals()
        catch_threads()
        from vitamin.platform.cli.commands import app

        app(prog_name="vitamin")
    except SystemExit as exit_:
        code = exit_.code
    except BaseException as error:  # noqa: BLE001 (the last resort)
        code = end(error)
    end_process(flush() or code)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vitamin.platform.cli.commands import app

    return app
