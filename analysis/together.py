"""Files of one result that appear together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """A folder for files that move to ``folder`` when the block ends; if it fails, nothing stays.

    Raises:
        OSError: If ``folder`` cannot be made or written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=".new-", dir=folder) as name:
            yield Path(name)
            for file in Path(name).iterdir():
                file.replace(folder / file.name)
    except BaseException:
        with suppress(OSError):
            for path in made:
                path.rmdir()
        raise
