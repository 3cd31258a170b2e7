"""Types of settings: numbers with the bounds within which they can be computed with, refused with a reason beyond."""

from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.former_names import present_value

Reader = Literal[
    # Parts of every method
    "policy",
    "losses",
    "optimizer",
    "replay",
    "rollouts",
    "evaluation",
    "schedule",
    "arithmetic",
    # Parts that some methods have; `readers` says which
    "transformer",
    "segments",
    "returns_to_go",
    "scaled_returns",
    "deterministic_policy",
    "entropy",
    "supervised_term",
    "reference_policy",
    "rl_gradient",
    "gradient",
    "q_functions",
    "several_q_functions",
    "recurrent_critics",
    "soft_targets",
    "target_policy",
    "smoothing_noise",
    "value_of_replay",
    "trajectory_replay",
    "transition_replay",
    "ranked_trajectories",
    "jump_start",
    "curriculum",
    "futures",
    "groups",
]
"""A part of a method that reads settings."""

BEYOND: Final = "beyond_limits"
"""Type of pydantic's error where a number is of the right kind, and in its field's range, but too large or small."""
READ_BY: Final = "read_by"
"""Key of a field's extra schema under which its readers stand."""

_LARGEST_COUNT: Final = 10**18  # nothing overflows 64 bits, even where some counts are added up
_SMALLEST_NUMBER: Final = 1e-30  # networks compute in single precision, from 1.2e-38 to 3.4e38
LARGEST_NUMBER: Final = 1e30
_MOST_THREADS: Final = 1024


def _no_truth_value(value: Any) -> Any:
    """Refuses ``true`` where a number is wanted, which to Python is 1."""
    if type(value).__name__ in ("bool", "bool_"):  # Python's and NumPy's
        raise ValueError(f"expected a number, not {str(value).lower()}")
    return value


def _check_count(value: int) -> int:
    """The value, which is refused if it is too large to count with."""
    if value > _LARGEST_COUNT:
        raise PydanticCustomError(BEYOND, "should be at most 1e18")
    return value


def _check_delay(value: Any) -> Any:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if whole == "episode":
        return whole
    if type(whole) is int and whole >= 0:
        return _check_count(whole)
    raise ValueError("a delay is a number of steps, 0 for none, or 'episode' for the episode's end")


def _check_number(value: float) -> float:
    if value != 0 and not _SMALLEST_NUMBER <= abs(value) <= LARGEST_NUMBER:
        raise PydanticCustomError(BEYOND, "should be of size 1e-30 to 1e30, or 0")
    return value


_Untrue = BeforeValidator(_no_truth_value)

Count = Annotated[int, _Untrue, AfterValidator(_check_count)]
NonNegativeInt = Annotated[Count, Field(ge=0)]
PositiveInt = Annotated[Count, Field(gt=0)]
Seed = Annotated[int, _Untrue, Field(ge=0, le=LARGEST_SEED)]
Threads = Annotated[int, _Untrue, Field(gt=0, le=_MOST_THREADS)]

Number = Annotated[float, _Untrue, Field(allow_inf_nan=False), AfterValidator(_check_number)]
NonNegativeFloat = Annotated[Number, Field(ge=0)]
PositiveFloat = Annotated[Number, Field(gt=0)]

RewardDelay = Annotated[int | Literal["episode"], BeforeValidator(_check_delay)]
"""0: none; n: rewards of n steps are received at the last of them, the rest at the end; ``episode``: all there."""

CriticNetwork = Annotated[
    Literal["mlp", "rnn", "lstm"], BeforeValidator(partial(present_value, "critic_network"))
]


def setting(default: Any, description: str, *read_by: Reader, **bounds: Any) -> Any:
    """A hyperparameter's declaration.

    Args:
        default: The paper's value for MuJoCo tasks, where it has one.
        description: Half a sentence.
        read_by: What reads it. A method uses the setting if it has all of these parts; setting it for another
            method is refused (`combinations.ignored_settings`).
        **bounds: As `pydantic.Field` takes them, as ``gt=0``.
    """
    return Field(default, description=description, json_schema_extra={READ_BY: [*read_by]}, **bounds)
