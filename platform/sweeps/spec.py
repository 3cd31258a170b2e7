"""The sweep specification: what a YAML file may hold, and one clear message for each way to get it wrong."""

from collections.abc import Hashable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vitamin.algorithms.setting_types import NonNegativeFloat, NonNegativeInt, Number, PositiveInt, Seed
from vitamin.errors import SweepError, nearest, shown
from vitamin.platform.experiments.spec import DataSource
from vitamin.platform.paths import LONGEST_NAME
from vitamin.platform.yaml_files import read_yaml

SUFFIX = ".yaml"
MOST_TRIALS = 10_000
"""A sweep of this size takes ten seconds to plan."""

_MOST_PROBLEMS = 5


def _counted(value: Any) -> Any:
    """Seeds given as their number: 3 stands for 0, 1, 2."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    if value > MOST_TRIALS:
        raise ValueError(f"a sweep has at most {MOST_TRIALS:,} trials, so give fewer seeds and start several")
    return list(range(value))


def _axis(value: Any) -> Any:
    """The short form of an axis, a list of values, in its long form."""
    if isinstance(value, list):
        return {"values": value}
    if not isinstance(value, dict | Axis):
        raise ValueError("give a list of values, or a mapping with values, methods, tasks")  # noqa: TRY004 (pydantic's)
    return value


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Axis(_Block):
    """Values of a hyperparameter that are tried one after the other, for some methods and tasks or for all."""

    values: list[Any] = Field(min_length=1, description="values of the hyperparameter")
    methods: list[str] | None = Field(
        None, min_length=1, description="methods it is for; by default all that use it"
    )
    tasks: list[str] | None = Field(None, min_length=1, description="tasks it is for; by default all")


class Resources(_Block):
    """The resources of each trial, and how many run at a time."""

    num_env_runners: NonNegativeInt = Field(
        1, description="remote env runners, a CPU each; 0 rolls out in the trial's process"
    )
    num_learners: NonNegativeInt = Field(0, description="remote learners; 0 learns in the trial's process")
    num_gpus_per_learner: NonNegativeFloat = Field(0, description="GPUs of each learner")
    max_concurrent: PositiveInt | None = Field(
        None, description="trials at a time; by default as many as fit"
    )


class SweepSpec(_Block):
    """A grid: every task with every method, every combination of the axes that apply, and every seed.

    Later entries override earlier ones: ``overrides``, ``per_task``, ``per_method``, ``axes``.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=LONGEST_NAME, description="name of the sweep"
    )
    tasks: list[str] = Field(min_length=1, description="registered tasks or Gymnasium environment ids")
    methods: list[str] = Field(min_length=1, description="rows of the method table")
    seeds: Annotated[list[Seed], BeforeValidator(_counted)] = Field(
        min_length=1, description="a list, or how many: 3 stands for [0, 1, 2]"
    )
    preset: str = Field("paper", description="paper, small or tiny")
    overrides: dict[str, Any] = Field(default_factory=dict, description="hyperparameters of all trials")
    per_task: dict[str, dict[str, Any]] = Field(default_factory=dict, description="hyperparameters by task")
    per_method: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="hyperparameters by method"
    )
    axes: dict[str, Annotated[Axis, BeforeValidator(_axis)]] = Field(
        default_factory=dict, description="hyperparameters and the values to try"
    )
    data: dict[str, DataSource] = Field(
        default_factory=dict,
        description="by task a file, relative to the current directory, or minari:ID; by default the cached dataset",
    )
    reference_scores: dict[str, tuple[Number, Number]] = Field(
        default_factory=dict, description="returns that count as 0 and 100 by task, for those that have none"
    )
    resources: Resources = Field(default_factory=Resources, description="what each trial gets")
    retries: NonNegativeInt = Field(
        1, description="times that a trial is started again after a worker or its node died"
    )
    checkpoint_interval: PositiveInt = Field(10, description="iterations between checkpoints")


def shipped_specs() -> list[str]:
    """Names of the specifications that come with Vitamin."""
    return sorted(
        file.name.removesuffix(SUFFIX) for file in _shipped_folder().iterdir() if file.name.endswith(SUFFIX)
    )


def _shipped_folder() -> Path:
    return Path(str(files("vitamin") / "tune_specs"))


def find_spec(name: str) -> Path:
    """The file called ``name``, else the shipped specification of that name.

    Raises:
        SweepError: If there is neither.
    """
    file = Path(name)
    if file.is_file():
        return file
    shipped = shipped_specs()
    if name in shipped:
        return _shipped_folder() / f"{name}{SUFFIX}"
    raise SweepError(
        f"There is no sweep specification {name}.{nearest(file.stem, shipped)} "
        f"Give a YAML file, or one of the shipped ones: {', '.join(shipped)}."
    )


def read_spec(file: Path) -> SweepSpec:
    """The specification in a YAML file.

    Raises:
        SweepError: If the file cannot be read, is no YAML mapping, has an unknown, missing or ill-typed entry, or an
            empty list.
    """
    content = read_yaml(file, SweepError)
    if not isinstance(content, dict):
        raise SweepError(
            f"{file} holds no specification; it must map names such as tasks and methods to values."
        )
    try:
        spec = SweepSpec.model_validate(content)
    except ValidationError as error:
        problems = [_describe(item) for item in error.errors()]
        more = f" And {len(problems) - _MOST_PROBLEMS} more." if len(problems) > _MOST_PROBLEMS else ""
        raise SweepError(f"{file}: {' '.join(problems[:_MOST_PROBLEMS])}{more}") from None
    _check_duplicates(file, {"tasks": spec.tasks, "methods": spec.methods, "seeds": spec.seeds})
    return spec


def _check_duplicates(file: Path, lists: dict[str, Iterable[Hashable]]) -> None:
    for key, values in lists.items():
        seen: set[Hashable] = set()
        for value in values:
            if value in seen:
                raise SweepError(f"{file}: {key} lists {value} twice.")
            seen.add(value)


def _describe(item: Any) -> str:
    """One problem that pydantic found, as a sentence."""
    *outer, last = item["loc"]
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        inside = f" in {'.'.join(str(part) for part in outer)}" if outer else ""
        return f"unknown key {shown(last)}{inside}.{nearest(str(last), _fields(outer))}"
    if item["type"] == "missing":
        return f"{where} is missing."
    if item["type"] == "too_short":
        return f"{where} is empty, so there are no trials: give at least one."
    reason = item["msg"].removeprefix("Value error, ")
    return f"{where}: {reason[0].lower()}{reason[1:]} (got {shown(item['input'])})."


def _fields(loc: list[Any]) -> list[str]:
    blocks: dict[str, type[BaseModel]] = {"resources": Resources, "axes": Axis}
    return list(blocks.get(loc[0] if loc else "", SweepSpec).model_fields)
