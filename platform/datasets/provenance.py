"""Where a dataset file comes from and what its checksum was, in a JSON record beside it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from vitamin.errors import DatasetError
from vitamin.files import per_process, replacing
from vitamin.platform.datasets.hdf5 import read_attributes
from vitamin.platform.tasks.minari import minari_label

FETCHED = "fetched from "
FOUND = "found in the cache"
IMPORTED = "imported from "
STAND_IN_ATTRIBUTE = "stand_in"
STAND_IN = "stand-in"
OWN = "own file"
MINARI_ATTRIBUTE = "minari_dataset"
ENVIRONMENT_ATTRIBUTE = "minari_environment"
LAYOUT_ATTRIBUTE = "observation_layout"
ORIGIN_ATTRIBUTE = "exported_from"
REWARDS_ATTRIBUTE = "rewards"
PAID_AT_ONCE = "paid as they are earned"


@dataclass(frozen=True)
class Provenance:
    """The record of one file.

    Attributes:
        sha256: Checksum at the time of recording.
        size: Bytes.
        modified_ns: Modification time of the file; with ``size`` it tells cheaply whether the file was
            touched since.
        origin: Where it came from, in words.
        recorded: When, ISO 8601 UTC.
    """

    sha256: str
    size: int
    modified_ns: int
    origin: str
    recorded: str


def is_fetched(provenance: Provenance | None) -> bool:
    """Whether a file with this record is the published one."""
    return provenance is not None and provenance.origin.startswith(FETCHED)


def record_path(path: Path) -> Path:
    """Where the record of ``path`` lies."""
    return path.with_name(path.name + ".json")


def describe(path: Path, origin: str) -> Provenance:
    """A record of the file as it is now."""
    status = path.stat()
    return Provenance(
        _sha256(path, status.st_size, status.st_mtime_ns), status.st_size, status.st_mtime_ns, origin, _now()
    )


def write_record(path: Path, provenance: Provenance) -> None:
    """Put the record beside ``path``, atomically.

    Raises:
        OSError: If it cannot be written.
    """
    record = record_path(path)
    with replacing(record, per_process(record)) as new:
        new.write_text(json.dumps(asdict(provenance), indent=2) + "\n", encoding="utf-8")


def read_record(path: Path) -> Provenance | None:
    """The record beside ``path``, or None.

    Raises:
        DatasetError: If there is one that cannot be read.
    """
    file = record_path(path)
    try:
        return Provenance(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DatasetError(
            f"The checksum record {file} cannot be read ({error}). Delete it to record the file anew."
        ) from None


def verify(path: Path, *, thorough: bool) -> None:
    """Compare ``path`` with its record, or write the record if it has none.

    Args:
        path: The file.
        thorough: Compute the checksum even if size and modification time are as recorded.

    Raises:
        DatasetError: If the file is not what was recorded.
    """
    known = read_record(path)
    if known is None:
        _try_write(path, describe(path, FOUND))
        return
    status = path.stat()
    unchanged = (status.st_size, status.st_mtime_ns) == (known.size, known.modified_ns)
    if unchanged and not thorough:
        return
    now = describe(path, known.origin)
    if now.sha256 != known.sha256:
        raise DatasetError(
            f"{path} is not the file that was {known.origin}:"
            f" its checksum was {known.sha256[:12]}…, now it is {now.sha256[:12]}….\n"
            f"Replace it (`vitamin data fetch`, `import` or `collect` with --force), or delete the record"
            f" {record_path(path).name} beside it to keep it."
        )
    if not unchanged:
        _try_write(path, now)


def fingerprint(path: Path) -> str:
    """SHA-256 of a dataset file, in hex; a file that has not changed since it was recorded is not read again.

    Raises:
        DatasetError: If there is no such file.
    """
    try:
        status = path.stat()
        known = read_record(path)
        if known is not None and (status.st_size, status.st_mtime_ns) == (known.size, known.modified_ns):
            return known.sha256
        return _sha256(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from None


def dataset_label(path: Path) -> str | None:
    """The kind of a file that is not a task's published one, for run folders and reports.

    A stand-in, a Minari dataset, or the user's own.

    Raises:
        DatasetError: If the file cannot be read.
    """
    attributes = read_attributes(path)
    if attributes.get(STAND_IN_ATTRIBUTE):
        policy, environment = (attributes.get(key, "unknown") for key in ("algorithm", "environment"))
        return f"{STAND_IN}: {policy} in {environment}"
    origin = attributes.get(ORIGIN_ATTRIBUTE)
    exported = f", exported from {origin}" if origin else ""
    if name := attributes.get(MINARI_ATTRIBUTE):
        return minari_label(name) + exported
    return None if is_fetched(read_record(path)) else OWN + exported


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 (part of the key of the cache)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _try_write(path: Path, provenance: Provenance) -> None:
    try:
        write_record(path, provenance)
    except OSError:
        return  # a shared cache may be read-only


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
