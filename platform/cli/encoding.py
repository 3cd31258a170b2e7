"""Printing in any encoding: signs that it lacks are spelled in ASCII."""

import codecs
import io
import sys

_ERRORS = "vitamin.spell"
_SPELLINGS = {
    "±": "+/-",
    "→": "->",
    "…": "...",
    "·": ".",
    "×": "x",
    "−": "-",
    "–": "-",
    "≤": "<=",
    "≥": ">=",
    "²": "^2",
    "§": "section ",
    "†": "+",
    "∝": "~",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "π": "pi",
    **dict.fromkeys("▏▎▍▌", " "),
    **dict.fromkeys("▋▊▉█", "#"),
    **dict.fromkeys((chr(code) for code in range(0x2800, 0x2900)), "*"),  # the spinners'
}


def spell_what_streams_lack() -> None:
    """Lets standard output and error spell what their encoding lacks: our signs by name, others by number."""
    codecs.register_error(_ERRORS, _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _spell(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError) and (spelled := _SPELLINGS.get(error.object[error.start])):
        return spelled, error.start + 1
    return codecs.backslashreplace_errors(error)
