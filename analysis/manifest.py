"""The digests that a run keeps of its own files, and whether the files still agree with them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATIONS_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    RUN_FILE,
    SCHEMA_VERSION,
    RunInfo,
)
from vitamin.errors import RunError

# Files that are appended to; all others are replaced as a whole.
GROWING: Final = frozenset({METRICS_FILE, EVALUATIONS_FILE})
_TEXT_FILES: Final = frozenset({RUN_FILE, CONFIG_FILE, *GROWING})

GONE: Final = "is gone"
CHANGED: Final = "changed since the run wrote it"


class FileState(BaseModel):
    """A file as the run wrote it: its first bytes and their digest."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(
        ge=0, description="bytes of the part that is digested, the whole file when it was written"
    )
    sha256: str = Field(description="digest of that part")

    @classmethod
    def of(cls, content: bytes) -> "FileState":
        """The state of a file with this content."""
        return cls(size=len(content), sha256=hashlib.sha256(content).hexdigest())

    def fits(self, content: bytes, *, may_grow: bool) -> bool:
        """Whether a file with this content is still in the state, apart from what was appended if it may grow."""
        if len(content) < self.size or (len(content) > self.size and not may_grow):
            return False
        return hashlib.sha256(memoryview(content)[: self.size]).hexdigest() == self.sha256


class Manifest(BaseModel):
    """The content of ``manifest.json`` of a run folder.

    It is replaced before the files in it are, so that a kill at any moment finds each file in one of its states.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = Field(SCHEMA_VERSION, description="version of this schema")
    files: dict[str, tuple[FileState, ...]] = Field(
        description="by path, the states that a file may be in: one, or that before and that after a replacement"
    )

    @classmethod
    def read(cls, run: Path | RunFiles) -> "Manifest | None":
        """The manifest of a run folder; None if there is none, as in those of earlier versions.

        Raises:
            RunError: If it cannot be read, or is no manifest.
        """
        files = RunFiles.of(run)
        file = files.path(MANIFEST_FILE)
        try:
            content = files.find(MANIFEST_FILE)
            return None if content is None else cls.model_validate(json.loads(content))
        except OSError as error:
            raise RunError(f"Cannot read {file}: {error.strerror}.") from error
        except (ValueError, RecursionError, ValidationError) as error:
            raise RunError(f"{file} is damaged.") from error


def changed_files(run: Path | RunFiles, *, checkpoints: bool = True) -> dict[str, str]:
    """Changes of files of a run folder since the run wrote them: by name, the rest of a sentence.

    Of a run that has not finished the files may have grown, and its checkpoints, which come and go, are looked at by
    whoever reads them. Nothing is known of runs of earlier versions, which have no manifest.

    Args:
        run: The run folder, or its files, which then hold what was looked at.
        checkpoints: Look at the checkpoints of a finished run too; at their manifests, not at every byte.
    """
    files = RunFiles.of(run)
    try:
        manifest = Manifest.read(files)
        found: dict[str, str] = {}
        while manifest is not None:
            found = _compared(files, manifest, checkpoints=checkpoints)
            # The run itself may have replaced files while they were read.
            again = Manifest.read(files.folder) if found else manifest
            if again == manifest:
                break
            files.forget()
            manifest = again
    except RunError:
        return {MANIFEST_FILE: "cannot be read, so that nothing is known of the other files"}
    return found


def damage(changed: Mapping[str, str]) -> str | None:
    """The findings of `changed_files` in a sentence; None if it found nothing."""
    return f"{', '.join(f'{name} {what}' for name, what in sorted(changed.items()))}." if changed else None


def _compared(files: RunFiles, manifest: Manifest, *, checkpoints: bool) -> dict[str, str]:
    try:
        finished = RunInfo.read(files).status == "finished"
    except RunError:
        finished = False
    found = {}
    for name, states in manifest.files.items():
        if name not in _TEXT_FILES and not (checkpoints and finished):
            continue
        may_grow = name in GROWING and not finished
        try:
            content = files.find(name)
        except OSError as error:
            found[name] = f"cannot be read ({error.strerror})"
            continue
        if not any(state.fits(content or b"", may_grow=may_grow) for state in states):
            found[name] = GONE if content is None else CHANGED
    return found


def content_of(file: Path) -> bytes:
    """Of a file that is not there, as that of an empty one.

    Raises:
        OSError: If it is there but cannot be read.
    """
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
