"""The memory of this machine, compared with what a run asks for, before anything of the run is built."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.footprint import footprint, settings_of
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.errors import SettingsError
from vitamin.machine import machine_memory

_NAMED: Final = 3
_PATIENCE_S: Final = 10.0


def check_capacity(
    method: Method,
    hyperparameters: Hyperparameters,
    *,
    observation_size: int | None = None,
    action_size: int | None = None,
    episode_length: int | None = None,
    num_env_runners: int = 0,
    num_learners: int = 0,
    num_gpus_per_learner: float = 0,
) -> None:
    """Checks that a run can fit into this machine; on a cluster, whose machines are not known here, nothing.

    Args:
        method: Its method.
        hyperparameters: Its settings.
        observation_size: S, if known.
        action_size: A, likewise.
        episode_length: Steps of an episode at most, if known.
        num_env_runners: Remote env runners.
        num_learners: Remote learners.
        num_gpus_per_learner: GPUs of each learner.

    Raises:
        SettingsError: If the memory of the machine, or of its largest GPU, is smaller than what the run needs.
    """
    if _on_a_cluster():
        return
    needed = footprint(
        method,
        hyperparameters,
        observation_size or 1,
        action_size or 1,
        episode_length,
        num_env_runners,
        num_learners,
    )
    values = hyperparameters.model_dump() | {"num_env_runners": num_env_runners}
    values = {name: value for name, value in values.items() if name not in ignored_settings(method)}
    on_machine = dict(needed.elsewhere)
    if num_gpus_per_learner > 0:
        _compare(needed.of_learner, gpu_memory(), "its largest GPU", values, needed.parameters)
    else:
        copies = max(1, num_learners)
        on_machine |= {part: copies * size for part, size in needed.of_learner.items()}
        values["num_learners"] = num_learners
    _compare(on_machine, machine_memory(), "this machine", values, needed.parameters)


def _compare(
    needed: Mapping[str, int], there: int | None, where: str, values: Mapping[str, Any], parameters: int
) -> None:
    total = sum(needed.values())
    if there is None or total <= there:
        return
    largest = max(needed, key=lambda part: needed[part])
    blamed = sorted(
        (name for name in settings_of(largest) if name in values),
        key=lambda name: _times_default(name, values),
        reverse=True,
    )
    above = [name for name in blamed if _times_default(name, values) > 1] or blamed[:1]
    settings = ", ".join(f"{name} {values[name]}" for name in above[:_NAMED])
    raise SettingsError(
        f"These settings need about {_gigabytes(total)}, and {where} has {_gigabytes(there)}: {largest} alone would "
        f"take {_gigabytes(needed[largest])} ({settings}; {_counted(parameters)} parameters to train). Lower them."
    )


def _times_default(name: str, values: Mapping[str, Any]) -> float:
    field = Hyperparameters.model_fields.get(name)
    return float(values[name]) / max(1, field.default if field is not None else 1)


def _gigabytes(size: int) -> str:
    number = size / 1e9
    return f"{number:.3g} GB" if number < 1000 or number >= 1e9 else f"{number:,.0f} GB"


def _counted(parameters: int) -> str:
    return f"{parameters:,}" if parameters < 2**63 else "more than 2^63"


def _on_a_cluster() -> bool:
    ray: Any = sys.modules.get("ray")  # not imported for this: evaluating needs none
    if ray is not None and ray.is_initialized():
        return len(ray.nodes()) > 1
    return bool(os.environ.get("RAY_ADDRESS"))


def gpu_memory() -> int | None:
    """Bytes of memory of the largest GPU here; None if it is not known.

    Asked of the driver's tool: PyTorch would take a part of the memory to answer.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        answer = subprocess.run(
            [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_PATIENCE_S,
            check=True,
        ).stdout
        return max(int(line) for line in answer.split()) << 20
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
