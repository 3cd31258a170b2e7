"""Downloading one large file so that a broken connection costs nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from io import FileIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from vitamin.errors import DatasetError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes there will be, if known."""

_BLOCK = 1 << 20
_TIMEOUT_S = 30.0
_MAX_STALLS = 3


class DownloadFailed(Exception):
    """The server cannot be reached, refuses, or stops sending. What was received is kept."""


def download(url: str, part: Path, progress: Progress | None = None, retry_wait_s: float = 1.0) -> None:
    """Fill ``part`` with the content of ``url``, continuing where an earlier attempt stopped.

    A partial file is continued with an HTTP range request, on condition that the server still has the same
    version (its ETag or date is kept beside ``part``); otherwise it is started over. A broken connection is
    taken up again as long as bytes keep coming.

    Args:
        url: What to download.
        part: The partial file; on return it is complete.
        progress: Told about received bytes.
        retry_wait_s: Seconds before the first retry; doubled for each further one without progress.

    Raises:
        DownloadFailed: If the server cannot be reached, refuses, or stops sending for good.
        DatasetError: If ``part`` cannot be written.
    """
    stalls, ever_received = 0, False
    while True:
        before = _size(part)
        try:
            _continue(url, part, progress or _ignore)
        except HTTPError as error:
            raise DownloadFailed(f"HTTP {error.code} {error.reason}") from None
        except (OSError, HTTPException) as error:
            received = _size(part) > before
            ever_received |= received
            stalls = 0 if received else stalls + 1
            if not ever_received or stalls > _MAX_STALLS:
                raise DownloadFailed(str(getattr(error, "reason", error)) or type(error).__name__) from None
            time.sleep(retry_wait_s * 2**stalls)
        else:
            _version_file(part).unlink(missing_ok=True)
            return


def _continue(url: str, part: Path, progress: Progress) -> None:
    """One request. Raises OSError or HTTPException if the connection fails or ends early."""
    version_file = _version_file(part)
    have = _size(part) if version_file.exists() else 0
    request = Request(url)  # noqa: S310 (the registry's URLs)
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version_file.read_text(encoding="utf-8"))
    try:
        response: HTTPResponse = urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310
    except HTTPError as error:
        if error.code != 416:
            raise
        # The partial file has all bytes, or more than there are.
        if error.headers.get("Content-Range") != f"bytes */{have}":
            part.unlink()
            _continue(url, part, progress)
        return
    with response:
        continues = response.status == 206
        if continues and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise ConnectionError("the server sent another range than was asked for")
        if not continues:
            have = 0
            with _written_locally(part):
                _keep_version(response, version_file)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        received = _receive(response, part, have, total, progress)
    if total is not None and received != total:
        raise ConnectionError(f"the connection ended after {received} of {total} bytes")


def _receive(response: HTTPResponse, part: Path, have: int, total: int | None, progress: Progress) -> int:
    """Write the body to ``part`` after its first ``have`` bytes; returns how many are there at the end."""
    with _writable(part, append=have > 0) as file:
        progress(have, total)
        while block := response.read(_BLOCK):
            rest = memoryview(block)
            with _written_locally(part):
                while rest:
                    rest = rest[file.write(rest) :]
            have += len(block)
            progress(have, total)
    return have


def _writable(part: Path, *, append: bool) -> FileIO:
    with _written_locally(part):
        # Unbuffered, so that a full disk shows in write() and not a second time in close().
        return part.open("ab" if append else "wb", buffering=0)


@contextmanager
def _written_locally(part: Path) -> Iterator[None]:
    """Tells an error of this machine's disk from one of the connection, which is an OSError too."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"Cannot write {part}: {error.strerror}.") from None


def _keep_version(response: HTTPResponse, version_file: Path) -> None:
    """Note which version of the file this is, as If-Range needs it: a strong ETag, else the date."""
    tag = response.headers.get("ETag", "")
    version = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    if version:
        version_file.write_text(version, encoding="utf-8")
    else:
        version_file.unlink(missing_ok=True)


def _version_file(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _ignore(_received: int, _total: int | None) -> None:
    pass
