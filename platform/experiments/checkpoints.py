"""Checkpoints of a run: complete or absent, verified when read, the two newest kept."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from vitamin.errors import RunError

_MANIFEST = "manifest.json"
_KEEP = 2
# What `vitamin.algorithms.rllib.checkpoint` writes and a run cannot go on without.
_REQUIRED = frozenset({"tensors.safetensors", "replay.safetensors", "state.json"})


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save_checkpoint(folder: Path, iteration: int, write: Callable[[Path], object]) -> Path:
    """Adds the checkpoint of an iteration to ``folder`` (``checkpoints/`` of a run).

    ``write`` fills a temporary folder, which is renamed when everything in it has reached the disk: a kill at any
    moment leaves the checkpoints before it as they were.

    Raises:
        RunError: If it cannot be written.
    """
    final = folder / f"{iteration:08d}"
    temporary = folder / f".{final.name}.tmp"
    try:
        _remove_leftovers(folder)
        temporary.mkdir(parents=True)
        write(temporary)
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        manifest = {str(path.relative_to(temporary)): _digest(path) for path in files}
        (temporary / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        for path in [*files, temporary / _MANIFEST, temporary]:
            _sync(path)
        _remove(final)
        temporary.rename(final)
        _sync(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RunError(
            f"Cannot write the checkpoint {final}: {error}. Free space or check permissions."
        ) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in list_checkpoints(folder)[:-_KEEP]:
        _remove(old)
    return final


def remove_checkpoints_after(folder: Path, iteration: int) -> None:
    """Deletes the checkpoints of later iterations, when a run goes on from an earlier one and makes them again."""
    for path in list_checkpoints(folder):
        if int(path.name) > iteration:
            _remove(path)


def _remove(checkpoint: Path) -> None:
    """Deletes a checkpoint, if it exists; a kill leaves none that is half deleted under its own name."""
    if checkpoint.exists():
        shutil.rmtree(
            checkpoint.rename(checkpoint.with_name(f".{checkpoint.name}.old.tmp")), ignore_errors=True
        )


def _remove_leftovers(folder: Path) -> None:
    """Deletes what a kill left of checkpoints that were being written or deleted."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints, oldest first, whole or not."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name.isdecimal())


def verify_checkpoint(path: Path) -> None:
    """Compares a checkpoint's files with its manifest.

    Raises:
        RunError: If a file is missing or differs.
    """
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        missing = sorted(_REQUIRED - manifest.keys())
        damaged = [name for name, digest in manifest.items() if _digest(path / name) != digest]
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"Checkpoint {path} is damaged: {error}.") from error
    if missing:
        raise RunError(f"Checkpoint {path} is damaged: its manifest lacks {', '.join(missing)}.")
    if damaged:
        raise RunError(f"Checkpoint {path} is damaged: {', '.join(damaged)} changed since it was written.")


def newest_checkpoint(folder: Path, report: Callable[[str], None]) -> Path | None:
    """The newest whole checkpoint; each damaged one that is passed over is reported.

    Raises:
        RunError: If there are checkpoints but none is whole.
    """
    checkpoints = list_checkpoints(folder)
    for path in reversed(checkpoints):
        try:
            verify_checkpoint(path)
        except RunError as error:
            report(f"{error} Trying the one before it.")
        else:
            return path
    if checkpoints:
        raise RunError(f"No checkpoint in {folder} is whole. Start the run anew in another folder.")
    return None
