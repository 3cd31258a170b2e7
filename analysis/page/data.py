"""Data for a page's programs: compact, and safe to stand between the tags of a page."""

import json
import math
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

_DIGITS: Final = 5
_WHOLE: Final = 2**53
"""Up to here a script tells all whole numbers apart."""
_LEAST: Final = 1e-12
"""Below it, digits are not those of a product with a power of ten."""
_ENDING: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def readable(text: object) -> str:
    """A text in which everything can be seen: what cannot be shown is spelled with backslashes.

    That is what is not Unicode (names of files may hold any bytes), control characters, and those that change
    the direction in which the text around them runs.
    """
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(_seen(character) for character in whole)


def _seen(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def to_json(value: Any) -> Markup:
    """The value as JSON that no parser of HTML takes for a tag or a comment, whatever the texts in it hold.

    Raises:
        ValueError: If a number is not finite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, spelled in _ENDING.items():
        text = text.replace(character, spelled)
    return Markup(text)  # noqa: S704 (nothing is left that HTML reads)


def number(value: float | None) -> float | int | None:
    """Five digits of a number, all of a whole one; None of what is not finite."""
    if value is None or not math.isfinite(value):
        return None
    if value == int(value) and abs(value) < _WHOLE:
        return int(value)
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short == int(short) and abs(short) < _WHOLE else short


def numbers(values: Iterable[float | None]) -> list[float | int | None]:
    """`number` of each."""
    return [number(value) for value in values]


def texts(values: Iterable[object]) -> list[str] | dict[str, list[Any]]:
    """Texts; where many are equal, the different ones and for each place which of them it holds."""
    every = [readable(value) for value in values]
    of = list(dict.fromkeys(every))
    if 2 * len(of) > len(every):
        return every
    places = {text: place for place, text in enumerate(of)}
    return {"of": of, "at": [places[text] for text in every]}


def column(values: "pd.Series[Any]") -> list[Any] | dict[str, list[Any]]:
    """A column of a frame: numbers as `numbers` has them, or texts, in which a missing one is empty."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _numbers_at_once(values.to_numpy(dtype=np.float64, na_value=np.nan))
    codes, different = pd.factorize(values)  # -1 of a missing one
    shown = [readable(value) for value in different] + [""]
    of = {text: place for place, text in enumerate(dict.fromkeys(shown[code] for code in pd.unique(codes)))}
    if 2 * len(of) > len(codes):
        return [shown[code] for code in codes]
    places = np.array([of.get(text, 0) for text in shown])
    return {"of": list(of), "at": places[codes].tolist()}


def _numbers_at_once(values: npt.NDArray[np.float64]) -> list[float | int | None]:
    whole = (values == np.trunc(values)) & (np.abs(values) < _WHOLE)
    usual = (np.abs(values) >= _LEAST) & (np.abs(values) < _WHOLE)
    known = np.where(usual, np.abs(values), 1.0)
    scale = 10.0 ** np.maximum(_DIGITS - 1 - np.floor(np.log10(known)), 0)
    short = np.where(scale > 1, np.rint(values * scale) / scale, np.nan)
    # What has more digits before the point than are kept, or is very small, is written out and read again.
    plain = (usual & (scale > 1)) | whole
    found: list[Any] = np.where(whole, values, short).tolist()
    for place in np.flatnonzero(~plain):
        found[place] = number(float(values[place]))
    for place in np.flatnonzero(plain & (whole | (short == np.trunc(short)))):
        found[place] = int(found[place])
    return found
