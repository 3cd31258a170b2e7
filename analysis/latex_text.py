"""Text in LaTeX: plain ASCII that pdflatex compiles, whatever characters it says."""

import re
import unicodedata
from typing import Final

_ESCAPED: Final = "&%$#_{}"
_GREEK: Final = (
    *(
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
    ),
    *("xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
)
# In mathematics, and in text.
_SYMBOLS: Final = {
    "\N{PLUS-MINUS SIGN}": "pm",
    "\N{MULTIPLICATION SIGN}": "times",
    "\N{MIDDLE DOT}": "cdot",
    "\N{DIVISION SIGN}": "div",
    "\N{SQUARE ROOT}": "surd",
    "\N{LESS-THAN OR EQUAL TO}": "leq",
    "\N{GREATER-THAN OR EQUAL TO}": "geq",
    "\N{ALMOST EQUAL TO}": "approx",
    "\N{NOT EQUAL TO}": "neq",
    "\N{INFINITY}": "infty",
    "\N{RIGHTWARDS ARROW}": "rightarrow",
    "\N{ASTERISK OPERATOR}": "ast",
    "\N{DAGGER}": "dagger",
    "\N{DOUBLE DAGGER}": "ddagger",
    "\N{MICRO SIGN}": "mu",
}
_COMMANDS: Final = {
    "\\": "textbackslash",
    "~": "textasciitilde",
    "^": "textasciicircum",
    "`": "`",
    "<": "textless",
    ">": "textgreater",
    "|": "textbar",
    "\N{SECTION SIGN}": "S",
    "\N{HORIZONTAL ELLIPSIS}": "ldots",
    "\N{LATIN SMALL LETTER SHARP S}": "ss",
    "\N{LATIN SMALL LETTER AE}": "ae",
    "\N{LATIN SMALL LETTER O WITH STROKE}": "o",
    "\N{LATIN SMALL LETTER L WITH STROKE}": "l",
}
_TEXTS: Final = {
    '"': "''",
    "\N{MINUS SIGN}": "$-$",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{SUPERSCRIPT TWO}": "$^2$",
    "\N{SUPERSCRIPT THREE}": "$^3$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{NO-BREAK SPACE}": "~",
}
_ACCENTS: Final = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING CEDILLA}": "c",
}


def _greek(name: str) -> str:
    kind = "SMALL" if name[0].islower() else "CAPITAL"
    spelled = "LAMDA" if name.upper() == "LAMBDA" else name.upper()
    return unicodedata.lookup(f"GREEK {kind} LETTER {spelled}")


_WRITTEN: Final = (
    {character: rf"\{character}" for character in _ESCAPED}
    | {_greek(name): rf"$\{name}$" for name in _GREEK}
    | {character: rf"$\{name}$" for character, name in _SYMBOLS.items()}
    | {character: rf"\{name}{{}}" for character, name in _COMMANDS.items()}
    | _TEXTS
)
_LIGATURE: Final = re.compile(r"-(?=-)")  # two hyphens would become a dash
_SPACES: Final = re.compile(r"[ \t\n\r\f\v]+")


def escape(text: str) -> str:
    """The text on one line. A character without a command of LaTeX's own is written as its number."""
    line = _LIGATURE.sub("-\0", _SPACES.sub(" ", text))
    return "".join(map(_character, line))


def _character(character: str) -> str:
    if character == "\0":  # between two hyphens
        return "{}"
    if character in _WRITTEN:
        return _WRITTEN[character]
    if " " <= character <= "~":
        return character
    base, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii() and base.isalpha():
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return rf"\texttt{{U+{ord(character):04X}}}"
