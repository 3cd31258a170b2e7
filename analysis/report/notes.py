"""Sentences about single runs, of which there may be thousands."""

from collections.abc import Iterable, Sequence

from vitamin.analysis.wording import listed

_NAMED = 3


def grouped(notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """``run: sentence`` of each; runs of which the same is said are named together.

    Args:
        notes: Runs, each with a sentence.
    """
    runs: dict[str, list[str]] = {}
    for run, sentence in notes:
        runs.setdefault(sentence, []).append(run)
    return tuple(f"{listed(who, _NAMED)}: {sentence}" for sentence, who in runs.items())


def first_of(notes: Sequence[str], most: int, where: str) -> tuple[str, ...]:
    """The first notes, and how many more there are ``where``."""
    if len(notes) <= most + 1:
        return tuple(notes)
    return (*notes[:most], f"… and {len(notes) - most} more, in {where}.")
