"""Watching a run."""

import logging
from typing import Any

from vitamin.algorithms.hyperparameters import Hyperparameters


class Reporter:
    """Base of all that watch a run: messages go to the log, and the rest is not shown."""

    def message(self, text: str) -> None:
        """Something that the user should know."""
        logging.getLogger("vitamin").warning(text)

    def updates(self, done: int, total: int) -> None:
        """``done`` of an iteration's ``total`` actor updates are made; called every ten seconds or so."""

    def iteration(self, record: dict[str, Any], settings: Hyperparameters) -> None:
        """An iteration ended; ``record`` is its line of metrics.jsonl."""
