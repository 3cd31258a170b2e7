"""Names of experiments in tables and legends: the method, and the settings by which its runs differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vitamin.errors import ReportError, nearest, shown

_PAPER_ORDER: Final = ("TD3+BC", "IQL", "ODT", "PDT", "TD3", "DDPG+ODT", "TD3+ODT")


def method_label(method: str) -> str:
    """``td3_odt`` → ``TD3+ODT``, as the paper writes its methods."""
    return method.upper().replace("_", "+")


def short_fingerprint(fingerprint: str) -> str:
    """The first 8 digits, without the name of the digest that may precede them."""
    return fingerprint.rsplit(":", maxsplit=1)[-1][:8]


def experiment_label(method: str, settings: Mapping[str, str]) -> str:
    """The method and the settings that tell its experiments apart: ``TD3+ODT, rl_coefficient=0.5``."""
    return method_label(method) + "".join(f", {name}={settings[name]}" for name in sorted(settings))


def base_label(label: str) -> str:
    """The label's method: ``TD3+ODT, rl_coefficient=0.5`` → ``TD3+ODT``."""
    return label.split(",", maxsplit=1)[0]


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Distinct labels in the order of the paper's tables (its own method last), swept values ascending."""

    def order(label: str) -> tuple[int, Any]:
        method = base_label(label)
        rank = _PAPER_ORDER.index(method) if method in _PAPER_ORDER else len(_PAPER_ORDER)
        return rank, [_natural(part) for part in label.replace("=", ", ").split(", ")]

    return sorted(set(labels), key=order)


def find_label(name: str, labels: Iterable[str]) -> str:
    """The one of the labels that a user names by it, or by its method.

    Raises:
        ReportError: If there is none, or several.
    """
    known = list(labels)
    found = find_labels(name, known)
    if len(found) == 1:
        return found[0]
    if found:
        raise ReportError(f"{shown(name)} has several experiments. Choose one of: {'; '.join(found)}.")
    raise ReportError(
        f"No method {shown(name)} among those compared.{nearest(name, known)} There are: {'; '.join(known)}."
    )


def find_labels(name: str, labels: Sequence[str]) -> list[str]:
    """The label that a user names, or all those of the method; case does not count."""
    wanted = (name.casefold(), method_label(name).casefold())
    found = [label for label in labels if label.casefold() == wanted[0]]
    return found or [label for label in labels if base_label(label).casefold() in wanted]


def setting_text(value: Any) -> str:
    """A setting's value as a label shows it; equal numbers have the same text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.12g}"
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):  # a date of YAML, an integer of more digits than Python prints
        return shown(value)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
