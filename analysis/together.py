"""Files of one result that appear together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from vitamin.files import put_in_place

LIST: Final = ".files"
"""The file in which a result names its files, so that the next one can remove what it no longer has."""


@contextmanager
def written_together(folder: Path, *, replaced: bool = False) -> Iterator[Path]:
    """A folder for files, also in subfolders, that move to ``folder`` when the block ends; if it fails, nothing stays.

    Args:
        folder: Where the files go.
        replaced: Files of an earlier result in ``folder`` that this one lacks are removed. A list of the files, `LIST`,
            is kept for that.

    Raises:
        OSError: If ``folder`` cannot be made or written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=".new-", dir=folder) as name:
            new = Path(name)
            yield new
            names = sorted(file.relative_to(new).as_posix() for file in new.rglob("*") if file.is_file())
            if replaced:
                (new / LIST).write_text("\n".join(names) + "\n", encoding="utf-8", errors="surrogateescape")
            before = _listed(folder) if replaced else set()
            for file in [*names, *([LIST] if replaced else [])]:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                put_in_place(new / file, folder / file)
            for file in sorted(before - {*names}):
                _remove(folder, file)
    except BaseException:
        with suppress(OSError):
            for path in made:
                path.rmdir()
        raise


def _listed(folder: Path) -> set[str]:
    """Files that an earlier result left, none if it is not known."""
    try:
        return {*(folder / LIST).read_text(encoding="utf-8", errors="surrogateescape").splitlines()}
    except OSError:
        return set()


def _remove(folder: Path, name: str) -> None:
    """Removes a file that lies within the folder, and the subfolders that it leaves empty."""
    file = folder / name
    if ".." in Path(name).parts or Path(name).is_absolute() or file.is_symlink():
        return
    with suppress(OSError):
        file.unlink()
        for parent in file.parents:
            if parent == folder:
                break
            parent.rmdir()
