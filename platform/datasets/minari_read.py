"""From a Minari dataset to a file in D4RL's layout, made once and kept in the cache."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from vitamin.errors import DatasetError, nearest
from vitamin.files import per_process
from vitamin.platform.datasets.cache import cache_directory, install, locked
from vitamin.platform.datasets.hdf5 import RawDataset, write_raw
from vitamin.platform.datasets.provenance import (
    ENVIRONMENT_ATTRIBUTE,
    LAYOUT_ATTRIBUTE,
    MINARI_ATTRIBUTE,
    describe,
    verify,
)
from vitamin.platform.tasks.minari import PREFIX, minari_folder, minari_id

if TYPE_CHECKING:
    from minari import MinariDataset

logger = logging.getLogger(__name__)
METADATA_KEY = "vitamin"
"""Under this key of a Minari dataset's metadata `write_minari` leaves what Minari has no place for, as JSON."""

_COPIED = ("algorithm_name", "author", "code_permalink", "minari_version", "ref_min_score", "ref_max_score")


def load_minari() -> Any:
    """The package.

    Raises:
        DatasetError: If it is not installed, with the command that installs it.
    """
    try:
        import minari
    except ImportError as error:
        raise _missing(error) from None
    return minari


def converted_path(source: str | Path) -> Path:
    """Where the file made from a Minari dataset lies, or would lie.

    Raises:
        DatasetError: If ``source`` is no name of a Minari dataset.
    """
    return cache_directory() / "minari" / f"{minari_id(source)}.hdf5"


def minari_path(source: str | Path) -> Path:
    """The Minari dataset ``source``, which must be on this machine, as a file in D4RL's layout.

    The file is made when it is not there or older than the dataset; other processes that want it wait. The same
    dataset always gives the same bytes. Once it is there, neither Minari nor its dataset is needed any more.

    Raises:
        DatasetError: If there is no such dataset, Minari is not installed, the dataset has no one-dimensional Box
            spaces, or the file cannot be written.
    """
    path, name = converted_path(source), minari_id(source)
    changed_ns = _changed_ns(name)
    if changed_ns is None:
        if not path.is_file():
            raise DatasetError(_not_here(name))
        verify(path, thorough=False)
        return path
    if _is_current(path, changed_ns):
        return path
    with locked(path):
        if not _is_current(path, changed_ns):
            _convert(name, path)
    return path


def fetch_minari(source: str, *, force: bool = False) -> Path:
    """Download the Minari dataset ``source`` if it is not on this machine, and make it a file in the cache.

    Args:
        source: ``minari:ID``.
        force: Download again whatever is there.

    Raises:
        DatasetError: If there is no such dataset, it cannot be downloaded, or as `minari_path`.
    """
    name = minari_id(source)
    if force or _changed_ns(name) is None:
        minari = load_minari()
        try:
            with _quiet_client():
                minari.download_dataset(name, force_download=force)
        except ImportError as error:
            raise _missing(error) from None
        except Exception as error:  # of the remote's client library, whichever MINARI_REMOTE names
            reason = str(error) or type(error).__name__
            raise DatasetError(
                f"Cannot download Minari's {name}: {reason}\n"
                f"`minari list remote` shows what there is; by hand, put the dataset at {minari_folder() / name}."
            ) from error
    return minari_path(source)


@contextmanager
def _quiet_client() -> Iterator[None]:
    """Keeps the remote's client, which reports each of its retries, to its last word: the exception."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the client sets its own logger's level when it is imported
    try:
        yield
    finally:
        logging.disable(before)


def _convert(name: str, path: Path) -> None:
    logger.info("Converting Minari's %s to %s.", name, path)
    dataset = _open(name)
    part = per_process(path)
    try:
        write_raw(part, _steps(dataset), _attributes(dataset))
        install(part, path, describe(part, f"converted from {PREFIX}{name}"))
    finally:
        part.unlink(missing_ok=True)


def _open(name: str) -> "MinariDataset":
    minari = load_minari()
    try:
        return minari.load_dataset(name)
    except ImportError as error:
        raise _missing(error) from None
    except Exception as error:  # Minari raises what its parts raise
        raise DatasetError(
            f"Minari's {name} at {minari_folder() / name} cannot be read: it is damaged, or was never finished"
            f" ({error}).\n`vitamin data fetch {PREFIX}{name} --force` downloads it again if it is one of Minari's own;"
            " make others anew."
        ) from error


def _steps(dataset: "MinariDataset") -> RawDataset:
    """All episodes, end to end.

    An episode that neither terminated nor was truncated gets a timeout, but for the last one: without a flag at
    its end it would run into the next.
    """
    _check_space(dataset, "actions", dataset.action_space)
    _check_space(dataset, "observations", dataset.observation_space)
    left_out = _stored_notes(dataset).get("absent", ())
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in RawDataset.__dataclass_fields__}
    for episode in dataset.iterate_episodes():
        T = len(episode.rewards)
        observations = flatten(episode.observations, dataset.observation_space)
        if T == 0:
            continue
        if len(observations) != T + 1:
            raise DatasetError(
                f"Episode {episode.id} of Minari's {dataset.id} has {len(observations)} observations for {T} steps;"
                f" expected {T + 1}."
            )
        columns["observations"].append(observations[:-1])
        columns["next_observations"].append(observations[1:])
        columns["actions"].append(np.asarray(episode.actions))
        columns["rewards"].append(np.asarray(episode.rewards))
        columns["terminals"].append(np.asarray(episode.terminations, bool))
        columns["timeouts"].append(np.asarray(episode.truncations, bool).copy())
    if not columns["rewards"]:
        raise DatasetError(f"Minari's {dataset.id} holds no steps.")
    for terminals, timeouts in zip(columns["terminals"][:-1], columns["timeouts"][:-1], strict=True):
        timeouts[-1] |= not terminals[-1]
    return RawDataset(
        **{name: np.concatenate(parts) for name, parts in columns.items() if name not in left_out}
    )


def flatten(observations: Any, space: spaces.Space[Any]) -> NDArray[Any]:
    """Observations of an episode as rows (T, S), a dictionary's parts beside each other.

    The order is that of Gymnasium's ``FlattenObservation``.
    """
    if not isinstance(space, spaces.Dict):
        return np.asarray(observations)
    return np.concatenate([flatten(observations[key], part) for key, part in space.spaces.items()], axis=1)


def observation_layout(space: spaces.Space[Any]) -> str:
    """Which columns a dictionary's parts take, ``achieved_goal 2, observation 4``; empty for no dictionary."""
    return ", ".join(f"{name} {width}" for name, width in _parts(space)) if _is_dictionary(space) else ""


def _parts(space: spaces.Space[Any], outer: Sequence[str] = ()) -> list[tuple[str, int]]:
    if isinstance(space, spaces.Dict):
        return [part for key, inner in space.spaces.items() for part in _parts(inner, (*outer, key))]
    return [("/".join(outer), spaces.flatdim(space))]


def _is_dictionary(space: spaces.Space[Any]) -> bool:
    return isinstance(space, spaces.Dict)


def _check_space(dataset: "MinariDataset", what: str, space: spaces.Space[Any]) -> None:
    inner = (
        list(space.spaces.values()) if isinstance(space, spaces.Dict) and what == "observations" else [space]
    )
    for part in inner:
        if isinstance(part, spaces.Dict):
            _check_space(dataset, what, part)
        elif not isinstance(part, spaces.Box) or len(part.shape) != 1:
            raise DatasetError(
                f"Minari's {dataset.id} has {what} {part}; supported are one-dimensional Box spaces,"
                " and dictionaries of them as observations."
            )


def _attributes(dataset: "MinariDataset") -> dict[str, str | int | float | bool]:
    """Facts about the data besides its arrays; nothing that differs between two conversions."""
    metadata, stored = dataset.storage.metadata, _stored_notes(dataset).get("attributes", {})
    copied = {
        key: value if isinstance(value, (int, float)) else _text(value)
        for key in _COPIED
        if (value := metadata.get(key)) is not None
    }
    return {
        **stored,
        **copied,
        MINARI_ATTRIBUTE: dataset.id,
        ENVIRONMENT_ATTRIBUTE: dataset.env_spec.to_json() if dataset.env_spec is not None else "",
        "observation_space": str(dataset.observation_space),
        "action_space": str(dataset.action_space),
        LAYOUT_ATTRIBUTE: observation_layout(dataset.observation_space) or stored.get(LAYOUT_ATTRIBUTE, ""),
    }


def _stored_notes(dataset: "MinariDataset") -> dict[str, Any]:
    notes: dict[str, Any] = json.loads(dataset.storage.metadata.get(METADATA_KEY, "{}"))
    return notes


def _text(value: Any) -> str:
    return ", ".join(sorted(value)) if isinstance(value, (set, list, tuple)) else str(value)


def _changed_ns(name: str) -> int | None:
    """When the dataset on this machine was last changed, None if it is not here."""
    files = [path for path in (minari_folder() / name / "data").rglob("*") if path.is_file()]
    return max((path.stat().st_mtime_ns for path in files), default=None)


def _is_current(path: Path, changed_ns: int) -> bool:
    if not path.is_file() or path.stat().st_mtime_ns < changed_ns:
        return False
    verify(path, thorough=False)
    return True


def _not_here(name: str) -> str:
    folder = minari_folder()
    if (folder / name).exists():
        return (
            f"Minari's {name} at {folder / name} was never finished: it holds no data. Delete the folder and make the"
            f" dataset anew; one of Minari's own is downloaded by `vitamin data fetch {PREFIX}{name}`."
        )
    here = [
        path.parent.parent.relative_to(folder).as_posix()
        for path in sorted(folder.glob("**/data/metadata.json"))
        if _is_finished(path)
    ]
    return (
        f"There is no Minari dataset {name} in {folder}.{nearest(name, here)}\n"
        f"`vitamin data fetch {PREFIX}{name}` downloads it."
    )


def _is_finished(metadata: Path) -> bool:
    """Whether the dataset has its id, the last thing that Minari writes down."""
    try:
        return "dataset_id" in json.loads(metadata.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _missing(error: ImportError) -> DatasetError:
    return DatasetError(
        f'Minari datasets need packages that are missing ({error}). `pip install "vitamin[minari]"` installs them.'
    )
