"""The files of a checkpoint: tensors as safetensors, counters as JSON; nothing in them is ever unpickled."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from vitamin.algorithms.training.learner_state import Tensors
from vitamin.errors import RunError

CHECKPOINT_SCHEMA = 2
_READABLE = (1, CHECKPOINT_SCHEMA)
"""The first schema differs in what the replay's slots count: that a run cannot go on from, but weights are as now."""
_TENSORS, _REPLAY, _STATE = "tensors.safetensors", "replay.safetensors", "state.json"


def write_checkpoint(folder: Path, tensors: Tensors, replay: Tensors, state: dict[str, Any]) -> None:
    """Writes a checkpoint's files into an existing folder.

    Raises:
        RunError: If a file cannot be written (no space, no permission).
    """
    try:
        save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, folder / _TENSORS)
        save_file({name: np.asarray(array, order="C") for name, array in replay.items()}, folder / _REPLAY)
        (folder / _STATE).write_text(
            json.dumps({"schema": CHECKPOINT_SCHEMA, **state}, indent=1), encoding="utf-8"
        )
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"Cannot write the checkpoint {folder}: {error}. Free space or choose another --out."
        ) from error


def read_state(folder: Path, *, to_continue: bool = False) -> dict[str, Any]:
    """The counters of a checkpoint.

    Args:
        folder: The checkpoint.
        to_continue: Whether training is to go on from it, and not only its policy to act.

    Raises:
        RunError: If the file is missing or damaged, or of an unknown schema.
    """
    try:
        state: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        schema = state.get("schema")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{folder} is no complete checkpoint: its {_STATE} is missing or damaged.") from error
    if schema not in _READABLE:
        raise RunError(
            f"{folder} has checkpoint schema {schema}, this version reads {CHECKPOINT_SCHEMA}. "
            "Use the version of vitamin that wrote it (see run.json)."
        )
    if to_continue and schema != CHECKPOINT_SCHEMA:
        raise RunError(
            f"{folder} is of an earlier version of vitamin, which pretrained on fewer trajectories: it can be "
            "evaluated, but not continued. Use the version that wrote it (see run.json), or start the run anew in "
            "another folder."
        )
    return state


def read_tensors(folder: Path) -> Tensors:
    """Module and optimizer tensors of a checkpoint.

    Raises:
        RunError: If the file is missing or damaged.
    """
    return _read(folder / _TENSORS)


def read_replay(folder: Path) -> Tensors:
    """Replay arrays of a checkpoint.

    Raises:
        RunError: If the file is missing or damaged.
    """
    return _read(folder / _REPLAY)


def _read(file: Path) -> Tensors:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{file} is missing or damaged.") from error
