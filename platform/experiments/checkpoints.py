"""Checkpoints of a run: complete or absent, verified when read; the pretrained one and the two newest are kept."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from vitamin.analysis.manifest import CHANGED, FileState, changed_files
from vitamin.analysis.schema import CHECKPOINTS_FOLDER
from vitamin.errors import RunError
from vitamin.files import put_in_place, sync, temporary_name

_MANIFEST = "manifest.json"
_KEEP = 2
# What `vitamin.algorithms.rllib.checkpoint` writes and a run cannot go on without.
_REQUIRED = frozenset({"tensors.safetensors", "replay.safetensors", "state.json"})


class DamagedCheckpoint(RunError):
    """A checkpoint's files are not as they were written."""


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def save_checkpoint(
    folder: Path, iteration: int, write: Callable[[Path], object], *, pretrained: int | None = None
) -> Path:
    """Adds the checkpoint of an iteration to ``folder`` (``checkpoints/`` of a run) and removes older ones.

    The two newest stay, and that of the iteration ``pretrained``, with which pretraining ends: the policy that
    fine-tuning began with can be evaluated and recorded later.

    ``write`` fills a temporary folder, which is renamed when everything in it has reached the disk: a kill at any
    moment leaves the checkpoints before it as they were.

    Raises:
        RunError: If it cannot be written.
    """
    final = folder / f"{iteration:08d}"
    temporary = folder / temporary_name(final.name)
    try:
        _remove_leftovers(folder)
        temporary.mkdir(parents=True)
        write(temporary)
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        manifest = {str(path.relative_to(temporary)): _digest(path) for path in files}
        (temporary / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        for path in [*files, temporary / _MANIFEST]:
            sync(path)
        _remove(final)
        put_in_place(temporary, final)
        sync(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RunError(
            f"Cannot write the checkpoint {final}: {error}. Free space or check permissions."
        ) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in list_checkpoints(folder)[:-_KEEP]:
        if int(old.name) != pretrained:
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
            checkpoint.rename(checkpoint.with_name(temporary_name(f"{checkpoint.name}.old"))),
            ignore_errors=True,
        )


def _remove_leftovers(folder: Path) -> None:
    """Deletes what a kill left of checkpoints that were being written or deleted."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints, oldest first, whole or not.

    Raises:
        RunError: If the folder cannot be read.
    """
    if not folder.is_dir():
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and path.name.isdecimal())
    except OSError as error:
        raise RunError(f"Cannot read {error.filename}: {error.strerror}. Check its permissions.") from error


def manifest_states(folder: Path) -> dict[str, FileState]:
    """The checkpoints' manifests, by path relative to the run folder, which holds ``folder``."""
    files = [path / _MANIFEST for path in list_checkpoints(folder)]
    return {
        file.relative_to(folder.parent).as_posix(): FileState.of(file.read_bytes())
        for file in files
        if file.is_file()
    }


def verify_checkpoint(path: Path) -> None:
    """Compares a checkpoint's files with its manifest.

    Raises:
        DamagedCheckpoint: If a file is missing or differs.
        RunError: If this user may not read a file, which tells nothing of its content.
    """
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        missing = sorted(_REQUIRED - manifest.keys())
        damaged = [name for name, digest in manifest.items() if _digest(path / name) != digest]
    except PermissionError as error:
        raise RunError(f"Cannot read {error.filename}: {error.strerror}. Check its permissions.") from error
    except FileNotFoundError as error:
        raise DamagedCheckpoint(
            f"Checkpoint {path} is damaged: {Path(error.filename).name} is gone."
        ) from error
    except OSError as error:
        raise DamagedCheckpoint(
            f"Checkpoint {path} is damaged: it cannot be read ({error.strerror})."
        ) from error
    except (ValueError, AttributeError, RecursionError) as error:
        raise DamagedCheckpoint(f"Checkpoint {path} is damaged: its {_MANIFEST} lists no files.") from error
    if missing:
        raise DamagedCheckpoint(f"Checkpoint {path} is damaged: its manifest lacks {', '.join(missing)}.")
    if damaged:
        raise DamagedCheckpoint(
            f"Checkpoint {path} is damaged: {', '.join(damaged)} changed since it was written."
        )


def changed_at_rest(run: Path) -> dict[str, str]:
    """As `changed_files`, and whether each checkpoint is as it was written, byte for byte: of a run that has ended."""
    found = changed_files(run)
    try:
        checkpoints = list_checkpoints(run / CHECKPOINTS_FOLDER)
    except RunError:
        return found | {CHECKPOINTS_FOLDER: "cannot be read"}
    for path in checkpoints:
        name = path.relative_to(run).as_posix()
        if f"{name}/{_MANIFEST}" in found:
            continue
        try:
            verify_checkpoint(path)
        except DamagedCheckpoint:
            found[name] = CHANGED
        except RunError:
            found[name] = "cannot be read"
    return found


def newest_checkpoint(folder: Path, report: Callable[[str], None]) -> Path | None:
    """The newest whole checkpoint, None if there is none; each damaged one that is passed over is reported.

    Raises:
        RunError: If this user may not read a checkpoint.
    """
    checkpoints = list_checkpoints(folder)
    for path in reversed(checkpoints):
        try:
            verify_checkpoint(path)
        except DamagedCheckpoint as error:
            report(f"{error} Trying the one before it." if path != checkpoints[0] else str(error))
        else:
            return path
    return None


def latest_checkpoint(run: Path, report: Callable[[str], None]) -> Path:
    """The newest whole checkpoint of a run folder; each damaged one that is passed over is reported.

    Raises:
        RunError: If there is none, or this user may not read it.
    """
    folder = run / CHECKPOINTS_FOLDER
    newest = newest_checkpoint(folder, report)
    if newest is not None:
        return newest
    if list_checkpoints(folder):
        raise RunError(
            f"No checkpoint in {folder} is whole. `vitamin train --resume --out {quote(str(run))}` makes the run "
            "again; a finished one, if it is given more --online-steps."
        )
    raise RunError(f"{run} holds no checkpoint yet.")


def chosen_checkpoint(run: Path, iteration: int, what: str) -> Path:
    """The checkpoint of an iteration of a run folder; ``what`` names it in the error.

    Raises:
        DamagedCheckpoint: If it is not whole.
        RunError: If it is not there, or this user may not read it.
    """
    there = {int(path.name): path for path in list_checkpoints(run / CHECKPOINTS_FOLDER)}
    if iteration not in there:
        raise RunError(f"{run} holds no checkpoint of {what}; it has {', '.join(map(str, there)) or 'none'}.")
    verify_checkpoint(there[iteration])
    return there[iteration]
