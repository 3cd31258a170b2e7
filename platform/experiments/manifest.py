"""Keeping the manifest of a run folder in step with its files, whenever the run is killed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from vitamin.analysis.manifest import GROWING, FileState, Manifest, content_of
from vitamin.analysis.schema import MANIFEST_FILE
from vitamin.errors import RunError
from vitamin.files import write_text


class ManifestWriter:
    """The manifest of the run in ``folder``; a damaged one is begun anew.

    Raises:
        RunError: From the methods, if a file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, tuple[FileState, ...]] = {}
        with suppress(RunError):
            if (before := Manifest.read(folder)) is not None:
                self._files = dict(before.files)

    @property
    def paths(self) -> frozenset[str]:
        """The files that are known, by path."""
        return frozenset(self._files)

    def expects(self, name: str, text: str) -> bool:
        """Whether the run wrote, or was to write, this text to the file."""
        return FileState.of(text.encode()) in self._files.get(name, ())

    @contextmanager
    def replacing(self, contents: Mapping[str, str]) -> Iterator[None]:
        """Around the replacement of files: until it is over each may be as it is, if it is sound, or as it will be."""
        for name, text in contents.items():
            self._files[name] = (*self._present(name), FileState.of(text.encode()))
        self._write()
        yield
        self._files |= {name: self._files[name][-1:] for name in contents}
        self._write()

    def _present(self, name: str) -> tuple[FileState, ...]:
        """The state that the file is in, if it is a known one; of a file that is not known, what is there."""
        content = content_of(self._folder / name)
        states = self._files.get(name, (FileState.of(content),))
        return tuple(state for state in states if state.fits(content, may_grow=name in GROWING))[-1:]

    def settle(self, states: Mapping[str, FileState], *, forget: str) -> None:
        """Takes the states of files that have reached the disk, in place of all that were below ``forget``.

        The next replacement writes them down.
        """
        kept = {name: known for name, known in self._files.items() if not name.startswith(forget)}
        self._files = kept | {name: (state,) for name, state in states.items()}

    def forget(self, *paths: str) -> None:
        """Takes files out of the manifest that are to be moved away, and all below folders that are."""
        self._files = {
            name: states
            for name, states in self._files.items()
            if not any(Path(name).is_relative_to(path) for path in paths)
        }
        self._write()

    def _write(self) -> None:
        text = Manifest(files=self._files).model_dump_json(indent=1) + "\n"
        write_text(self._folder / MANIFEST_FILE, text)
