"""The small files of a run folder, each read once: what is checked is what is used."""

from pathlib import Path


class RunFiles:
    """The files of the run folder ``folder``, by name; what was read is kept as long as this object is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._contents: dict[str, bytes | None] = {}

    @classmethod
    def of(cls, run: "Path | RunFiles") -> "RunFiles":
        """The files of a run folder, or these themselves."""
        return run if isinstance(run, RunFiles) else cls(run)

    def path(self, name: str) -> Path:
        """Where a file lies."""
        return self.folder / name

    def find(self, name: str) -> bytes | None:
        """The content of a file; None if it is not there.

        Raises:
            OSError: If it is there but cannot be read.
        """
        if name not in self._contents:
            try:
                self._contents[name] = self.path(name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                self._contents[name] = None
        return self._contents[name]

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            OSError: If it cannot be read.
        """
        content = self.find(name)
        return self.path(name).read_bytes() if content is None else content

    def forget(self) -> None:
        """Has the files read again: the run may have written them in the meantime."""
        self._contents.clear()
