"""Signs that a file is not the data that its task expects: another task's, another version's, or changed."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.errors import DatasetError
from vitamin.platform.datasets.provenance import (
    ENVIRONMENT_ATTRIBUTE,
    IMPORTED,
    MINARI_ATTRIBUTE,
    PAID_AT_ONCE,
    REWARDS_ATTRIBUTE,
    read_record,
)
from vitamin.platform.tasks.expectations import ObservationRange
from vitamin.platform.tasks.minari import family_of, is_minari
from vitamin.platform.tasks.registry_files import registered_tasks, suites
from vitamin.platform.tasks.task import Task

_MANY = 0.01
_MOST = 0.5
_SPAN = 2 / 3
_SLACK = 1e-3


def find_mismatches(
    path: Path, attributes: Mapping[str, Any], trajectories: Trajectories, task: Task
) -> tuple[str, ...]:
    """Signs that a file of the right widths holds other data than the task's, a sentence each.

    A file that says in its attributes that it was made in the task's environment is believed but for rewards that it
    never gives: random actions, for one, need not earn what the published data does.

    Raises:
        DatasetError: If its attributes name another environment than the registered task's.
    """
    if MINARI_ATTRIBUTE in attributes:  # its name's version is not D4RL's
        found = [*_minari_mismatches(attributes, task)] if not is_minari(task.name) else []
    else:
        found = [*_name_mismatches(_own_name(path), task)]
    stated = stated_task(attributes)
    if stated is not None:
        found += [*_payment_mismatches(attributes), *_reward_mismatches(trajectories.rewards, task, 0.0)]
        return (*found, *_check_stated(stated, path, task))
    reaches = task.reward_range.reaches if task.reward_range is not None else 0.0
    found += _observation_mismatches(trajectories, task)
    of_rewards = [*_reward_mismatches(trajectories.rewards, task, reaches)]
    return (*found, *(of_rewards or _score_mismatches(trajectories, task)))


def stated_task(attributes: Mapping[str, Any]) -> Task | None:
    """The task that collected data belongs to, by its attributes."""
    name, env_id = (attributes.get(key) for key in ("task", "environment"))
    if not isinstance(name, str) or not isinstance(env_id, str):
        return None
    return registered_tasks().get(name) or Task(name=name, suite="gymnasium", env_id=env_id)


def _check_stated(stated: Task, path: Path, task: Task) -> Iterator[str]:
    if stated.name == task.name:
        return
    if _environment(stated) == _environment(task):
        yield f"it was made for {stated.name}, in the same environment"
    elif _family(stated) == _family(task):
        yield f"it was made in {stated.env_id}, whose rewards and terminations may differ from {task.env_id}'s"
    elif task.name not in registered_tasks():
        yield f"it was made for {stated.name}, which may be another environment than {task.name}"
    else:
        raise DatasetError(
            f"{path} was made for {stated.name} ({_words(stated)}), not for {task.name} ({_words(task)})."
        )


def _environment(task: Task) -> tuple[str, dict[str, Any]]:
    return task.env_id, dict(task.env_kwargs)


def _family(task: Task) -> tuple[str, dict[str, Any]]:
    """The environment without its version."""
    return re.sub(r"-v\d+$", "", task.env_id), dict(task.env_kwargs)


def _words(task: Task) -> str:
    return " ".join([task.env_id, *(f"{name}={value}" for name, value in task.env_kwargs.items())])


def _minari_mismatches(attributes: Mapping[str, Any], task: Task) -> Iterator[str]:
    """Of public datasets that are not the task's data, and of an environment that is not the task's."""
    if task.dataset_kind is not None and (family := family_of(attributes[MINARI_ATTRIBUTE])) is not None:
        yield f"it is not D4RL's data: {family.reason}"
    env_id = _recorded_environment(attributes) if stated_task(attributes) is None else None
    if env_id is not None and env_id != task.env_id.rpartition(":")[2]:
        yield f"it was made in {env_id}, whose rewards and terminations may differ from {task.env_id}'s"


def _recorded_environment(attributes: Mapping[str, Any]) -> str | None:
    """The id in Gymnasium's specification of the environment, if the file has one that can be read."""
    try:
        env_id = json.loads(attributes[ENVIRONMENT_ATTRIBUTE])["id"]
    except (KeyError, ValueError, TypeError):
        return None
    return env_id if isinstance(env_id, str) else None


def _own_name(path: Path) -> Path:
    """The file, under the name that it had before it was imported."""
    record = read_record(path)
    imported = record is not None and record.origin.startswith(IMPORTED)
    return Path(record.origin.removeprefix(IMPORTED)) if record is not None and imported else path


def _name_mismatches(path: Path, task: Task) -> Iterator[str]:
    if task.dataset_file is None or path.name == task.dataset_file:
        return
    for other in registered_tasks().values():
        if other.dataset_file == path.name:
            yield f"{path.name} is the name of {other.name}'s file"
            return
    if (kind := _other_kind(path)) is not None:
        yield f"its name speaks of {kind} data"
        return
    found = _version(path)
    if path.name == re.sub(r"-v\d+(?=\.hdf5$)", "", task.dataset_file):
        found = "v0"  # D4RL's first files carry no version
    if (
        found is not None
        and task.name.split("-")[0] in path.name.replace("_", "")
        and f"-{found}" not in task.name
    ):
        yield f"its name speaks of {found}, the task is {task.name}: another recording"


def _other_kind(path: Path) -> str | None:
    """The kind of published data without a task whose file has this name, such as hopper_expert-v2.hdf5."""
    for suite in suites():
        for key in suite.environments:
            for kind in suite.other_datasets:
                if re.fullmatch(rf"{key}_{kind.replace('-', '_')}(-v\d+)?\.hdf5", path.name):
                    return kind
    return None


def _version(path: Path) -> str | None:
    versions: list[str] = re.findall(r"(?<=[-_])v\d+(?=[-_.])", path.name.lower())
    return versions[-1] if versions else None


def _observation_mismatches(trajectories: Trajectories, task: Task) -> Iterator[str]:
    misfits = list(_misfits(trajectories, task))
    if not misfits:
        return
    others = {
        _words(other): other.name
        for other in registered_tasks().values()
        if (other.observation_size, other.action_size) == (task.observation_size, task.action_size)
        and _environment(other) != _environment(task)
        and not any(_misfits(trajectories, other))
    }
    guess = " or ".join(f"{name} ({words})" for words, name in others.items()) or "none that is registered"
    yield f"{'; '.join(misfits)} (normalized, or of another environment? It fits {guess})"


def _misfits(trajectories: Trajectories, task: Task) -> Iterator[str]:
    """The task's observation ranges that the data does not keep to."""
    for expected in task.observation_ranges:
        steps = trajectories.offsets[:-1] if expected.at_start else slice(None)
        values = trajectories.observations[steps, expected.column]
        if misfit := _misfit(values, expected):
            yield f"observation {expected.column} ({expected.what}) {misfit}"


def _misfit(values: Observations, expected: ObservationRange) -> str | None:
    width = expected.high - expected.low
    slack = _SLACK * width
    outside = np.mean((values < expected.low - slack) | (values > expected.high + slack))
    stated = f"{expected.low:g} to {expected.high:g}"
    if outside > (_MOST if expected.at_start else _MANY):
        where = "episodes' first steps" if expected.at_start else "steps"
        return f"is not within {stated} in {100 * outside:.0f} % of the {where}"
    low, high = float(values.min()), float(values.max())
    if expected.spanned and high - low < _SPAN * width:
        return f"covers {low:.3g} to {high:.3g} of {stated} only"
    return None


def _payment_mismatches(attributes: Mapping[str, Any]) -> Iterator[str]:
    payment = attributes.get(REWARDS_ATTRIBUTE, PAID_AT_ONCE)
    if payment != PAID_AT_ONCE:
        yield f"its rewards are {payment}, and reward_delay would delay them once more"


def _reward_mismatches(rewards: NDArray[np.float32], task: Task, reaches: float) -> Iterator[str]:
    """Of rewards outside the task's range, or that never are of the size ``reaches``."""
    expected = task.reward_range
    if expected is None:
        return
    slack = _SLACK * (expected.high - expected.low)
    low, high = float(rewards.min()), float(rewards.max())
    outside = np.mean((rewards < expected.low - slack) | (rewards > expected.high + slack))
    width = expected.high - expected.low
    beyond = (
        low < expected.low - width or high > expected.high + width
    )  # as of rewards paid at an episode's end
    if outside > _MANY or beyond or max(-low, high) < reaches * (1 - _SLACK):
        yield (
            f"rewards are from {low:.4g} to {high:.4g}, {task.env_id}'s from {expected.low:g} to {expected.high:g} and"
            f" of size {expected.reaches:g} at times ({expected.source}): were they scaled, shifted or delayed"
            " already? reward_shift, reward_divisor and reward_delay come on top"
        )


def _score_mismatches(trajectories: Trajectories, task: Task) -> Iterator[str]:
    """Of episodes whose mean score real data of the kind does not have."""
    expected, score = task.mean_score, task.normalized_score(float(trajectories.returns.mean()))
    if expected is not None and score is not None and not expected.low <= score <= expected.high:
        yield (
            f"its episodes have a mean normalized score of {score:.1f}, {task.dataset_kind} data {expected.low:g} to"
            f" {expected.high:g} ({expected.source}): data of another kind, or were its rewards scaled or shifted"
            " already?"
        )
