"""Ranges of an environment's numbers in the registry, to tell whether a file can be its data."""

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class RewardRange:
    """Rewards of single steps in real data.

    Attributes:
        low: No step pays less.
        high: No step pays more.
        reaches: Size of reward that some step of any real dataset has.
        source: Where this follows from.
    """

    low: float
    high: float
    reaches: float
    source: str

    @model_validator(mode="after")
    def _possible(self) -> "RewardRange":
        if not self.low < self.high or not 0 < self.reaches <= max(-self.low, self.high):
            raise ValueError(f"no reward is within {self.low} … {self.high} and of size {self.reaches}")
        return self


@dataclass(frozen=True, config=_STRICT)
class ScoreRange:
    """Mean normalized score of the episodes in real data of one kind.

    Attributes:
        low: The least, with room.
        high: The greatest, with room.
        source: Whose data.
    """

    low: float
    high: float
    source: str

    @model_validator(mode="after")
    def _ordered(self) -> "ScoreRange":
        if self.low >= self.high:
            raise ValueError(f"no score lies between {self.low} and {self.high}")
        return self


@dataclass(frozen=True, config=_STRICT)
class ObservationRange:
    """Where an observation lies in real data.

    Attributes:
        column: Index of the observation, counted from 0.
        low: Its least value.
        high: Its greatest.
        what: What it measures, and why it stays within.
        at_start: The range holds for the first step of episodes only.
        spanned: Data of the published kinds comes near both ends.
    """

    column: int
    low: float
    high: float
    what: str
    at_start: bool = False
    spanned: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "ObservationRange":
        if self.column < 0 or self.low >= self.high:
            raise ValueError(f"no observation {self.column} lies between {self.low} and {self.high}")
        return self
