"""Lists in sentences."""

from collections.abc import Iterable
from typing import Final

_MOST_LISTED: Final = 4


def listed(items: Iterable[str], most: int = _MOST_LISTED) -> str:
    """``a, b and c``, each once; of many the first few, and how many more there are."""
    texts = list(dict.fromkeys(items))
    if len(texts) > most + 1:
        texts = [*texts[:most], f"{len(texts) - most} more"]
    apart = "; " if any("," in text for text in texts) else ", "  # as in labels with settings
    return " and ".join(filter(None, (apart.join(texts[:-1]), *texts[-1:])))
