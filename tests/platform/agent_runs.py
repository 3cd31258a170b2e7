"""Run folders with a real checkpoint of an untrained policy, made without Ray."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.rllib.checkpoint import write_checkpoint
from vitamin.analysis.schema import RunInfo
from vitamin.platform.catalog import get_task
from vitamin.platform.environments import describe_environment
from vitamin.platform.experiments.checkpoints import save_checkpoint
from vitamin.platform.experiments.spec import ExperimentSpec


def make_run(folder: Path, *, iterations: tuple[int, ...] = (2, 4), **values: Any) -> ExperimentSpec:
    """Fills ``folder``; ``values`` are those of `ExperimentSpec`: by default, tiny TD3+ODT on Pendulum-v1."""
    spec = ExperimentSpec.create(**{"task": "Pendulum-v1", "preset": "tiny"} | values)
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    info = {
        "name": folder.name,
        "status": "finished",
        "versions": {},
        "host": "here",
        "started": now,
        "updated": now,
    }
    RunInfo(task=spec.task, method=spec.method, preset=spec.preset, seed=spec.seed, **info).write(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(spec.resolved()))
    for iteration in iterations:
        add_checkpoint(folder, spec, iteration)
    return spec


def add_checkpoint(folder: Path, spec: ExperimentSpec, iteration: int, **state: Any) -> Path:
    """A checkpoint whose weights depend on the iteration; ``state`` replaces entries of ``state.json``."""
    sizes = describe_environment(get_task(spec.task))
    observation_size, action_size = sizes.observation_size, len(sizes.action_low)
    torch.manual_seed(iteration)
    networks = build_networks(observation_size, action_size, get_method(spec.method), spec.hyperparameters())
    tensors = {f"module/networks.{name}": tensor.numpy() for name, tensor in networks.state_dict().items()}
    tensors["module/observation_mean"] = np.zeros(observation_size, np.float32)
    tensors["module/observation_std"] = np.ones(observation_size, np.float32)

    def write(path: Path) -> None:
        content = {"task": spec.task, "method": spec.method, "progress": {"env_steps": 100 * iteration}}
        write_checkpoint(path, tensors, {}, content)
        written = json.loads((path / "state.json").read_text())
        (path / "state.json").write_text(json.dumps(written | state))

    return save_checkpoint(folder / "checkpoints", iteration, write)
