"""Policies whose data can be made here, named as the kinds of published data for which it stands in."""

from typing import Final

RANDOM: Final = "random"
MEDIUM: Final = "medium"
MEDIUM_REPLAY: Final = "medium-replay"
POLICIES: Final = (RANDOM, MEDIUM, MEDIUM_REPLAY)
