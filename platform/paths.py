"""Names and paths that any file system takes."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from vitamin.errors import VitaminError

LONGEST_NAME = 120
"""Bytes. Ext4 takes names of 255, encrypted home folders of 143, and Ray Tune appends to those of its trials."""
_LONGEST_PATH = 4096
_LONGEST_INSIDE = 300  # bytes of what a run folder holds, and of Tune's folders beside it


def short_name(name: str, longest: int = LONGEST_NAME) -> str:
    """The name if it has at most ``longest`` bytes, else its beginning and a digest of all of it."""
    encoded = name.encode(errors="replace")
    if len(encoded) <= longest:
        return name
    digest = digest_of(name)
    return f"{encoded[: longest - len(digest) - 1].decode(errors='ignore')}-{digest}"


def digest_of(text: str) -> str:
    """Ten digits and letters that stand for a text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:10]


def is_utf8(text: str | Path) -> bool:
    """Whether a name, whose bytes may be any, is UTF-8."""
    try:
        str(text).encode()
    except UnicodeEncodeError:
        return False
    return True


def check_utf8(texts: Iterable[str | Path], failure: type[VitaminError]) -> None:
    """Checks that paths and arguments are UTF-8, since Ray and ``run.json`` take no others.

    Raises:
        VitaminError: Of the class ``failure``, if one is not.
    """
    for text in texts:
        if not is_utf8(text):
            raise failure(f"{text} is not UTF-8, as names must be where runs are made. Rename it.")


def check_length(folder: Path, failure: type[VitaminError], name: str = "") -> None:
    """Checks that paths of files in the folder, or in run folders of a ``name`` there, are not too long.

    Raises:
        VitaminError: Of the class ``failure``, if they are.
    """
    length = len(os.fsencode(folder.absolute())) + 2 * len(name.encode()) + _LONGEST_INSIDE
    if length > _LONGEST_PATH:
        raise failure(
            f"The path of {folder} is too long: files below it would have paths of up to {length} bytes, and"
            f" {_LONGEST_PATH} are possible. Choose another --out."
        )
