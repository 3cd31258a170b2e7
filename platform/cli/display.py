"""The base of all that shows how a command goes."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text


class Display:
    """Prints messages to standard error; open for the length of a command.

    Attributes:
        console: Where it prints.
        live: What is redrawn in place while the display is open; None for nothing.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.live: Live | None = None

    def __enter__(self) -> Self:
        if self.live is not None:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def message(self, text: str) -> None:
        """Something that the user should know."""
        self.console.print(Text(text), soft_wrap=True)
