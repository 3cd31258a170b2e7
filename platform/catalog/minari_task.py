"""A Minari dataset as a task: its data, and the environment that it says it was recorded in."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import FlattenObservation

from vitamin.errors import TaskError
from vitamin.platform.datasets.cache import cache_directory
from vitamin.platform.datasets.hdf5 import read_attributes
from vitamin.platform.datasets.minari_read import minari_path, observation_layout
from vitamin.platform.datasets.provenance import ENVIRONMENT_ATTRIBUTE, LAYOUT_ATTRIBUTE
from vitamin.platform.environments import described_task
from vitamin.platform.tasks.minari import PREFIX, minari_id
from vitamin.platform.tasks.task import Task

_WITHOUT_LIMIT = -1


def minari_task(name: str) -> Task:
    """The task behind ``minari:ID``.

    Its environment is registered with Gymnasium in this process as ``minari/ID`` with dots for slashes; a
    dictionary of observations is flattened as the data are. Reference scores are those that the dataset states.

    Raises:
        DatasetError: As `minari_path`.
        TaskError: If the dataset names no environment, it cannot be made, or it has no time limit.
    """
    return _minari_task(minari_id(name), minari_path(name))


@cache
def _minari_task(name: str, path: Path) -> Task:
    attributes = read_attributes(path)
    if not attributes[ENVIRONMENT_ATTRIBUTE]:
        raise TaskError(
            f"Minari's {name} does not say which environment it is from."
            f" Name one: `vitamin train ENV_ID --data {PREFIX}{name}`."
        )
    spec = EnvSpec.from_json(attributes[ENVIRONMENT_ATTRIBUTE])
    env_id = f"minari/{name.replace('/', '.')}"
    gymnasium.register(
        env_id,
        entry_point=partial(_recover, spec, attributes[LAYOUT_ATTRIBUTE]),
        max_episode_steps=spec.max_episode_steps,
    )
    reference = _reference_scores(attributes)
    return replace(
        described_task(f"{PREFIX}{name}", "minari", env_id),
        reference_min=reference and reference[0],
        reference_max=reference and reference[1],
        reference_source=f"Minari {name}" if reference else "",
        dataset_kind="minari",
        dataset_file=path.relative_to(cache_directory()).as_posix(),
        quirks=(f"recorded in {spec.id}, which is what {env_id} makes",),
    )


def _reference_scores(attributes: dict[str, Any]) -> tuple[float, float] | None:
    """Those that the dataset states, if they can be used."""
    low, high = attributes.get("ref_min_score"), attributes.get("ref_max_score")
    return (float(low), float(high)) if low is not None and high is not None and low < high else None


def _recover(spec: EnvSpec, layout: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    env = gymnasium.make(spec, max_episode_steps=_WITHOUT_LIMIT, disable_env_checker=True, **kwargs)
    found = observation_layout(env.observation_space)
    if found != layout:
        raise TaskError(
            f"{spec.id} shows {found or 'a vector'} here, but the data hold {layout or 'a vector'}."
        )
    return FlattenObservation(env) if layout else env
